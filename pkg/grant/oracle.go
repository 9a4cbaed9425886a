package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// Answers of the oracle.
const (
	allowed = "allowed"
	refused = "refused"
)

// askOracle asks the server itself, mailbox by mailbox: which regular assignments
// of the assignee can write to it?
func (r *run) askOracle(ctx context.Context, assignee string) error {
	var words []string
	ask := func(mailbox, expected string) error {
		over, err := r.reaching(ctx, mailbox, assignee)
		if err != nil {
			return err
		}
		proof := exchange.Proof{Mailbox: mailbox, Expected: expected, RBAC: refused}
		word := "not writable"
		if len(over) > 0 {
			proof.RBAC, word = allowed, "writable"
		}
		r.report.Proof = append(r.report.Proof, proof)
		words = append(words, mailbox+": "+word)
		if proof.RBAC == allowed && expected == refused {
			r.find("out-of-scope-allowed", exchange.SeveritySecurity, mailbox+" should be out of reach, but '"+over[0].Text("Name")+
				"' reaches it.", over[0].Text("Guid"))
		}
		return nil
	}
	for _, mailbox := range r.grant.InScope {
		if err := ask(mailbox, allowed); err != nil {
			return err
		}
	}
	for _, mailbox := range r.grant.OutOfScope {
		if err := ask(mailbox, refused); err != nil {
			return err
		}
	}
	if len(words) > 0 {
		r.unchanged(exchange.StepOracle, strings.Join(words, "; "), "")
	}
	return nil
}

// reaching returns the assignments by which the assignee may act for a mailbox.
func (r *run) reaching(ctx context.Context, mailbox, assignee string) ([]exchange.Object, error) {
	found, err := r.list(ctx, exchange.ListAssignmentsOver(mailbox, assignee))
	return slices.DeleteFunc(found, func(a exchange.Object) bool {
		isRole := func(role string) bool { return strings.EqualFold(role, a.Text("Role")) }
		return !a.Bool("Enabled") || !slices.ContainsFunc(r.roles, isRole)
	}), err
}

// isLate tells whether a mailbox that should be in reach is not yet: the domain
// controllers are late, unless an exclusive scope keeps it away.
func (r *run) isLate() bool {
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
	r.find("in-scope-refused", exchange.SeverityWarning, strings.Join(late, ", ")+" is not in reach. "+reason)
	return len(r.covering) == 0
}

// oracleDiffers tells whether a mailbox's answer is not the expected one.
func (r *run) oracleDiffers() bool {
	return slices.ContainsFunc(r.report.Proof, func(p exchange.Proof) bool { return p.Expected != p.RBAC })
}
