package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// Answers of step reach.
const (
	allowed = "allowed"
	refused = "refused"
)

// A proof is a mailbox by which the grant is checked.
type proof struct {
	given    string
	identity string // its GUID
	expected string
}

// resolveProofs finds the mailboxes by which the grant is checked: one that is
// mistyped must stop the run before it changes anything.
func (r *run) resolveProofs(ctx context.Context) error {
	r.proofs = nil
	for _, list := range []struct {
		mailboxes []string
		expected  string
	}{{r.grant.InScope, allowed}, {r.grant.OutOfScope, refused}} {
		for _, mailbox := range list.mailboxes {
			guid, err := r.resolveProof(ctx, mailbox)
			if err != nil {
				return err
			}
			for _, other := range r.proofs {
				if other.identity == guid && other.expected != list.expected {
					return r.conflict(report.StepResolve, "'"+other.given+"' and '"+mailbox+"' are one mailbox, and it cannot be both within the "+
						"scope and outside.")
				}
			}
			r.proofs = append(r.proofs, proof{mailbox, guid, list.expected})
		}
	}
	return nil
}

func (r *run) resolveProof(ctx context.Context, identity string) (string, error) {
	c := commands.GetRecipient(identity)
	if !r.has(getRecipient) {
		c = commands.GetUser(identity)
	}
	mailbox, found, err := r.resolveOne(ctx, c, identity)
	kind := mailbox.Text("RecipientTypeDetails")
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", r.stopNotFound("mailbox", identity, "")
	case kind != "" && !strings.HasSuffix(strings.ToLower(kind), "mailbox"):
		return "", r.stop(report.NotFound, report.Step{ID: report.StepResolve, Text: "'" + identity + "' is no mailbox: it is of type " + kind + "."})
	}
	return mailbox.Text("Guid"), nil
}

// askReach asks the server itself, mailbox by mailbox: which regular assignments
// of the assignee can write to it?
func (r *run) askReach(ctx context.Context, assignee holder) error {
	var words []string
	for _, p := range r.proofs {
		over, err := r.reaching(ctx, p.identity, assignee)
		if err != nil {
			return err
		}
		row := report.Proof{Mailbox: p.given, Expected: p.expected, RBAC: refused}
		word := "outside"
		if len(over) > 0 {
			row.RBAC, word = allowed, "within"
		}
		r.report.Proof = append(r.report.Proof, row)
		words = append(words, p.given+" "+word)
		if row.RBAC == allowed && p.expected == refused {
			r.find("out-of-scope-allowed", report.SeveritySecurity, p.given+" should be out of reach, but '"+over[0].Text("Name")+
				"' reaches it.", over[0].Text("Guid"))
		}
	}
	if len(words) > 0 {
		r.unchanged(report.StepReach, strings.Join(words, ", ")+" (by role assignments)", "")
	}
	return nil
}

// reaching returns the assignments by which the assignee may act for a mailbox. The
// domain controller that took a change is asked first: others may show it later.
func (r *run) reaching(ctx context.Context, mailbox string, assignee holder) ([]exchange.Object, error) {
	found, err := r.reachingBy(ctx, mailbox, assignee.guid)
	r.knowsGUIDs = r.knowsGUIDs || len(found) > 0
	if err != nil || len(found) > 0 || assignee.dn == "" || r.knowsGUIDs {
		return found, err
	}
	return r.reachingBy(ctx, mailbox, assignee.dn)
}

func (r *run) reachingBy(ctx context.Context, mailbox, assignee string) ([]exchange.Object, error) {
	c := commands.ListAssignmentsOver(mailbox, assignee)
	if r.report.Changed && r.writeServer != "" {
		found, err := r.list(ctx, from(c, r.writeServer))
		switch {
		case err == nil && len(r.effective(found)) > 0:
			return r.effective(found), nil
		case err != nil && !reports(err, fault.PrincipalNotFound):
			return nil, err
		}
	}
	found, err := r.list(ctx, c)
	return r.effective(found), err
}

// effective are those of the assignments that let their holder impersonate now.
func (r *run) effective(assignments []exchange.Object) []exchange.Object {
	return slices.DeleteFunc(slices.Clone(assignments), func(a exchange.Object) bool {
		isRole := func(role string) bool { return strings.EqualFold(role, a.Text("Role")) }
		return !a.Bool("Enabled") || !slices.ContainsFunc(r.roles, isRole)
	})
}

// findLate says which mailboxes should be in reach and are not, and tells whether there
// are any.
func (r *run) findLate() bool {
	var late []string
	for _, p := range r.report.Proof {
		if p.Expected == allowed && p.RBAC != allowed {
			late = append(late, p.Mailbox)
		}
	}
	if len(late) == 0 {
		return false
	}
	reason := "The domain controllers may not have it yet, or the mailbox is not in the scope."
	if len(r.covering) > 0 {
		reason = "The exclusive scope '" + r.covering[0] + "' may keep it away."
	}
	r.find("in-scope-refused", report.SeverityWarning, strings.Join(late, ", ")+" is not in reach. "+reason)
	return true
}

// reaches tells whether a mailbox of which the given was expected is in reach.
func (r *run) reaches(expected string) bool {
	return slices.ContainsFunc(r.report.Proof, func(p report.Proof) bool { return p.Expected == expected && p.RBAC == allowed })
}

// reachDiffers tells whether a mailbox's answer is not the expected one.
func (r *run) reachDiffers() bool {
	return slices.ContainsFunc(r.report.Proof, func(p report.Proof) bool { return p.Expected != p.RBAC })
}
