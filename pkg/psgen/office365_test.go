package psgen_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/pkg/psgen"
)

const (
	appID    = "aaaaaaaa-0000-0000-0000-000000000001"
	objectID = "bbbbbbbb-0000-0000-0000-000000000001"
	otherApp = "aaaaaaaa-0000-0000-0000-000000000002"
	unitID   = "cccccccc-0000-0000-0000-000000000001"

	calendars = "Application Calendars.ReadWrite"
	ewsRole   = "Application EWS.AccessAsApp"
	outgoing  = "Calendars.ReadWrite-" + appID // the derived name of the assignment
)

var beforeEWSEnd = time.Date(2026, time.November, 24, 9, 0, 0, 0, time.UTC)

func office365(t *testing.T, o psgen.Office365Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := psgen.Office365(&b, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var office365Variants = []struct {
	name    string
	options psgen.Office365Options
}{
	{"office365", psgen.Office365Options{}},
	{"office365-ews", psgen.Office365Options{AcceptEWSEnd: true, Now: beforeEWSEnd}},
}

func TestOffice365IsTheSameOnEveryDay(t *testing.T) {
	first := office365(t, psgen.Office365Options{AcceptEWSEnd: true, Now: beforeEWSEnd})
	last := office365(t, psgen.Office365Options{AcceptEWSEnd: true, Now: time.Date(2027, time.March, 31, 23, 59, 59, 0, time.UTC)})
	if first != last {
		t.Errorf("the day of generation is in the script:\n%s", cmp.Diff(first, last))
	}
}

func TestOffice365RefusesEWSAfterItsEnd(t *testing.T) {
	end := time.Date(2027, time.April, 1, 0, 0, 0, 0, time.UTC)
	for _, now := range []time.Time{end, end.AddDate(3, 0, 0), end.In(time.FixedZone("west", -8*3600))} {
		var b bytes.Buffer
		err := psgen.Office365(&b, psgen.Office365Options{AcceptEWSEnd: true, Now: now})
		var ended *psgen.EWSEndedError
		if !errors.As(err, &ended) || !ended.End.Equal(end) {
			t.Errorf("at %v: error %v, want an EWSEndedError of %v", now, err, end)
		}
		if b.Len() > 0 {
			t.Errorf("at %v: %d bytes were written beside the error", now, b.Len())
		}
	}
	if err := psgen.Office365(new(bytes.Buffer), psgen.Office365Options{AcceptEWSEnd: true}); err == nil {
		t.Error("EWS without the day of generation was accepted")
	}
	if s := office365(t, psgen.Office365Options{Now: end}); s == "" {
		t.Error("the script without EWS ends with EWS")
	}
}

// The steps of 2019 and the settings of EWS must not be in the usual script, not
// even as code that never runs.
func TestOffice365HoldsNoRetiredStep(t *testing.T) {
	dir := t.TempDir()
	for _, v := range office365Variants {
		path := writeFile(t, dir, v.name+".ps1", office365(t, v.options))
		text := office365(t, v.options)
		for _, retired := range []string{"New-RoleGroup", "Add-RoleGroupMember", "Enable-OrganizationCustomization"} {
			if strings.Contains(text, retired) {
				t.Errorf("%s holds %s", v.name, retired)
			}
		}
		if changes := strings.Contains(text, "Set-OrganizationConfig"); changes != v.options.AcceptEWSEnd {
			t.Errorf("%s holds Set-OrganizationConfig: %t", v.name, changes)
		}
		for _, finding := range peers.Check(t, nil, path) {
			t.Errorf("%v", finding)
		}
	}
}

// A tenant is the state of testdata/office365/ExchangeOnline.psm1.
type tenant struct {
	Today        string           `json:"today"`
	Hidden       []string         `json:"hidden"`
	Roles        []string         `json:"roles"`
	Organization map[string]any   `json:"organization"`
	Principals   []map[string]any `json:"principals"`
	Scopes       []map[string]any `json:"scopes"`
	Assignments  []map[string]any `json:"assignments"`
	Recipients   []map[string]any `json:"recipients"`
	Refused      string           `json:"refused"` // this command fails
	Loses        string           `json:"loses"`   // what the allow list becomes instead of what was written
}

func newTenant() tenant {
	mailbox := func(name string, in ...string) map[string]any {
		return map[string]any{
			"Name": name, "PrimarySmtpAddress": name + "@contoso.test", "RecipientTypeDetails": "UserMailbox", "In": in,
		}
	}
	return tenant{
		Today:  "2026-11-24T09:00:00",
		Hidden: []string{"Get-ExchangeServer"},
		Roles:  []string{"Mail Recipients", "Application Mail.Read", calendars, ewsRole},
		Organization: map[string]any{
			"EwsEnabled": nil, "EwsApplicationAccessPolicy": nil, "EwsAllowList": []string{}, "EwsAllowedAppIDs": otherApp,
		},
		Principals:  []map[string]any{},
		Scopes:      []map[string]any{},
		Assignments: []map[string]any{},
		Recipients: []map[string]any{
			mailbox("anna", "Rooms", "Reschedule Users", unitID), mailbox("boss"),
			{
				"Name": "Reschedule Users", "DistinguishedName": "CN=Reschedule Users,OU=contoso,DC=prod",
				"RecipientTypeDetails": "MailUniversalSecurityGroup",
			},
			{"Name": "Everybody", "DistinguishedName": "CN=Everybody", "RecipientTypeDetails": "DynamicDistributionGroup"},
		},
	}
}

func principal() map[string]any {
	return map[string]any{"AppId": appID, "ObjectId": objectID, "DisplayName": "Reschedule", "Identity": objectID}
}

func scope(filter string) map[string]any {
	return map[string]any{"Name": "Rooms", "RecipientFilter": filter, "RecipientRoot": "", "Exclusive": false}
}

func assignment(name, kind, target string) map[string]any {
	return map[string]any{
		"Name": name, "Role": calendars, "RoleAssignee": objectID, "RoleAssigneeName": objectID,
		"RoleAssigneeType": "ServicePrincipal", "RecipientWriteScope": kind, "CustomResourceScope": target, "Enabled": true,
	}
}

// An exchangeOnline is a tenant in a folder, for scripts to be run against.
type exchangeOnline struct {
	dir    string
	engine *peers.Engine
}

func startExchangeOnline(t *testing.T, engine *peers.Engine, state tenant) exchangeOnline {
	t.Helper()
	dir := t.TempDir()
	module, err := os.ReadFile("testdata/office365/ExchangeOnline.psm1")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "ExchangeOnline.psm1", string(module))
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "state.json", string(text))
	return exchangeOnline{dir, engine}
}

func (x exchangeOnline) run(t *testing.T, script string, parameters map[string]any) *peers.Result {
	t.Helper()
	path := writeFile(t, x.dir, "office365.ps1", script)
	return x.engine.Run(t, peers.Job{
		Script: path, Parameters: parameters, Modules: []string{filepath.Join(x.dir, "ExchangeOnline.psm1")},
	})
}

// changes returns the changing commands since the last call.
func (x exchangeOnline) changes(t *testing.T) []string {
	t.Helper()
	path := filepath.Join(x.dir, "calls.log")
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
}

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// steps gives the steps that the script told as "id status".
func steps(r *peers.Result) []string {
	var out []string
	for _, o := range r.Output {
		if id := fmt.Sprint(o.Property("Id")); id != "explanation" && id != "inventory" && id != "checklist" {
			out = append(out, id+" "+fmt.Sprint(o.Property("Status")))
		}
	}
	return out
}

// said is everything that the script told, for searching.
func said(r *peers.Result) string {
	var b strings.Builder
	for _, o := range r.Output {
		fmt.Fprintln(&b, o.Property("Id"), o.Property("Status"), o.Property("Text"), o.Property("Command"), o.Property("Guid"))
	}
	return b.String() + strings.Join(r.Warnings, "\n")
}

func replacement(more map[string]any) map[string]any {
	p := map[string]any{
		"AppId": appID, "ObjectId": objectID, "DisplayName": "Reschedule", "Confirm": false,
		"InScopeMailbox": "anna@contoso.test", "OutOfScopeMailbox": "boss@contoso.test",
	}
	for name, value := range more {
		p[name] = value
	}
	return p
}

func filterScope(filter string) map[string]any {
	return map[string]any{"ScopeName": "Rooms", "RecipientFilter": filter}
}

const rooms = "RecipientTypeDetails -eq 'RoomMailbox'"

func TestOffice365OnlyReadsWithoutParameters(t *testing.T) {
	engine := peers.StartEngine(t)
	tests := []struct {
		name   string
		change func(*tenant)
		say    []string
	}{
		{"as expected", func(*tenant) {}, []string{
			"does not exist here any more", "EwsEnabled: (empty)", "EwsAllowedAppIDs: " + otherApp,
			"no service principal of any application", "128 days left", "Facts as of 20", "https://",
		}},
		{"the role is still listed", func(s *tenant) { s.Roles = append(s.Roles, "ApplicationImpersonation") },
			[]string{"still listed, but nobody holds it"}},
		{"somebody still holds the role", func(s *tenant) {
			s.Roles = append(s.Roles, "ApplicationImpersonation")
			s.Assignments = []map[string]any{{
				"Name": "Old", "Role": "ApplicationImpersonation", "RoleAssigneeName": "Services", "EffectiveUserName": "svc",
				"RoleAssigneeType": "RoleGroup",
			}}
		}, []string{"A remainder of ApplicationImpersonation: 'Old' for Services (effective: svc)"}},
		{"applications with rights", func(s *tenant) {
			s.Principals = []map[string]any{principal(), {"AppId": otherApp, "ObjectId": unitID, "DisplayName": "Other"}}
			s.Assignments = []map[string]any{assignment("A", "CustomRecipientScope", "Rooms"), assignment("B", "Organization", "")}
		}, []string{
			"'Reschedule', application " + appID + ": " + calendars + " for the management scope 'Rooms'; " + calendars +
				" for every mailbox of the organization.",
			"'Other', application " + otherApp + ": no application role in Exchange.",
		}},
		{"after the end of EWS", func(s *tenant) { s.Today = "2027-04-01T00:00:00" }, []string{"has been off since 2027-04-01"}},
		{"the last day of EWS", func(s *tenant) { s.Today = "2027-03-31T23:00:00" }, []string{": 1 days left"}},
		{"EWS settings", func(s *tenant) {
			s.Organization = map[string]any{
				"EwsEnabled": true, "EwsApplicationAccessPolicy": "EnforceAllowList", "EwsAllowList": []string{"OWA/*", "x y"},
				"EwsAllowedAppIDs": "",
			}
		}, []string{"EwsEnabled: True", "EnforceAllowList", "EwsAllowList: OWA/*, x y", "EwsAllowedAppIDs: (empty)"}},
	}
	for i, tt := range tests {
		for _, v := range office365Variants {
			if v.options.AcceptEWSEnd && i > 0 {
				continue // the variants read with the same code
			}
			t.Run(tt.name+"/"+v.name, func(t *testing.T) {
				state := newTenant()
				tt.change(&state)
				x := startExchangeOnline(t, engine, state)
				r := x.run(t, office365(t, v.options), nil)
				if r.ExitCode != 0 || len(r.Errors) > 0 {
					t.Fatalf("exit %d, %v\n%s", r.ExitCode, r.Errors, said(r))
				}
				if c := x.changes(t); c != nil {
					t.Errorf("changed: %q", c)
				}
				for _, text := range tt.say {
					if !strings.Contains(said(r), text) {
						t.Errorf("%q is not said:\n%s", text, said(r))
					}
				}
				if diff := cmp.Diff([]string{"preflight unchanged", "next info"}, steps(r)); diff != "" {
					t.Errorf("steps (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestOffice365Replaces(t *testing.T) {
	engine := peers.StartEngine(t)
	newPrincipal := "New-ServicePrincipal -AppId " + appID + " -Confirm False -DisplayName Reschedule -ObjectId " + objectID
	assign := "New-ManagementRoleAssignment -App " + objectID + " -Confirm False "
	tests := []struct {
		name       string
		options    psgen.Office365Options
		parameters map[string]any
		changes    []string
		steps      []string // of the first run, without preflight, resolve and the last info
	}{
		{"a new management scope", psgen.Office365Options{}, filterScope(rooms), []string{
			newPrincipal,
			"New-ManagementScope -Confirm False -Name Rooms -RecipientRestrictionFilter " + rooms,
			assign + "-CustomResourceScope Rooms -Name " + outgoing + " -Role " + calendars,
		}, []string{"service-principal changed", "scope changed", "assign changed"}},
		{"a group", psgen.Office365Options{}, map[string]any{"ScopeGroup": "Reschedule Users", "AssignmentName": "Mine"}, []string{
			newPrincipal,
			assign + "-Name Mine -RecipientGroupScope CN=Reschedule Users,OU=contoso,DC=prod -Role " + calendars,
		}, []string{"service-principal changed", "assign changed"}},
		{"an administrative unit", psgen.Office365Options{},
			map[string]any{"AdministrativeUnit": unitID, "Role": "Application Mail.Read"}, []string{
				newPrincipal,
				assign + "-Name Mail.Read-" + appID + " -RecipientAdministrativeUnitScope " + unitID + " -Role Application Mail.Read",
			}, []string{"service-principal changed", "assign changed"}},
		{"EWS until its end", psgen.Office365Options{AcceptEWSEnd: true, Now: beforeEWSEnd}, filterScope(rooms), []string{
			newPrincipal,
			"New-ManagementScope -Confirm False -Name Rooms -RecipientRestrictionFilter " + rooms,
			assign + "-CustomResourceScope Rooms -Name EWS.AccessAsApp-" + appID + " -Role " + ewsRole,
			"Set-OrganizationConfig -Confirm False -EwsAllowedAppIDs " + otherApp + "," + appID,
			"Set-OrganizationConfig -Confirm False -EwsEnabled True",
		}, []string{
			"service-principal changed", "scope changed", "assign changed", "ews-allowed-app changed", "ews-enabled changed",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := startExchangeOnline(t, engine, newTenant())
			script := office365(t, tt.options)
			ends := []string{"oracle unchanged", "oracle unchanged", "oracle info"}

			preview := x.run(t, script, replacement(with(tt.parameters, "WhatIf", true)))
			planned := strings.Split(strings.ReplaceAll(strings.Join(tt.steps, ";"), "changed", "planned"), ";")
			want := slices.Concat([]string{"preflight unchanged", "resolve unchanged"}, planned, []string{"oracle planned"})
			if diff := cmp.Diff(want, steps(preview)); diff != "" || preview.ExitCode != 0 {
				t.Errorf("-WhatIf: exit %d, steps (-want +got):\n%s", preview.ExitCode, diff)
			}
			if c := x.changes(t); c != nil {
				t.Errorf("-WhatIf changed: %q", c)
			}

			first := x.run(t, script, replacement(tt.parameters))
			if diff := cmp.Diff(tt.changes, x.changes(t)); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			want = slices.Concat([]string{"preflight unchanged", "resolve unchanged"}, tt.steps, ends)
			if diff := cmp.Diff(want, steps(first)); diff != "" || first.ExitCode != 0 {
				t.Errorf("exit %d, steps (-want +got):\n%s\n%s", first.ExitCode, diff, said(first))
			}
			for _, text := range []string{"tenant-wide permission", "30 minutes", "2 hours", "Autodiscover"} {
				if !strings.Contains(said(first), text) {
					t.Errorf("%q is not said:\n%s", text, said(first))
				}
			}

			second := x.run(t, script, replacement(tt.parameters))
			if c := x.changes(t); c != nil {
				t.Errorf("the second run changed: %q", c)
			}
			unchanged := strings.Split(strings.ReplaceAll(strings.Join(tt.steps, ";"), " changed", " unchanged"), ";")
			want = slices.Concat([]string{"preflight unchanged", "resolve unchanged"}, unchanged, ends)
			if diff := cmp.Diff(want, steps(second)); diff != "" || second.ExitCode != 0 {
				t.Errorf("second run: exit %d, steps (-want +got):\n%s\n%s", second.ExitCode, diff, said(second))
			}
		})
	}
}

func with(m map[string]any, name string, value any) map[string]any {
	out := map[string]any{name: value}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// The command that a step shows is the command that ran: it can be pasted.
func TestOffice365ShowsItsCommands(t *testing.T) {
	engine := peers.StartEngine(t)
	x := startExchangeOnline(t, engine, newTenant())
	parameters := replacement(filterScope("CustomAttribute1 -eq 'O''Brien'"))
	parameters["DisplayName"] = "Ann\u2019s $(app)"
	r := x.run(t, office365(t, psgen.Office365Options{}), parameters)
	for _, text := range []string{
		"-DisplayName 'Ann\u2019\u2019s $(app)' -Confirm:$false",
		"New-ManagementScope -Name 'Rooms' -RecipientRestrictionFilter 'CustomAttribute1 -eq ''O''''Brien''' -Confirm:$false",
	} {
		if !strings.Contains(said(r), text) {
			t.Errorf("%q is not shown:\n%s", text, said(r))
		}
	}
}

func TestOffice365Stops(t *testing.T) {
	engine := peers.StartEngine(t)
	ews := psgen.Office365Options{AcceptEWSEnd: true, Now: beforeEWSEnd}
	tests := []struct {
		name       string
		options    psgen.Office365Options
		change     func(*tenant)
		parameters map[string]any
		exit       int
		say        string
		changes    int
	}{
		{"an on-premises shell", psgen.Office365Options{}, func(s *tenant) { s.Hidden = nil }, nil,
			1, "shell of an on-premises organization", 0},
		{"no connection", psgen.Office365Options{}, func(s *tenant) {
			s.Hidden = []string{
				"Get-ExchangeServer", "Get-ManagementRole", "Get-ManagementRoleAssignment", "Get-OrganizationConfig", "Get-ServicePrincipal",
			}
		}, nil, 1, "Connect-ExchangeOnline", 0},
		{"commands that RBAC hides", psgen.Office365Options{},
			func(s *tenant) { s.Hidden = []string{"Get-ExchangeServer", "New-ServicePrincipal"} },
			replacement(filterScope(rooms)), 1, "do not give these commands, or this is another service than Exchange Online: New-ServicePrincipal.", 0},
		{"only an application", psgen.Office365Options{}, nil, map[string]any{"AppId": appID},
			2, "Missing: -ObjectId, -InScopeMailbox, -OutOfScopeMailbox.", 0},
		{"only a role", psgen.Office365Options{}, nil, map[string]any{"Role": calendars}, 2, "Missing: -AppId", 0},
		{"no scope", psgen.Office365Options{}, nil, replacement(nil), 2, "exactly one scope", 0},
		{"two scopes", psgen.Office365Options{}, nil,
			replacement(map[string]any{"ScopeName": "Rooms", "ScopeGroup": "Reschedule Users"}), 2, "exactly one scope", 0},
		{"a filter without a name", psgen.Office365Options{}, nil,
			replacement(map[string]any{"ScopeGroup": "Reschedule Users", "RecipientFilter": rooms}), 2, "needs -ScopeName", 0},
		{"one id twice", psgen.Office365Options{}, nil, replacement(with(filterScope(rooms), "ObjectId", appID)), 2, "are the same", 0},
		{"one mailbox twice", psgen.Office365Options{}, nil,
			replacement(with(filterScope(rooms), "OutOfScopeMailbox", "anna")), 2, "are the same mailbox", 0},
		{"no such mailbox", psgen.Office365Options{}, nil,
			replacement(with(filterScope(rooms), "OutOfScopeMailbox", "nobody")), 1, "The mailbox 'nobody' couldn't be found", 0},
		{"no such role", psgen.Office365Options{}, nil,
			replacement(with(filterScope(rooms), "Role", "Application Mail.Send")), 1, "There are: Application Mail.Read, ", 0},
		{"EWS in the script without it", psgen.Office365Options{}, nil, replacement(with(filterScope(rooms), "Role", ewsRole)),
			2, "does not set it up", 0},
		{"Graph in the script for EWS", ews, nil, replacement(with(filterScope(rooms), "Role", calendars)), 2, "sets up EWS", 0},
		{"EWS after its end", ews, func(s *tenant) { s.Today = "2027-04-01T00:00:00" }, replacement(filterScope(rooms)),
			1, "has been off since 2027-04-01, without exceptions. Nothing was changed.", 0},
		{"the application with another object id", psgen.Office365Options{},
			func(s *tenant) { s.Principals = []map[string]any{principal()} },
			replacement(with(filterScope(rooms), "ObjectId", unitID)), 1, "one of your two ids is wrong", 0},
		{"no such scope", psgen.Office365Options{}, nil, replacement(map[string]any{"ScopeName": "Rooms"}),
			1, "There is no management scope 'Rooms'", 0},
		{"a scope with another filter", psgen.Office365Options{},
			func(s *tenant) { s.Scopes = []map[string]any{scope("City -eq 'Bonn'")} }, replacement(filterScope(rooms)),
			1, "exists with another definition: City -eq 'Bonn'", 0},
		{"a scope below a unit", psgen.Office365Options{}, func(s *tenant) {
			below := scope(rooms)
			below["RecipientRoot"] = "contoso/Bonn"
			s.Scopes = []map[string]any{below}
		}, replacement(filterScope(rooms)), 1, "exists with another definition", 0},
		{"an exclusive scope", psgen.Office365Options{}, func(s *tenant) {
			exclusive := scope(rooms)
			exclusive["Exclusive"] = true
			s.Scopes = []map[string]any{exclusive}
		}, replacement(map[string]any{"ScopeName": "Rooms"}), 1, "is exclusive", 0},
		{"a dynamic group", psgen.Office365Options{}, nil, replacement(map[string]any{"ScopeGroup": "Everybody"}), 1, "is not one group", 0},
		{"a mailbox as group", psgen.Office365Options{}, nil, replacement(map[string]any{"ScopeGroup": "anna"}), 1, "is not one group", 0},
		{"the name with another scope", psgen.Office365Options{}, func(s *tenant) {
			s.Principals = []map[string]any{principal()}
			s.Assignments = []map[string]any{assignment(outgoing, "Organization", "")}
		}, replacement(filterScope(rooms)), 1, "exists for every mailbox of the organization", 0},
		{"the assignment is disabled", psgen.Office365Options{}, func(s *tenant) {
			disabled := assignment("Old", "CustomRecipientScope", "Rooms")
			disabled["Enabled"] = false
			s.Principals, s.Assignments = []map[string]any{principal()}, []map[string]any{disabled}
			s.Scopes = []map[string]any{scope(rooms)}
		}, replacement(filterScope(rooms)), 1, "somebody disabled it", 0},
		{"a change that the server refuses", psgen.Office365Options{},
			func(s *tenant) { s.Refused = "New-ManagementScope" }, replacement(filterScope(rooms)),
			1, "scope failed New-ManagementScope is refused by the server.", 2},
		{"the allow list lost an entry", ews, func(s *tenant) { s.Loses = appID }, replacement(filterScope(rooms)),
			1, "lacks " + otherApp, 4},
		{"a mailbox that is not in the scope", psgen.Office365Options{},
			func(s *tenant) { s.Recipients[0]["In"] = []string{} }, replacement(filterScope(rooms)),
			3, "anna@contoso.test: not in scope, but it must be otherwise.", 3},
		{"a mailbox that is not outside", psgen.Office365Options{},
			func(s *tenant) { s.Recipients[1]["In"] = []string{"Rooms"} }, replacement(filterScope(rooms)),
			3, "boss@contoso.test: in scope, but it must be otherwise. Allowed by: Rooms.", 3},
		{"a wider assignment", psgen.Office365Options{}, func(s *tenant) {
			s.Principals = []map[string]any{principal()}
			s.Assignments = []map[string]any{assignment("Old", "Organization", "")}
		}, replacement(filterScope(rooms)), 3, "by the assignment 'Old'. Assignments add up", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			state := newTenant()
			if tt.change != nil {
				tt.change(&state)
			}
			x := startExchangeOnline(t, engine, state)
			r := x.run(t, office365(t, tt.options), tt.parameters)
			if r.ExitCode != tt.exit || !strings.Contains(said(r), tt.say) || len(r.Errors) > 0 {
				t.Errorf("exit %d, want %d and %q; errors %v\n%s", r.ExitCode, tt.exit, tt.say, r.Errors, said(r))
			}
			if c := x.changes(t); len(c) != tt.changes {
				t.Errorf("changed, want %d: %q", tt.changes, c)
			}
		})
	}
}

// Another right of the same application, and an equal scope in the server's own
// rendering, stand in nobody's way.
func TestOffice365UsesWhatIsThere(t *testing.T) {
	engine := peers.StartEngine(t)
	state := newTenant()
	state.Principals = []map[string]any{principal()}
	state.Scopes = []map[string]any{scope("((RecipientTypeDetails  -EQ \"roommailbox\"))")}
	x := startExchangeOnline(t, engine, state)
	r := x.run(t, office365(t, psgen.Office365Options{}), replacement(filterScope(rooms)))
	want := []string{"New-ManagementRoleAssignment -App " + objectID + " -Confirm False -CustomResourceScope Rooms -Name " +
		outgoing + " -Role " + calendars}
	if diff := cmp.Diff(want, x.changes(t)); diff != "" || r.ExitCode != 0 {
		t.Errorf("exit %d, changes (-want +got):\n%s\n%s", r.ExitCode, diff, said(r))
	}
}

// An empty allow list lets nobody in or everybody, as the sources disagree: the
// first entry is said loudly. An entry that is there is not written again.
func TestOffice365AllowList(t *testing.T) {
	engine := peers.StartEngine(t)
	ews := office365(t, psgen.Office365Options{AcceptEWSEnd: true, Now: beforeEWSEnd})
	for _, tt := range []struct {
		before  any
		enabled any
		want    []string
		say     string
	}{
		{"", nil, []string{"-EwsAllowedAppIDs " + appID, "-EwsEnabled True"}, "EwsAllowedAppIDs is empty now"},
		{strings.ToUpper(appID) + ", " + otherApp, true, nil, "EwsEnabled is True"},
		{[]string{otherApp, unitID}, false, []string{"-EwsAllowedAppIDs " + otherApp + "," + unitID + "," + appID, "-EwsEnabled True"},
			"Before: " + otherApp + ", " + unitID},
	} {
		state := newTenant()
		state.Organization["EwsAllowedAppIDs"], state.Organization["EwsEnabled"] = tt.before, tt.enabled
		x := startExchangeOnline(t, engine, state)
		r := x.run(t, ews, replacement(filterScope(rooms)))
		var got []string
		for _, c := range x.changes(t) {
			if rest, ok := strings.CutPrefix(c, "Set-OrganizationConfig -Confirm False "); ok {
				got = append(got, rest)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || r.ExitCode != 0 || !strings.Contains(said(r), tt.say) {
			t.Errorf("%v: exit %d, want %q said; changes (-want +got):\n%s\n%s", tt.before, r.ExitCode, tt.say, diff, said(r))
		}
	}
}

// Wrong ids are refused by the parameters themselves.
func TestOffice365RefusesWrongIDs(t *testing.T) {
	engine := peers.StartEngine(t)
	for _, id := range []string{"", "x", appID + "\n", "{" + appID + "}", "'; Remove-Mailbox"} {
		x := startExchangeOnline(t, engine, newTenant())
		r := x.run(t, office365(t, psgen.Office365Options{}), replacement(with(filterScope(rooms), "AppId", id)))
		if !r.Terminated || len(r.Errors) != 1 || !strings.Contains(r.Errors[0].FullyQualifiedErrorID, "ParameterArgumentValidationError") {
			t.Errorf("AppId %q: %v %s", id, r.Errors, said(r))
		}
	}
}

// What a person sees in a real process, the exit included; and dot-sourcing must
// not end the administrator's shell.
func TestOffice365Process(t *testing.T) {
	x := startExchangeOnline(t, nil, newTenant())
	script := writeFile(t, x.dir, "office365.ps1", office365(t, psgen.Office365Options{}))
	module := filepath.Join(x.dir, "ExchangeOnline.psm1")
	call := func(how string) peers.Exited {
		return peers.RunProcess(t, peers.Process{
			OneConsole: true,
			Args:       []string{"-Command", "Import-Module -Name '" + module + "'; " + how + "; 'shell lives on'"},
		})
	}
	called := call("& '" + script + "' -AppId " + appID + "; \"exit $LASTEXITCODE\"")
	for _, text := range []string{"Missing: -ObjectId", "exit 2", "shell lives on"} {
		if !strings.Contains(called.Stdout, text) {
			t.Errorf("&: %q is not shown:\n%s", text, called.Stdout)
		}
	}
	sourced := call(". '" + script + "'")
	for _, text := range []string{"Nothing was changed.", "shell lives on"} {
		if !strings.Contains(sourced.Stdout, text) {
			t.Errorf("dot-sourced: %q is not shown:\n%s", text, sourced.Stdout)
		}
	}
	file := peers.RunProcess(t, peers.Process{OneConsole: true, Args: []string{"-File", script}})
	if file.Code != 1 || !strings.Contains(file.Stdout, "not connected to Exchange Online") {
		t.Errorf("-File without a connection: exit %d\n%s", file.Code, file.Stdout)
	}
}
