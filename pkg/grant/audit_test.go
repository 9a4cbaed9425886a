package grant

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

func TestAuditYieldError(t *testing.T) {
	st := newStage(t, scenario(t, "wider-grant"))
	full := errors.New("no space left on device")
	rows := 0
	_, err := Audit(t.Context(), st.inv, st.o, func(report.Holder) error {
		rows++
		return full
	})
	if err != full || rows != 1 {
		t.Errorf("error %v after %d rows", err, rows)
	}
}

// Holders have their SIDs, members of groups too; of an account that is gone the SID is
// all there is; and a crowd is not looked up.
func TestAuditSIDs(t *testing.T) {
	for name, holder := range map[string]string{"plain": "Administrator", "indirect-role-group": "svc-reschedule", "wider-grant": "svc-reschedule"} {
		st := newStage(t, scenario(t, name))
		found := false
		_, err := Audit(t.Context(), st.inv, st.o, func(h report.Holder) error {
			found = found || h.Holder == holder
			if h.Holder == holder && !strings.HasPrefix(h.SID, "S-1-5-21-") {
				t.Errorf("%s: %s has the SID %q", name, h.Holder, h.SID)
			}
			return nil
		})
		if err != nil || !found {
			t.Errorf("%s: %v, %s found %v", name, err, holder, found)
		}
	}
	r, err := Audit(t.Context(), crowd{maxSIDs + 1}, Options{}, func(h report.Holder) error {
		if h.SID != "" {
			return errors.New("a crowd is looked up")
		}
		return nil
	})
	if err != nil || !slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.ID == "sids-left-out" }) {
		t.Errorf("%v, findings %v", err, r.Findings)
	}
}

func TestLeaf(t *testing.T) {
	for name, want := range map[string]string{
		"contoso.test/Users/Anna": "Anna", "Anna": "Anna", "": "", `contoso.test/Users/A\/B`: "A/B", "contoso.test/": "",
	} {
		if got := leaf(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}

// A crowd is an organization of many assignments, made up row by row.
type crowd struct{ assignments int }

func (c crowd) Invoke(_ context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	command := p[0]
	switch {
	case command.Cmdlet == "Get-Command":
		names, _ := command.Param("Name")
		for _, n := range names.(exchange.Strings) {
			if err := yield(properties("Name", n)); err != nil {
				return exchange.Streams{}, err
			}
		}
	case command.Cmdlet == "Get-ManagementRoleAssignment":
		for i := range c.assignments {
			if err := yield(properties("Name", fmt.Sprintf("Assignment %05d", i), "Guid", fmt.Sprintf("%08x-0000-4000-8000-000000000000", i),
				"Role", exchange.Role, "RoleAssignee", fmt.Sprintf("contoso.test/Users/holder%05d", i), "RoleAssigneeType", "User",
				"RoleAssignmentDelegationType", "Regular", "Enabled", "True", "RecipientWriteScope", "CustomRecipientScope",
				"CustomRecipientWriteScope", fmt.Sprintf("Scope %04d", i%1000), "DistinguishedName", strings.Repeat("x", 2000))); err != nil {
				return exchange.Streams{}, err
			}
		}
	case command.Cmdlet == "Get-ManagementScope":
		for i := range 1000 {
			if err := yield(properties("Name", fmt.Sprintf("Scope %04d", i), "RecipientFilter", "City -eq 'Berlin'")); err != nil {
				return exchange.Streams{}, err
			}
		}
	}
	return exchange.Streams{}, nil
}

func properties(pairs ...string) exchange.Object {
	var o exchange.Object
	for i := 0; i < len(pairs); i += 2 {
		o.Properties = append(o.Properties, exchange.Property{Name: pairs[i], Value: pairs[i+1]})
	}
	return o
}

// An audit of 20,000 assignments holds none of them: it fits into 64 MB with room
// for everything else.
func TestAuditMemory(t *testing.T) {
	const assignments, limit = 20_000, 8 << 20
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, peak, rows := heap(), uint64(0), 0
	result, err := Audit(t.Context(), crowd{assignments}, Options{}, func(h report.Holder) error {
		if rows++; rows%5000 == 0 {
			peak = max(peak, heap())
		}
		if h.Scope.Filter != "City -eq 'Berlin'" {
			return fmt.Errorf("row %d: %+v", rows, h)
		}
		return nil
	})
	if err != nil || result.Outcome != report.Audited || rows != assignments {
		t.Fatalf("%v, %d rows: %+v", err, rows, result)
	}
	if peak > before+limit {
		t.Errorf("the audit holds %d bytes, more than %d", peak-before, limit)
	}
}

// A vast organization's Invoker gives objects whose texts are parts of something
// large, as those of a transport are parts of a whole reply.
type vast struct {
	exchange.Invoker
	objects int
}

func (v vast) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	scopes, holders := p[0].Cmdlet == getManagementScope, p[0].Cmdlet == getAssignment
	if !scopes && !holders {
		return v.Invoker.Invoke(ctx, p, yield)
	}
	for i := range v.objects {
		reply := fmt.Sprintf("%05d%s", i, strings.Repeat("x", 1<<20))
		var o exchange.Object
		for _, name := range []string{"Name", "Guid", "Role", "RoleAssignee", "RoleAssigneeType", "User", "CustomRecipientWriteScope", "RecipientFilter"} {
			o.Properties = append(o.Properties, exchange.Property{Name: name, Value: reply[:5]})
		}
		o.Properties = append(o.Properties, exchange.Property{Name: "RecipientWriteScope", Value: writeCustom})
		if err := yield(o); err != nil {
			return exchange.Streams{}, err
		}
	}
	return exchange.Streams{}, nil
}

// What an audit keeps, and what it hands out, keeps nothing else in memory.
func TestAuditKeepsLittle(t *testing.T) {
	st := newStage(t, scenario(t, "plain"))
	st.inv = vast{st.session, 200}
	report := st.audit(t) // with all holders
	var after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&after)
	if after.HeapAlloc > 100<<20 {
		t.Errorf("%d MiB are in use after an audit of 400 objects", after.HeapAlloc>>20)
	}
	if len(report.Holders) < 200 || report.Holders[0].Scope.Filter != "00000" {
		t.Errorf("%d holders, the first is %+v", len(report.Holders), report.Holders[0])
	}
}
