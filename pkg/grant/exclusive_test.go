package grant

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// An exclusiveCase is an exclusive scope, and whom of a grant it covers.
type exclusiveCase struct {
	name         string
	filter, root string // of the exclusive scope
	scope        exchange.Scope
	regular      [2]string // filter and root of an existing scope Regular
	want         string    // the finding; empty is none
}

// commands make the scopes.
func (c exclusiveCase) commands() []exchange.Command {
	rooted := func(scope exchange.Command, root string) exchange.Command {
		if root == "" {
			return scope
		}
		return scope.With("RecipientRoot", exchange.String(root))
	}
	all := []exchange.Command{rooted(commands.NewScope("Ours Alone", c.filter, ""), c.root).With("Exclusive", exchange.Switch(true)).
		With("Force", exchange.Switch(true))}
	if c.regular[0] != "" {
		all = append(all, rooted(commands.NewScope("Regular", c.regular[0], ""), c.regular[1]))
	}
	return all
}

var exclusiveCases = []exclusiveCase{
	{"whole organization", "CustomAttribute1 -eq 'VIP'", "", exchange.Scope{Kind: exchange.WholeOrganization}, [2]string{}, "covers 1 recipient of this grant (anna)"},
	{"whole organization, nobody", "CustomAttribute1 -eq 'nobody'", "", exchange.Scope{Kind: exchange.WholeOrganization}, [2]string{}, ""},
	{"whole organization, with a root", "City -eq 'Berlin'", "contoso.test/Staff/Berlin", exchange.Scope{Kind: exchange.WholeOrganization}, [2]string{},
		"covers 3 recipients of this grant (Peter O'Brien, Jürgen Großmann, John Doe)"},
	{"unit", "CustomAttribute1 -eq 'VIP'", "", exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff"}, [2]string{}, "covers 1 recipient of this grant (anna)"},
	{"unit, elsewhere", "CustomAttribute1 -eq 'VIP'", "", exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff/Berlin"}, [2]string{}, ""},
	{"root below the unit", "City -eq 'Berlin'", "contoso.test/Staff/Berlin", exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff"}, [2]string{},
		"covers 3 recipients"},
	{"root above the unit", "City -like '*'", "contoso.test/Staff", exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff/Tokyo"}, [2]string{},
		"covers 2 recipients"},
	{"root is the unit", "City -eq 'Tokyo'", "contoso.test/Staff/Tokyo", exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff/Tokyo"}, [2]string{},
		"covers 2 recipients"},
	{"root beside the unit", "City -like '*'", "contoso.test/Staff/Berlin", exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff/Tokyo"}, [2]string{}, ""},
	{"group", "CustomAttribute1 -eq 'VIP'", "", exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"}, [2]string{}, "covers 1 recipient of this grant (anna)"},
	{"group, all", "RecipientTypeDetails -like '*Mailbox' -or City -eq 'Berlin'", "", exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"}, [2]string{},
		"covers 3 recipients of this grant (anna, ben, room1)"},
	{"group, others", "City -eq 'Berlin' -and Department -eq 'Board'", "", exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"}, [2]string{}, ""},
	{"group, elsewhere", "City -like '*'", "contoso.test/Staff/Tokyo", exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"}, [2]string{}, ""},
	{"filter with -or", "CustomAttribute1 -eq 'VIP'", "", exchange.Scope{Kind: exchange.RecipientFilter, Text: "Name -eq 'ben' -or Name -eq 'anna'"}, [2]string{},
		"covers 1 recipient of this grant (anna)"},
	{"filter that fits nobody of it", "City -eq 'Tokyo' -or City -eq 'Kyoto'", "", exchange.Scope{Kind: exchange.RecipientFilter, Text: "Name -eq 'anna' -or Name -eq 'room1'"},
		[2]string{}, ""},
	{"existing scope", "CustomAttribute1 -eq 'VIP'", "", exchange.Scope{Kind: exchange.Existing, Text: "Regular"}, [2]string{"City -eq 'Berlin'", ""},
		"covers 1 recipient of this grant (anna)"},
	{"existing scope with a root", "Department -eq 'Planning'", "contoso.test/Staff", exchange.Scope{Kind: exchange.Existing, Text: "Regular"},
		[2]string{"City -eq 'Berlin'", "contoso.test/Staff/Berlin"}, "covers 3 recipients"},
	{"existing scope with a root above", "City -like '*'", "contoso.test/Staff/Tokyo", exchange.Scope{Kind: exchange.Existing, Text: "Regular"},
		[2]string{"Department -eq 'Sales'", "contoso.test/Staff"}, "covers 2 recipients"},
	{"existing scope with a root beside", "City -like '*'", "contoso.test/Staff/Tokyo", exchange.Scope{Kind: exchange.Existing, Text: "Regular"},
		[2]string{"City -eq 'Berlin'", "contoso.test/Staff/Berlin"}, ""},
	{"query that fails", longFilter, "", exchange.Scope{Kind: exchange.RecipientFilter, Text: longFilter}, [2]string{}, "may keep mailboxes out of reach"},
}

// longFilter is as long as a filter may be, nearly: no server takes two of it.
var longFilter = "CustomAttribute1 -eq 'VIP'" + strings.Repeat(" -or Name -eq 'nobody'", 1200)

// exclusiveFinding is what a report says of the exclusive scope, empty for nothing.
func exclusiveFinding(t *testing.T, r *report.Report) string {
	t.Helper()
	at := slices.IndexFunc(r.Findings, func(f report.Finding) bool { return f.ID == "exclusive-scope" })
	if at < 0 {
		return ""
	}
	f := r.Findings[at]
	if f.Severity != report.SeverityWarning || len(f.Objects) != 1 || !strings.Contains(f.Text, "The exclusive scope 'Ours Alone'") {
		t.Errorf("%+v", f)
	}
	return f.Text
}

// An exclusive scope is a finding where it covers somebody of the grant; the script
// on the real engine says the same.
func TestExclusiveScopeCoversTargets(t *testing.T) {
	for _, c := range exclusiveCases {
		t.Run(c.name, func(t *testing.T) {
			st := newStage(t, scenario(t, "plain"))
			for _, command := range c.commands() {
				st.command(t, command)
			}
			for _, assignee := range []exchange.Assignee{exchange.NewUser("svc-reschedule"), {Kind: exchange.RoleGroup, Identity: "Reschedulers", Members: []string{"svc-reschedule"}}} {
				g := exchange.Grant{Assignee: assignee, Scope: c.scope}
				_, plan := st.plan(t, g)
				for what, report := range map[string]*report.Report{"plan": plan, "verify": st.verify(t, g)} {
					if got := exclusiveFinding(t, report); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
						t.Errorf("%s for a %s: %q, want %q", what, assignee.Kind, got, c.want)
					}
				}
			}
		})
	}
}

// altered changes what a server shows of management scopes.
type altered struct {
	exchange.Invoker
	properties map[string]string
	recipients int // how often recipients were listed
}

func (a *altered) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	if p[0].Cmdlet == getRecipient {
		a.recipients++
	}
	return a.Invoker.Invoke(ctx, p, func(o exchange.Object) error {
		for i, property := range o.Properties {
			if text, ok := a.properties[property.Name]; ok && p[0].Cmdlet == getManagementScope {
				o.Properties[i].Value = text
			}
		}
		return yield(o)
	})
}

// What cannot be asked is possible; an exclusive scope for servers covers nobody.
func TestExclusiveScopeOfAnotherKind(t *testing.T) {
	const possible = "The exclusive scope 'Protected Executives' may keep mailboxes out of reach; only a test over EWS shows it."
	unit := exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Staff"}
	for _, c := range []struct {
		name       string
		properties map[string]string
		want       string
	}{
		{"no filter", map[string]string{"RecipientFilter": "CustomAttribute1 -band 'VIP'"}, possible},
		{"filter that would end the other", map[string]string{"RecipientFilter": "CustomAttribute1 -eq 'VIP') -or (Name -like '*'"}, possible},
		{"root as a distinguished name", map[string]string{"RecipientRoot": "OU=Berlin,OU=Staff,DC=contoso,DC=test"}, possible},
		{"for servers", map[string]string{"ScopeRestrictionType": "ServerScope"}, ""},
		{"for databases", map[string]string{"ScopeRestrictionType": "DatabaseScope"}, ""},
	} {
		st := newStage(t, scenario(t, "exclusive-scope"))
		a := &altered{Invoker: st.session, properties: c.properties}
		st.inv = a
		result := st.verify(t, exchange.Grant{Assignee: exchange.NewUser("svc-reschedule"), Scope: unit})
		at := slices.IndexFunc(result.Findings, func(f report.Finding) bool { return f.ID == "exclusive-scope" })
		if (at >= 0) != (c.want != "") || at >= 0 && result.Findings[at].Text != c.want {
			t.Errorf("%s: %s", c.name, pretty(t, result.Findings))
		}
		if a.recipients != 1 {
			t.Errorf("%s: recipients were listed %d times, once for the unit", c.name, a.recipients)
		}
	}
}
