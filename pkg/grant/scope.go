package grant

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// setScope creates, reuses or changes the management scope of the grant. The
// assignment ours may use it already.
func (r *run) setScope(ctx context.Context, w *wanted, ours string) error {
	if w.kind != writeCustom {
		return nil
	}
	r.step = report.StepScope
	if w.guid != "" {
		r.unchanged(report.StepScope, "The scope '"+w.name+"' is used as it is.", w.guid)
		return nil
	}
	existing, ok := named(r.scopes, w.name)
	switch {
	case !ok:
		return r.newManagementScope(ctx, w)
	case !isRecipientScope(existing):
		return r.conflict(report.StepScope, "The scope '"+w.name+"' exists and is exclusive or not for recipients. Choose another name with "+
			"--scope-name.")
	}
	switch compareScope(existing, w) {
	case equal:
		r.unchanged(report.StepScope, "The scope '"+w.name+"' exists with the same definition.", existing.Text("Guid"))
		return nil
	case unknown:
		name := existing.Text("Name")
		r.find("scope-unverified", report.SeverityWarning, "The filter of the scope '"+name+"' could not be understood: "+
			existing.Text("RecipientFilter"), existing.Text("Guid"))
		return r.conflict(report.StepScope, "The scope '"+name+"' exists with a filter that exgrant cannot compare, and is never overwritten. "+
			"Choose another name with --scope-name.")
	}
	return r.updateScope(ctx, existing, w, ours)
}

func (r *run) newManagementScope(ctx context.Context, w *wanted) error {
	_, err := r.change(ctx, change{
		step: report.StepScope, action: report.ActionCreate,
		text:    "New scope of " + w.recipients(),
		why:     "there is no scope of this name",
		command: func(dc string) exchange.Command { return commands.NewScope(w.name, w.filter, dc) },
		landed: func(ctx context.Context) (exchange.Object, bool, error) {
			return r.scopeIs(ctx, w.name, w)
		},
		done: func(written exchange.Object) {
			r.newScope = written.Text("Guid")
			r.undoBy(report.Inverse{Cmdlet: "Remove-ManagementScope", Identity: r.newScope, OnlyIf: "unused"})
		},
	})
	return err
}

// scopeIs tells whether the scope of a name or GUID has the wanted definition now.
func (r *run) scopeIs(ctx context.Context, identity string, w *wanted) (exchange.Object, bool, error) {
	found, err := r.list(ctx, commands.GetScope(identity, r.configurationServer))
	if reports(err, fault.PrincipalNotFound) {
		return exchange.Object{}, false, nil
	}
	if err != nil {
		return exchange.Object{}, false, err
	}
	scope, ok := named(found, w.name)
	return scope, ok && compareScope(scope, w) == equal, nil
}

// updateScope changes the definition of a scope, unless an assignment of whatever role
// other than ours uses it: the scope is theirs too.
func (r *run) updateScope(ctx context.Context, existing exchange.Object, w *wanted, ours string) error {
	name, guid, filter := existing.Text("Name"), existing.Text("Guid"), existing.Text("RecipientFilter")
	difference := fmt.Sprintf("The scope '%s' exists with another definition: there %s, wanted %s.", name, filter, w.filter)
	if !r.o.UpdateScope || existing.Text("RecipientRoot") != "" {
		return r.conflict(report.StepScope, difference+" Use --update-scope to change it, or another name.")
	}
	users, err := r.usersOf(ctx, name)
	if err != nil {
		return err
	}
	for _, a := range users {
		if a.Text("Guid") != ours {
			return r.conflict(report.StepScope, difference+" It is not changed because another assignment uses it: '"+a.Text("Name")+
				"' (role "+a.Text("Role")+"). Choose another name with --scope-name.")
		}
	}
	_, err = r.change(ctx, change{
		step: report.StepScope, action: report.ActionUpdate,
		text:    "Changes the scope to " + w.recipients(),
		why:     "the scope has another definition: " + filter,
		command: func(dc string) exchange.Command { return commands.SetScope(guid, w.filter, dc) },
		landed:  func(ctx context.Context) (exchange.Object, bool, error) { return r.scopeIs(ctx, guid, w) },
		done: func(exchange.Object) {
			r.undoBy(report.Inverse{Cmdlet: "Set-ManagementScope", Identity: guid,
				Parameters: []report.InverseParameter{{Name: "RecipientRestrictionFilter", Value: filter}},
				Set:        []report.InverseParameter{{Name: "RecipientRestrictionFilter", Value: w.filter}}})
		},
	})
	return err
}

// usersOf are the assignments, of every role, that have a management scope.
func (r *run) usersOf(ctx context.Context, scope string) ([]exchange.Object, error) {
	found, err := r.list(ctx, from(commands.ListAssignmentsUsing(scope), r.configurationServer))
	return slices.DeleteFunc(found, func(a exchange.Object) bool { return !strings.EqualFold(a.Text("CustomRecipientWriteScope"), scope) }), err
}

// undoScope removes a scope that was created in this run and is used by nothing,
// since the run did not end well.
func (r *run) undoScope(ctx context.Context) {
	guid := r.newScope
	if guid == "" {
		return
	}
	r.newScope = ""
	remove := commands.RemoveScope(guid, r.writeServer)
	line, _ := remove.Line() // GUIDs and servers have a PowerShell form
	r.report.Inverse = nil
	r.report.Changed = r.customizedNow
	if err := r.removeUnusedScope(ctx, guid, remove); err != nil {
		f := faultOf(err)
		r.report.Changed = true
		r.undoBy(report.Inverse{Cmdlet: "Remove-ManagementScope", Identity: guid, OnlyIf: "unused"})
		r.addStep(report.Step{ID: report.StepRemove, Status: report.StatusFailed, Text: f.Message, Command: line, GUID: guid, Fault: &f})
		return
	}
	r.addStep(report.Step{ID: report.StepRemove, Status: report.StatusChanged, Command: line, GUID: guid,
		Text: "The scope that was created in this run is removed again."})
	r.keep("")
}

// removeUnusedScope removes the scope; when the reply is lost, it looks.
func (r *run) removeUnusedScope(ctx context.Context, guid string, remove exchange.Command) error {
	_, err := r.one(ctx, remove)
	var reply *exchange.LostReplyError
	if !errors.As(err, &reply) {
		return err
	}
	_, there, readErr := r.byGUID(ctx, commands.GetScope(guid, r.configurationServer), guid)
	if readErr == nil && !there {
		return nil
	}
	if readErr == nil {
		_, err = r.one(ctx, remove)
	}
	return err
}

// checkScope stops what must not be granted, before any change.
func (r *run) checkScope(s *standing, w *wanted) error {
	if err := r.checkEmpty(w); err != nil {
		return err
	}
	if len(s.unknown) > 0 {
		return r.conflict(report.StepScope, r.describe(s.unknown[0])+", whose filter exgrant cannot compare; it may be the same grant. Look at "+
			"it, and name its scope with --scope-name alone if it is meant.")
	}
	return nil
}

func (r *run) checkEmpty(w *wanted) error {
	if w.counted && w.count == 0 && !r.o.AllowEmpty {
		return r.conflict(report.StepScope, "The scope holds no recipient. Check the group, unit or filter, or use --allow-empty when its "+
			"members come later.")
	}
	return nil
}
