package grant

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// Commands that are used where the session has them.
const (
	getExchangeServer     = "Get-ExchangeServer"
	getOrganizationConfig = "Get-OrganizationConfig"
	getADServerSettings   = "Get-ADServerSettings"
	setADServerSettings   = "Set-ADServerSettings"
	getManagementRole     = "Get-ManagementRole"
	getManagementScope    = "Get-ManagementScope"
	getRecipient          = "Get-Recipient"
	getAssignment         = "Get-ManagementRoleAssignment"
	enableCustomization   = "Enable-OrganizationCustomization"
)

var optionalCommands = [...]string{getExchangeServer, getOrganizationConfig, getADServerSettings, setADServerSettings,
	getManagementRole, getManagementScope, getRecipient, enableCustomization}

// A need is a command that the procedure cannot do without, and perhaps one of its
// parameters.
type need struct{ command, parameter string }

func needs(commands ...string) []need {
	out := make([]need, len(commands))
	for i, c := range commands {
		out[i].command = c
	}
	return out
}

// preflight is everything before the first look at the grant's objects: the
// session's commands, proof that it is an on-premises organization, and a view of
// the whole forest.
func (r *run) preflight(ctx context.Context, needed []need) error {
	if err := r.readCommands(ctx, needed); err != nil {
		return err
	}
	defer r.askLanguageMode(ctx)()
	if err := r.assertOnPremises(ctx); err != nil {
		return err
	}
	if err := r.assertCommands(needed); err != nil {
		return err
	}
	if err := r.viewForest(ctx); err != nil {
		return err
	}
	build := "Exchange"
	if b := r.report.Target.Build; b != "" {
		build += " " + b
	}
	r.unchanged(report.StepPreflight, build+" on-premises, all commands are there.", "")
	return nil
}

// askLanguageMode asks for the session's language mode, where it can be asked, beside
// what comes next; the function that it returns waits for the answer. It only enriches
// the report: without an answer the mode stays empty.
func (r *run) askLanguageMode(ctx context.Context) func() {
	session, ok := r.inv.(exchange.LanguageModer)
	if !ok || r.report.Target.LanguageMode != "" {
		return func() {}
	}
	answer := make(chan string, 1)
	go func() {
		mode, err := session.LanguageMode(ctx)
		if err != nil {
			mode = ""
		}
		answer <- mode
	}()
	return func() { r.report.Target.LanguageMode = <-answer }
}

// readCommands asks once for every command of the procedure.
func (r *run) readCommands(ctx context.Context, needed []need) error {
	names := slices.Clone(optionalCommands[:])
	for _, n := range needed {
		if !slices.Contains(names, n.command) {
			names = append(names, n.command)
		}
	}
	return r.repeat(ctx, func() (bool, error) { return false, r.askCommands(ctx, names) })
}

func (r *run) askCommands(ctx context.Context, names []string) error {
	r.commands, r.missing = map[string][]string{}, map[string]fault.Fault{}
	streams, err := r.inv.Invoke(ctx, exchange.Pipeline{commands.GetCommands(names...)}, func(o exchange.Object) error {
		listed, _ := o.Value("Parameters")
		parameters, _ := listed.([]string) // anything else is no list of names
		r.commands[strings.ToLower(o.Text("Name"))] = parameters
		return nil
	})
	if err != nil {
		return err
	}
	for _, record := range streams.Errors {
		f, _ := fault.Classify(fault.Evidence{Record: record})
		asked := slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, record.TargetName) })
		if f.ID != fault.CmdletMissing || !asked {
			return &exchangeError{f}
		}
		r.missing[strings.ToLower(record.TargetName)] = f
	}
	return nil
}

var buildPattern = regexp.MustCompile(`(\d+)\.(\d+) \(Build (\d+)\.(\d+)\)`)

// assertOnPremises stops in Exchange Online. Its sessions have no servers to list;
// an organization's own may hide them, and is then known by its address.
func (r *run) assertOnPremises(ctx context.Context) error {
	var servers []exchange.Object
	if r.has(getExchangeServer) {
		var err error
		if servers, err = r.listLoosely(ctx, commands.GetExchangeServer()); err != nil {
			return err
		}
	}
	if len(servers) == 0 {
		online, err := r.isOnline(ctx)
		switch {
		case err != nil:
			return err
		case online:
			return r.stop(report.Failed, report.Step{ID: report.StepPreflight, Text: "This session is connected to Exchange Online: " +
				"the role ApplicationImpersonation no longer exists there. Nothing was changed. Connect to a server of the " +
				"on-premises organization; for Exchange Online generate the script with: exgrant script office365"})
		}
		r.find("build-unknown", report.SeverityInfo, "Get-ExchangeServer does not answer in this session.")
		return nil
	}
	server := servers[0]
	target := &r.report.Target
	for _, s := range servers {
		if target.Server != "" && strings.EqualFold(s.Text("Fqdn"), target.Server) {
			server = s
			break
		}
	}
	if target.Server == "" {
		target.Server = server.Text("Fqdn")
	}
	if m := buildPattern.FindStringSubmatch(server.Text("AdminDisplayVersion")); m != nil {
		target.Build = strings.Join(m[1:], ".")
		r.findUnsupported(m[1:])
	}
	return nil
}

// isOnline tells whether the session is connected to Exchange Online: by its
// address, or by the domain controller that its organization was read from.
func (r *run) isOnline(ctx context.Context) (bool, error) {
	if isOnlineHost(r.report.Target.Server) || !r.has(getOrganizationConfig) {
		return isOnlineHost(r.report.Target.Server), nil
	}
	found, err := r.listLoosely(ctx, commands.GetOrganizationConfig())
	return len(found) > 0 && isOnlineHost(found[0].Text("OriginatingServer")), err
}

// onlineHosts are the domains of Exchange Online's PowerShell, worldwide and in the
// national clouds (learn.microsoft.com/powershell/exchange/connect-to-exchange-online-powershell).
var onlineHosts = [...]string{"outlook.com", "office365.com", "outlook.cn", "office365.us", "apps.mil", "outlook.office.de"}

func isOnlineHost(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return slices.ContainsFunc(onlineHosts[:], func(domain string) bool {
		return host == domain || strings.HasSuffix(host, "."+domain)
	})
}

// assertCommands stops when RBAC hides a command or parameter that is needed.
func (r *run) assertCommands(needed []need) error {
	for _, n := range needed {
		parameters, ok := r.commands[strings.ToLower(n.command)]
		if !ok {
			return r.stopMissing(n.command)
		}
		// Servers that do not list parameters leave the decision to the command.
		hides := len(parameters) > 0 && !slices.ContainsFunc(parameters, func(p string) bool { return strings.EqualFold(p, n.parameter) })
		if n.parameter != "" && hides {
			return r.stopParameter(n)
		}
	}
	return nil
}

func (r *run) stopMissing(command string) error {
	f, ok := r.missing[strings.ToLower(command)]
	if !ok {
		f = fault.Fault{ID: fault.CmdletMissing, Rule: "command-missing", Message: "Get-Command does not know " + command + ".",
			Hint: "A role of yours hides it. Ask for the role that gives it, then open a new session.", Retry: fault.RetryNever}
	}
	return r.stop(report.Failed, report.Step{ID: report.StepPreflight, Fault: &f, Text: command + " is not in this session. " +
		"The management role 'Role Management' gives it; members of Organization Management have it."})
}

func (r *run) stopParameter(n need) error {
	f := fault.Fault{
		ID: fault.CmdletMissing, Rule: "parameter-missing",
		Message: n.command + " has no parameter " + n.parameter + " in this session.",
		Hint:    "A role of yours hides it. Ask for the built-in role Role Management, then open a new session.",
		Retry:   fault.RetryNever,
	}
	return r.stop(report.Failed, report.Step{ID: report.StepPreflight, Text: f.Message, Fault: &f})
}

// viewForest makes recipient reads of the session cover the whole forest. The
// session is the run's own and ends with it, so nothing is put back.
func (r *run) viewForest(ctx context.Context) error {
	if !r.has(setADServerSettings) || !r.has(getADServerSettings) {
		return nil
	}
	found, err := r.listLoosely(ctx, commands.GetADServerSettings())
	if err != nil || len(found) == 0 {
		return err
	}
	// The server that takes changes of the configuration, such as assignments, unless one was named.
	if !r.pinned {
		r.configurationServer = found[0].Text("DefaultConfigurationDomainController")
	}
	if found[0].Bool("ViewEntireForest") {
		return nil
	}
	_, err = r.list(ctx, commands.SetADServerSettings(true))
	var reply *exchange.LostReplyError
	if errors.As(err, &reply) {
		_, err = r.list(ctx, commands.SetADServerSettings(true)) // it is the session's own, and can be set twice
	}
	return err
}

// checkDelegation warns when the caller has no delegating assignment: the server
// will refuse then, but only the server knows for sure.
func (r *run) checkDelegation(ctx context.Context) error {
	who := r.report.Operator
	if who == unknownOperator {
		return nil
	}
	delegating, err := r.list(ctx, commands.ListDelegatingAssignments(who))
	var reported *exchangeError
	if errors.As(err, &reported) {
		return nil
	}
	if err == nil && len(delegating) == 0 {
		r.find("no-delegating-assignment", report.SeverityInfo, who+" has no delegating assignment of "+exchange.Role+
			"; the server will probably refuse. Organization Management has one.")
	}
	return err
}

// readOrganization reads which organization this is, where the session tells.
func (r *run) readOrganization(ctx context.Context) error {
	if !r.has(getOrganizationConfig) {
		return nil
	}
	found, err := r.listLoosely(ctx, commands.GetOrganizationConfig())
	if len(found) > 0 {
		r.organization = found[0].Text("Guid")
	}
	return err
}

// findUnsupported says of a build (major, minor, build, revision) that Microsoft no
// longer supports it. Subscription Edition begins at 15.2.2562
// (learn.microsoft.com/exchange/new-features/build-numbers-and-release-dates).
func (r *run) findUnsupported(build []string) {
	number := func(i int) int { n, _ := strconv.Atoi(build[i]); return n } // the pattern has digits only
	name, since := "", "14 October 2025; the extended security updates ended in October 2026"
	switch major, minor := number(0), number(1); {
	case major == 15 && minor == 2 && number(2) < 2562:
		name = "Exchange Server 2019"
	case major == 15 && minor == 1:
		name = "Exchange Server 2016"
	case major == 15 && minor == 0:
		name, since = "Exchange Server 2013", "11 April 2023"
	case major < 15:
		name, since = "This version of Exchange Server", "2020"
	default:
		return
	}
	r.find("version-unsupported", report.SeverityInfo, name+" ("+strings.Join(build, ".")+") has been out of support since "+since+".")
}
