package exchangesim

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// An answer is what a pipeline gave.
type answer struct {
	objects []exchange.Object
	exchange.Streams
}

// fault is the class of the only error: the exception's short name, "" for none.
func (a answer) fault(t *testing.T) string {
	t.Helper()
	switch len(a.Errors) {
	case 0:
		return ""
	case 1:
		return a.Errors[0].Reason
	}
	t.Fatalf("several errors: %v", a.Errors)
	return ""
}

func (a answer) names() []string { return a.texts("Name") }

func (a answer) texts(property string) []string {
	texts := []string{}
	for _, o := range a.objects {
		texts = append(texts, o.Text(property))
	}
	return texts
}

func invoke(t *testing.T, s *Session, p ...exchange.Command) answer {
	t.Helper()
	var a answer
	streams, err := s.Invoke(context.Background(), p, func(o exchange.Object) error {
		a.objects = append(a.objects, o)
		return nil
	})
	if err != nil {
		t.Fatalf("%v: %v", p, err)
	}
	a.Streams = streams
	return a
}

// must runs a command that has to work without an error or a warning.
func must(t *testing.T, s *Session, c exchange.Command) answer {
	t.Helper()
	a := invoke(t, s, c)
	if len(a.Errors) > 0 || len(a.Warnings) > 0 || a.Failed {
		t.Fatalf("%v: %+v", c, a.Streams)
	}
	return a
}

func scenario(t testing.TB, name string) Scenario {
	t.Helper()
	s, err := ScenarioByName(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func open(t testing.TB, name string) (*Organization, *Session) {
	t.Helper()
	o := New(scenario(t, name), Options{})
	return o, o.Session(SessionOptions{})
}

func command(cmdlet string, parameters ...any) exchange.Command {
	c := exchange.Command{Cmdlet: cmdlet}
	for i := 0; i < len(parameters); i += 2 {
		var v exchange.Value
		switch p := parameters[i+1].(type) {
		case string:
			v = exchange.String(p)
		case []string:
			v = exchange.Strings(p)
		case bool:
			v = exchange.Bool(p)
		case int:
			v = exchange.Int(p)
		case nil:
			v = exchange.Null{}
		case exchange.Value:
			v = p
		}
		c = c.With(parameters[i].(string), v)
	}
	return c
}

func TestBinding(t *testing.T) {
	newAssignment := func(parameters ...any) exchange.Command {
		return command("New-ManagementRoleAssignment", append([]any{"Role", exchange.Role}, parameters...)...)
	}
	for _, c := range []struct {
		name    string
		command exchange.Command
		id      string // what the FullyQualifiedErrorId begins with; "" when it works
	}{
		{"no such cmdlet", command("Get-Nothing"), "CommandNotFoundException"},
		{"cloud cmdlet", command("Enable-OrganizationCustomization"), "CommandNotFoundException"},
		{"cloud parameter", newAssignment("User", "anna", "Force", true), "NamedParameterNotFound,"},
		{"cloud parameter of a role group", command("New-RoleGroup", "Name", "X", "Force", true), "NamedParameterNotFound,"},
		{"cloud scope", newAssignment("User", "anna", "RecipientGroupScope", rescheduleUsers), "NamedParameterNotFound,"},
		{"force of a scope", command("New-ManagementScope", "Name", "X", "RecipientRestrictionFilter", "Name -eq 'x'", "Force", true), ""},
		{"any case", command("get-user", "IDENTITY", "anna"), ""},
		{"abbreviated", command("Get-User", "Ident", "anna"), ""},
		{"ambiguous abbreviation", command("Get-User", "R", "x"), "AmbiguousParameter,"},
		{"twice", command("Get-User", "Identity", "anna", "identity", "ben"), "ParameterAlreadyBound,"},
		{"two assignees", newAssignment("User", "anna", "SecurityGroup", rescheduleUsers), "AmbiguousParameterSet,"},
		{"no assignee", newAssignment("Name", "X"), "MissingMandatoryParameter,"},
		{"no role", command("New-ManagementRoleAssignment", "User", "anna"), "MissingMandatoryParameter,"},
		{"identity and role", command("Get-ManagementRoleAssignment", "Identity", "x", "Role", exchange.Role), "AmbiguousParameterSet,"},
		{"empty mandatory", command("Remove-ManagementScope", "Identity", "", "Confirm", false), "ParameterArgumentValidationErrorEmptyStringNotAllowed,"},
		{"null mandatory", command("Remove-ManagementScope", "Identity", nil, "Confirm", false), "ParameterArgumentValidationErrorNullNotAllowed,"},
		{"text for a boolean", command("Set-ADServerSettings", "ViewEntireForest", "yes"), "ParameterArgumentTransformationError,"},
		{"enumeration", newAssignment("User", "anna", "RecipientRelativeWriteScope", "MyExecutive"), "ParameterArgumentTransformationError,"},
		{"number for text", command("Get-User", "ResultSize", 5), ""},
		{"result size", command("Get-User", "ResultSize", "many"), "ParameterArgumentTransformationError,"},
		{"what-if on a read", command("Get-User", "WhatIf", true), "NamedParameterNotFound,"},
		{"asks", command("Remove-ManagementScope", "Identity", "x"), "HostFunctionNotImplemented,"},
		{"asks when told to", command("New-ManagementScope", "Name", "X", "RecipientRestrictionFilter", "Name -eq 'x'", "Confirm", true), "HostFunctionNotImplemented,"},
		{"exclusive asks", command("New-ManagementScope", "Name", "X", "RecipientRestrictionFilter", "Name -eq 'x'", "Exclusive", true), "HostFunctionNotImplemented,"},
		{"common parameter", command("Get-User", "Identity", "anna", "Verbose", true), ""},
		{"filter syntax", command("Get-Recipient", "Filter", "((RecipientType -eq 'UserMailbox' -or 'MailUser'))"), "ParameterBindingFailed,"},
		{"filter property", command("Get-Recipient", "Filter", "Shoe -eq 'x'"), "ParameterBindingFailed,"},
		{"scope filter", command("New-ManagementScope", "Name", "X", "RecipientRestrictionFilter", "City"), "ParameterBindingFailed,"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, s := open(t, "plain")
			before := o.Snapshot()
			a := invoke(t, s, c.command)
			if c.id == "" {
				if len(a.Errors) > 0 || a.Failed {
					t.Fatalf("got %+v, want no error", a.Streams)
				}
				return
			}
			if len(a.Errors) != 1 || !strings.HasPrefix(a.Errors[0].FullyQualifiedErrorID, c.id) || !a.Failed {
				t.Fatalf("got %+v, want one %s and a failed pipeline", a.Streams, c.id)
			}
			if a.Errors[0].FailureCategory() != "" {
				t.Errorf("an error of PowerShell has the category %q", a.Errors[0].FailureCategory())
			}
			if diff := cmp.Diff(before, o.Snapshot()); diff != "" {
				t.Errorf("changed:\n%s", diff)
			}
		})
	}
}

func TestErrorAction(t *testing.T) {
	_, s := open(t, "plain")
	unknown := commands.GetUser("nobody")
	if a := invoke(t, s, unknown); a.Failed || a.fault(t) != "ManagementObjectNotFoundException" {
		t.Errorf("an error of Exchange ends the pipeline Completed: %+v", a.Streams)
	}
	if a := invoke(t, s, unknown.With("ErrorAction", exchange.String("Stop"))); !a.Failed || len(a.Errors) != 1 {
		t.Errorf("-ErrorAction Stop: %+v", a.Streams)
	}
	if a := invoke(t, s, unknown.With("ErrorAction", exchange.String("SilentlyContinue"))); a.Failed || len(a.Errors) != 0 {
		t.Errorf("-ErrorAction SilentlyContinue: %+v", a.Streams)
	}
}

func TestPipeline(t *testing.T) {
	o, s := open(t, "equal-other-name")
	remove := command("Remove-ManagementRoleAssignment", "Confirm", false)
	if a := invoke(t, s, command("Get-ManagementRoleAssignment", "Identity", "Old*"), remove); len(a.Errors) != 0 {
		t.Fatal(a.Errors)
	}
	if slices.ContainsFunc(o.Snapshot().Assignments, func(a AssignmentSnapshot) bool { return a.Name == "Old Grant" }) {
		t.Error("the piped assignment is still there")
	}
	if _, err := s.Invoke(context.Background(), nil, nil); err == nil {
		t.Error("an empty pipeline was accepted")
	}
}

func TestInvokeStops(t *testing.T) {
	_, s := open(t, "plain")
	stop := errors.New("enough")
	n := 0
	_, err := s.Invoke(context.Background(), exchange.Pipeline{commands.ListRecipients("", "")}, func(exchange.Object) error {
		n++
		return stop
	})
	if n != 1 || !errors.Is(err, stop) {
		t.Errorf("yield's error: %d objects, error %v", n, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Invoke(ctx, exchange.Pipeline{commands.GetUser("anna")}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

func TestYieldMayInvoke(t *testing.T) {
	_, s := open(t, "plain")
	_, err := s.Invoke(context.Background(), exchange.Pipeline{commands.ListScopes(), commands.GetUser("anna")}, func(exchange.Object) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Invoke(context.Background(), exchange.Pipeline{commands.GetUser("anna")}, func(exchange.Object) error {
		must(t, s, commands.GetUser("ben"))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestSessionsAreTheirOwn(t *testing.T) {
	o, a := open(t, "two-domains")
	b := o.Session(SessionOptions{})
	must(t, a, commands.SetADServerSettings(true))
	if got := invoke(t, a, commands.GetUser("emily")); len(got.objects) != 1 {
		t.Errorf("with the entire forest in view: %+v", got)
	}
	if got := invoke(t, b, commands.GetUser("emily")); got.fault(t) != "ManagementObjectNotFoundException" {
		t.Errorf("another session: %+v", got)
	}
	if !must(t, a, commands.GetADServerSettings()).objects[0].Bool("ViewEntireForest") {
		t.Error("Get-ADServerSettings does not show it")
	}
	must(t, a, commands.SetADServerSettings(false))
	if got := invoke(t, a, commands.GetUser("emily")); got.fault(t) == "" {
		t.Error("the view was not put back")
	}
}

func TestCallers(t *testing.T) {
	o, admin := open(t, "plain")
	auditor := o.Session(SessionOptions{User: "auditor@contoso.test"})
	if auditor.User() != `CONTOSO\auditor` {
		t.Errorf("user %q", auditor.User())
	}
	names := func(s *Session) (names []string) {
		for _, c := range s.Commands() {
			names = append(names, c.Name)
		}
		return names
	}
	if got := names(auditor); !slices.Contains(got, "Get-Recipient") || slices.Contains(got, "Get-ManagementRoleAssignment") {
		t.Errorf("a member of View-Only Organization Management has %v", got)
	}
	if !slices.IsSorted(names(admin)) || len(names(admin)) != 28 {
		t.Errorf("the administrator has %d cmdlets: %v", len(names(admin)), names(admin))
	}
	for _, nobody := range []string{"anna", "nobody", "lena"} {
		s := o.Session(SessionOptions{User: nobody})
		if n := len(s.Commands()); n != 0 {
			t.Errorf("%s has %d cmdlets", nobody, n)
		}
		if a := invoke(t, s, commands.GetUser("anna")); a.fault(t) != "CommandNotFoundException" {
			t.Errorf("%s: %+v", nobody, a.Streams)
		}
	}
}

func TestModule(t *testing.T) {
	for scenario, prefix := range map[string]string{"plain": "tmp_", "exchange-online": "tmpEXO_"} {
		_, s := open(t, scenario)
		if !strings.HasPrefix(s.Module(), prefix) {
			t.Errorf("%s: module %q", scenario, s.Module())
		}
	}
}

func TestCalls(t *testing.T) {
	o, s := open(t, "plain")
	invoke(t, s, commands.GetUser("nobody"))
	invoke(t, s, commands.NewScope("S", "City -eq 'Berlin'", ""))
	invoke(t, s, commands.NewScope("T", "City -eq 'Berlin'", "").With("WhatIf", exchange.Switch(true)))
	invoke(t, s, commands.GetUser("anna").With("Force", exchange.Switch(true)))
	var got []string
	for _, c := range o.Calls() {
		line := c.User + " " + c.Command.Cmdlet + " " + c.Fault
		if c.Writes {
			line += " writes"
		}
		if c.WhatIf {
			line += " what-if"
		}
		got = append(got, line)
	}
	want := []string{
		`CONTOSO\administrator Get-User Cmdlet-ManagementObjectNotFoundException`,
		`CONTOSO\administrator New-ManagementScope  writes`,
		`CONTOSO\administrator New-ManagementScope  what-if`,
		`CONTOSO\administrator Get-User NamedParameterNotFound,Microsoft.Exchange.Management.RecipientTasks.GetUser`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAuditLog(t *testing.T) {
	_, s := open(t, "plain")
	invoke(t, s, commands.NewScope("S", "City -eq 'Berlin'", ""))
	invoke(t, s, commands.NewScope("S", "City -eq 'Berlin'", ""))
	invoke(t, s, commands.RemoveScope("S", ""))
	invoke(t, s, commands.ListScopes())
	a := must(t, s, command("Search-AdminAuditLog", "Cmdlets", []string{"*-ManagementScope"}))
	got := []string{}
	for _, e := range a.objects {
		got = append(got, strings.Join([]string{e.Text("CmdletName"), e.Text("ObjectModified"), e.Text("Succeeded"), e.Text("Caller")}, " "))
	}
	want := []string{
		`Remove-ManagementScope S True CONTOSO\administrator`,
		`New-ManagementScope S False CONTOSO\administrator`,
		`New-ManagementScope S True CONTOSO\administrator`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if a := must(t, s, command("Search-AdminAuditLog", "IsSuccess", false, "ObjectIds", []string{"S"})); len(a.objects) != 1 || a.objects[0].Text("Error") == "" {
		t.Errorf("failures: %+v", a.objects)
	}
}

func TestConcurrentUse(t *testing.T) {
	o, _ := open(t, "plain")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			s := o.Session(SessionOptions{})
			name := string(rune('A' + i))
			for range 5 {
				invoke(t, s, commands.NewScope(name, "City -eq 'Berlin'", ""))
				invoke(t, s, commands.ListRecipients("", ""))
				invoke(t, s, commands.ListAssignments(exchange.Role))
				invoke(t, s, commands.RemoveScope(name, ""))
				o.Clock().Sleep(1)
				o.Snapshot()
				o.Calls()
			}
		}()
	}
	wg.Wait()
	if n := len(o.Snapshot().Scopes); n != 0 {
		t.Errorf("%d scopes are left", n)
	}
}

// TestWhatIfChangesNothing runs every cmdlet that writes, with arguments that
// work, first under -WhatIf.
func TestWhatIfChangesNothing(t *testing.T) {
	online := map[string]bool{"Set-OrganizationConfig": true, "New-ServicePrincipal": true, "Remove-ServicePrincipal": true}
	list := map[string]exchange.Command{
		"New-ManagementRoleAssignment":    newAssignment("Name", "A", "User", assignee),
		"Set-ManagementRoleAssignment":    commands.SetAssignmentEnabled("Mail Recipients-"+ownName, false, ""),
		"Remove-ManagementRoleAssignment": commands.RemoveAssignment("Mail Recipients-"+ownName, ""),
		"New-ManagementScope":             commands.NewScope("S", "City -eq 'Berlin'", ""),
		"Set-ManagementScope":             commands.SetScope(ownName, "City -eq 'Berlin'", ""),
		"Remove-ManagementScope":          commands.RemoveScope("Spare", ""),
		"New-RoleGroup":                   commands.NewRoleGroup("R", []string{exchange.Role}, []string{assignee}, commands.WriteScope{}, ""),
		"Remove-RoleGroup":                commands.RemoveRoleGroup(ownName, ""),
		"Add-RoleGroupMember":             commands.AddRoleGroupMember(ownName, "svc-backup", ""),
		"Remove-RoleGroupMember":          commands.RemoveRoleGroupMember(ownName, assignee, ""),
		enableCustomization:               commands.EnableOrganizationCustomization(),
		"Set-OrganizationConfig":          command("Set-OrganizationConfig", "EwsEnabled", true),
		"New-ServicePrincipal":            command("New-ServicePrincipal", "AppId", "a", "ObjectId", "b"),
		"Remove-ServicePrincipal":         command("Remove-ServicePrincipal", "Identity", "spare", "Confirm", false),
	}
	for _, cmd := range cmdlets() {
		if !cmd.writes {
			continue
		}
		c, ok := list[cmd.name]
		if !ok {
			t.Errorf("no command for %s", cmd.name)
			continue
		}
		name := "role-group-other-roles"
		if online[cmd.name] {
			name = "exchange-online-customized"
		}
		o, s := open(t, name)
		if online[cmd.name] {
			must(t, s, command("New-ServicePrincipal", "AppId", "x", "ObjectId", "spare"))
		} else {
			must(t, s, commands.NewScope("Spare", "City -eq 'Berlin'", ""))
			o.behaviour.Customization.CmdletExists = true
			s = o.Session(SessionOptions{})
			if cmd.name == enableCustomization {
				o.behaviour.Customization.Dehydrated = true
			}
		}
		before := saved(t, o)
		if a := invoke(t, s, c.With("WhatIf", exchange.Switch(true))); len(a.Errors) != 0 || len(a.objects) != 0 {
			t.Errorf("%s -WhatIf: %+v", cmd.name, a)
		}
		if diff := cmp.Diff(before, saved(t, o)); diff != "" {
			t.Errorf("%s -WhatIf changed:\n%s", cmd.name, diff)
		}
		if a := invoke(t, s, c); len(a.Errors) != 0 {
			t.Errorf("%s: %+v", cmd.name, a.Streams)
		}
		if calls := o.Calls(); !calls[len(calls)-1].Writes || calls[len(calls)-2].Writes {
			t.Errorf("%s: what was written is logged wrongly", cmd.name)
		}
	}
}

func TestCommandsAreDescribed(t *testing.T) {
	for _, name := range []string{"plain", "exchange-online"} {
		_, s := open(t, name)
		for _, c := range s.Commands() {
			seen := map[string]bool{}
			for _, p := range c.Parameters {
				if seen[strings.ToLower(p.Name)] {
					t.Errorf("%s has -%s twice", c.Name, p.Name)
				}
				seen[strings.ToLower(p.Name)] = true
				for _, set := range p.Sets {
					if !slices.Contains(c.ParameterSets, set) {
						t.Errorf("%s, %s: -%s is in the parameter set %s, which is not listed", name, c.Name, p.Name, set)
					}
				}
			}
			if seen["whatif"] || seen["confirm"] || strings.HasPrefix(c.Name, "Get-") && c.SupportsShouldProcess {
				t.Errorf("%s: -WhatIf and -Confirm", c.Name)
			}
			if strings.HasPrefix(c.Name, "Remove-") != c.ConfirmImpactHigh {
				t.Errorf("%s: asks %v", c.Name, c.ConfirmImpactHigh)
			}
			if seen["domaincontroller"] && name == "exchange-online" || seen["force"] && name == "plain" && c.Name != "New-ManagementScope" {
				t.Errorf("%s, %s: a parameter of the other kind of Exchange", name, c.Name)
			}
		}
	}
}
