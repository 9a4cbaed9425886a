package grant

import (
	"context"
	"slices"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// grantCommands are those that a grant and its removal cannot do without, whatever
// its scope.
var grantCommands = []string{getAssignment, "New-ManagementRoleAssignment", "Set-ManagementRoleAssignment", "Remove-ManagementRoleAssignment",
	getManagementScope, "New-ManagementScope", "Set-ManagementScope", "Remove-ManagementScope", getRecipient, getUser}

// A Commands is what a session can do of what grants need.
type Commands struct {
	Report  *report.Report // its outcome is Verified, or why not
	Missing []string       // commands that no role of the caller gives
}

// FindCommands asks a session whether it is one of an on-premises organization, and
// which of the commands for grants it has. It changes nothing.
func FindCommands(ctx context.Context, inv exchange.Invoker, o Options) *Commands {
	r := newRun(inv, report.OperationConnect, exchange.Grant{}, o)
	found := &Commands{Report: r.report}
	err := r.preflight(ctx, needs(grantCommands...))
	if err == nil {
		r.report.Outcome = report.Verified
	}
	for _, command := range grantCommands {
		if r.commands != nil && !r.has(command) {
			found.Missing = append(found.Missing, command)
		}
	}
	slices.Sort(found.Missing)
	r.finish(ctx, err)
	return found
}
