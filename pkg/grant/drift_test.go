package grant

import (
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// against audits the stage against grants, and returns the ids of what decides.
func (s *stage) against(t *testing.T, grants ...exchange.Grant) (*report.Report, []string) {
	t.Helper()
	told, err := AuditAgainst(t.Context(), s.inv, grants, s.o, func(report.Holder) error { return nil })
	told = ended(t, told, err)
	var ids []string
	for _, f := range told.Findings {
		if f.Decides {
			ids = append(ids, f.ID)
		}
	}
	return told, ids
}

func group(assignee, group string) exchange.Grant {
	return exchange.Grant{Assignee: exchange.NewUser(assignee), Scope: exchange.Scope{Kind: exchange.Group, Text: group}}
}

func TestDrift(t *testing.T) {
	wanted := group("svc-reschedule", "Reschedule Users")
	for _, test := range []struct {
		name   string
		change func(*testing.T, *stage)
		grants []exchange.Grant
		want   []string
	}{
		{"nothing but what is shipped", func(*testing.T, *stage) {}, nil, nil},
		{"as it should be", func(t *testing.T, st *stage) { st.grant(t, wanted) }, []exchange.Grant{wanted}, nil},
		{"by another spelling", func(t *testing.T, st *stage) { st.grant(t, wanted) },
			[]exchange.Grant{group(`CONTOSO\svc-reschedule`, "Reschedule Users")}, nil},
		{"gone", func(*testing.T, *stage) {}, []exchange.Grant{wanted}, []string{driftGone}},
		{"disabled", func(t *testing.T, st *stage) {
			made := st.grant(t, wanted)
			st.command(t, commands.SetAssignmentEnabled(made.After.Assignments[0].GUID, false, ""))
		}, []exchange.Grant{wanted}, []string{driftDisabled}},
		{"renamed", func(t *testing.T, st *stage) { st.grant(t, wanted) },
			[]exchange.Grant{func() exchange.Grant { g := wanted; g.Name = "Reschedule"; return g }()}, []string{driftRenamed}},
		{"moved to another scope", func(t *testing.T, st *stage) {
			made := st.grant(t, wanted)
			st.command(t, commands.SetAssignmentScope(made.After.Assignments[0].GUID, commands.WriteScope{}, ""))
		}, []exchange.Grant{wanted}, []string{driftChanged}},
		{"somebody who is not in the file", func(t *testing.T, st *stage) {
			st.grant(t, wanted)
			st.command(t, commands.NewAssignment("Backup", exchange.User, "svc-backup", exchange.Role, commands.WriteScope{}, ""))
		}, []exchange.Grant{wanted}, []string{driftUnexplained}},
		{"and who is accepted", func(t *testing.T, st *stage) {
			st.grant(t, wanted)
			st.command(t, commands.NewAssignment("Backup", exchange.User, "svc-backup", exchange.Role, commands.WriteScope{}, ""))
		}, []exchange.Grant{func() exchange.Grant { g := wanted; g.Accept = []string{"backup"}; return g }()}, nil},
		{"both ways", func(t *testing.T, st *stage) {
			st.command(t, commands.NewAssignment("Backup", exchange.User, "svc-backup", exchange.Role, commands.WriteScope{}, ""))
		}, []exchange.Grant{wanted}, []string{driftGone, driftUnexplained}},
	} {
		t.Run(test.name, func(t *testing.T) {
			st := newStage(t, scenario(t, "plain"))
			test.change(t, st)
			before := st.snapshot(t)
			told, ids := st.against(t, test.grants...)
			if !slices.Equal(ids, test.want) {
				t.Errorf("decides: %v, want %v: %s", ids, test.want, pretty(t, told.Findings))
			}
			want := report.Audited
			if len(test.want) > 0 {
				want = report.Differs
			}
			if told.Outcome != want {
				t.Errorf("outcome %s, want %s", told.Outcome, want)
			}
			st.unchanged(t, "a comparison", before)
		})
	}
}

// A grant whose names are not found, and a server that does not let itself be read, are
// no drift.
func TestNoDrift(t *testing.T) {
	st := newStage(t, scenario(t, "plain"))
	told, ids := st.against(t, group("nobody-knows", "Reschedule Users"))
	if told.Outcome != report.NotFound || len(ids) > 0 || !strings.Contains(told.Reason(), "nobody-knows") {
		t.Errorf("%s, %v: %s", told.Outcome, ids, told.Reason())
	}
	st = newStage(t, scenario(t, "cmdlet-missing"))
	if told, ids = st.against(t, group("svc-reschedule", "Reschedule Users")); told.Outcome == report.Differs || told.Outcome == report.Audited || len(ids) > 0 {
		t.Errorf("a missing cmdlet: %s, %v", told.Outcome, ids)
	}
}

// An audit of one account shows what it holds, direct and through groups, and nobody
// else, whom it does not look up either.
func TestAuditOfOneHolder(t *testing.T) {
	st := newStage(t, scenario(t, "plain"))
	st.grant(t, group("svc-reschedule", "Reschedule Users"))
	lookups := 0
	st.inv = &refusing{st.inv, func(p exchange.Pipeline) (exchange.Streams, error, bool) {
		if p[0].Cmdlet == "Get-User" || p[0].Cmdlet == "Get-Group" {
			lookups++
		}
		return exchange.Streams{}, nil, false
	}}
	for holder, want := range map[string]int{`CONTOSO\svc-reschedule`: 1, "anna": 0} {
		st.o.Holder, lookups = holder, 0
		told := st.audit(t)
		if lookups != 1+want {
			t.Errorf("%s: %d accounts and groups are looked up", holder, lookups)
		}
		if told.Outcome != report.Audited || len(told.Holders) != want {
			t.Errorf("%s: %s, %+v", holder, told.Outcome, told.Holders)
		}
	}
	st.o.Holder = "nobody-knows"
	if told := st.audit(t); told.Outcome != report.NotFound {
		t.Errorf("an unknown holder: %s", told.Outcome)
	}
}

// A grant that cannot be compared, since its account's name is that of several, is no
// drift, and nobody is told to remove it; what it has to do with nothing else is.
func TestNoDriftOfWhatCannotBeRead(t *testing.T) {
	const dn = "CN=svc-reschedule,OU=Services,DC=contoso,DC=test"
	st := newStage(t, scenario(t, "ambiguous-user"))
	checkEnd(t, "grant", st.grant(t, group(dn, "Reschedule Users")), report.Granted)
	st.command(t, commands.NewAssignment("Backup", exchange.User, "svc-backup", exchange.Role, commands.WriteScope{}, ""))

	told, ids := st.against(t, group("svc-reschedule", "Reschedule Users"))
	if told.Outcome != report.Failed || !slices.Equal(ids, []string{driftUnexplained}) || !strings.Contains(findingText(told, driftUnexplained), "'Backup'") {
		t.Errorf("%s, %v: %s", told.Outcome, ids, pretty(t, told.Findings))
	}
	if text := findingText(told, "not-compared"); !strings.Contains(text, "svc-reschedule") || strings.Contains(text, "revoke") {
		t.Errorf("it says %q", text)
	}
	for _, h := range st.audit(t).Holders {
		if is := h.Holder == "svc-reschedule"; is != (h.Identity == dn) || is != (h.Identity != "") {
			t.Errorf("%s: the identity is %q", h.Holder, h.Identity)
		}
	}

	st.o.Holder = "svc-reschedule"
	told = st.audit(t)
	failure := told.Failure()
	if told.Outcome != report.Failed || failure.Fault.ID != fault.PrincipalAmbiguous || !strings.Contains(failure.Fault.Message, dn) {
		t.Errorf("one holder: %s", pretty(t, told.Steps))
	}
}
