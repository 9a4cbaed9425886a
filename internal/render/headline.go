package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/report"
)

// outcomes says what each outcome means to the person who started the operation,
// where the report itself does not say more.
var outcomes = map[report.Outcome]string{
	report.Granted:              "the grant is in place",
	report.AlreadyGranted:       "the grant was in place already: nothing was changed",
	report.GrantedReplicating:   "the grant is written, and not every domain controller shows it yet: verify it later",
	report.Revoked:              "the grant is gone",
	report.NothingToRevoke:      "there was nothing to revoke: nothing was changed",
	report.Verified:             "the grant is in place as described",
	report.Audited:              "everybody who holds the role is listed",
	report.Planned:              "nothing was changed: this is what would be done",
	report.Failed:               "it did not work",
	report.Conflict:             "what is there and what was asked for exclude each other",
	report.NotFound:             "something that was named does not exist",
	report.Unreachable:          "the server could not be reached",
	report.Blocked:              "the server answers, and Exchange Web Services are closed to this client",
	report.Differs:              "what is there is not what was asked for",
	report.CustomizationPending: "the organization is being customized: try again later",
	report.StillEffective:       "it was removed, and the account still reaches mailboxes",
	report.NotRevoked:           "nothing was removed, and the account still reaches mailboxes",
	report.Denied:               "the server refused it",
	report.Interrupted:          "nothing was changed",
}

// outcomeText is a report's outcome in words, without a full stop. It never says more
// than was tested.
func outcomeText(r *report.Report) string {
	if r.Outcome == notBegun {
		return "one before it did not end well"
	}
	switch r.Operation {
	case report.OperationConnect:
		return connectText(r)
	case report.OperationDiagnose:
		return diagnoseText(r)
	}
	switch r.Outcome {
	case report.Granted, report.AlreadyGranted:
		if r.Operation == report.OperationRevoke {
			return restoredText(r)
		}
		return outcomes[r.Outcome] + reachText(r)
	case report.Verified:
		return verifiedText(r)
	case report.Differs:
		return differsText(r)
	case report.StillEffective, report.NotRevoked:
		return leftText(r)
	case report.Interrupted:
		return interruptedText(r)
	case report.Audited:
		return auditedText(r, len(r.Holders))
	case report.Conflict:
		if !headedByReason(r) {
			return "refused, since the scope holds nobody now. Nothing was changed"
		}
		if reason, _ := conflictReason(r); reason != "" {
			return reason
		}
	}
	return outcomes[r.Outcome]
}

// auditedText says who was asked about; what was compared is said with it.
func auditedText(r *report.Report, rows int) string {
	isCompared := func(f report.Finding) bool { return f.ID == report.FindingCompared }
	switch {
	case r.Account != "" && rows == 0:
		return r.Account + " holds nothing that lets it act for mailboxes. Nobody else was asked about"
	case r.Account != "":
		return "what " + r.Account + " holds is listed. Nobody else was asked about"
	case slices.ContainsFunc(r.Findings, isCompared):
		return outcomes[report.Audited] + ", and the file of grants explains all of them"
	}
	return outcomes[report.Audited]
}

// accountText says what a report's account has to do with it.
func accountText(r *report.Report) string {
	if r.Operation == report.OperationAudit {
		return "asked about " + r.Account + " only"
	}
	return "acting as " + r.Account
}

// headedByReason tells whether a report begins with the reason of the step that decided on
// a conflict: an empty scope has words of its own.
func headedByReason(r *report.Report) bool {
	return r.Outcome == report.Conflict && !hasFinding(r, "scope-empty")
}

// conflictReason is what the step says that decided on a conflict: its first sentence, and
// the rest, which explains it.
func conflictReason(r *report.Report) (reason, rest string) {
	s := r.Failure()
	if s == nil {
		return "", ""
	}
	reason, rest, _ = strings.Cut(stepText(*s), ". ")
	return strings.TrimSuffix(reason, "."), rest
}

func hasFinding(r *report.Report, id string) bool {
	return slices.ContainsFunc(r.Findings, func(f report.Finding) bool { return f.ID == id })
}

// deciding counts the findings that decide the outcome.
func deciding(r *report.Report) int {
	n := 0
	for _, f := range r.Findings {
		if f.Decides {
			n++
		}
	}
	return n
}

func connectText(r *report.Report) string {
	switch r.Outcome {
	case report.Verified:
		return "the server can be reached, the log-on works, and the commands for grants are there"
	case report.Differs:
		return "the server can be reached, and the session there lacks what grants need"
	case report.Denied:
		return "the server can be reached, and the log-on was refused"
	}
	return outcomes[r.Outcome]
}

func diagnoseText(r *report.Report) string {
	within, outside := tested(r)
	switch {
	case r.Outcome == report.Differs:
		return "impersonation does not work as it should: the steps say where, and what to do"
	case r.Outcome != report.Verified:
		return outcomes[r.Outcome]
	case within && outside:
		return "impersonation reaches what it should, and nothing else that was tried"
	case within:
		return "impersonation reaches what it should. Whether it ends there was not tested: name mailboxes with --out-of-scope"
	case outside:
		return "impersonation does not reach what was tried. Whether it reaches what it should was not tested: name mailboxes with --in-scope"
	}
	return "no mailbox was tried"
}

// tested tells which sides of the boundary were asked about.
func tested(r *report.Report) (within, outside bool) {
	for _, row := range r.Proof {
		if row.RBAC != "" || row.EWS != "" {
			within = within || row.Expected == "allowed"
			outside = outside || row.Expected == "refused"
		}
	}
	return within, outside
}

// reachText says what was not tested.
func reachText(r *report.Report) string {
	switch within, outside := tested(r); {
	case within && outside:
		return ""
	case within:
		return ". Whether its reach ends there was not tested: name mailboxes with --out-of-scope"
	case outside:
		return ". Whether it reaches what it should was not tested: name mailboxes with --in-scope"
	}
	return ". Its reach was not tested: name mailboxes with --in-scope and --out-of-scope"
}

func verifiedText(r *report.Report) string {
	text := outcomes[report.Verified]
	if hasFinding(r, "scope-empty") {
		text += ", and its scope holds nobody now"
	}
	if within, outside := tested(r); within && outside {
		how := "by role assignments"
		if slices.ContainsFunc(r.Proof, func(row report.Proof) bool { return row.EWS != "" }) {
			how = "by role assignments and over Exchange Web Services"
		}
		return text + ", and the mailboxes that were named answer as they should (" + how + ")"
	}
	return text + reachText(r)
}

// differsText names what differs, the worst first.
func differsText(r *report.Report) string {
	if r.Operation == report.OperationPlan {
		return cmp.Or(strings.Join(wrongMailboxes(r), ", and "), "there is something to change")
	}
	if r.Operation == report.OperationAudit {
		return "who holds the role is not what the file of grants says: " + count(deciding(r), "difference", "differences")
	}
	text, joint := outcomes[report.Differs], ": "
	if r.Operation == report.OperationGrant {
		text, joint = "the grant is in place", ", but "
	}
	for _, s := range r.Steps {
		switch {
		case strings.HasPrefix(s.Text, "The plan no longer fits") && !r.Changed:
			return "nothing was changed: the plan no longer fits"
		case s.ID == report.StepReadAssignments && strings.HasPrefix(s.Text, report.InPlace):
			text, joint = "the grant is in place", ", but "
		case s.ID == report.StepReadAssignments && r.Operation != report.OperationGrant:
			text, joint = "the grant is not in place", ", and "
		}
	}
	reasons := wrongMailboxes(r)
	for _, f := range r.Findings {
		if f.Decides && f.ID != "out-of-scope-allowed" && f.ID != "in-scope-refused" {
			reasons = append(reasons, firstSentence(f.Text))
		}
	}
	const most = 3
	if more := len(reasons) - most; more > 0 {
		reasons = append(reasons[:most], fmt.Sprintf("%d more reasons stand below", more))
	}
	if len(reasons) == 0 {
		return text
	}
	reasons[0] = continued(reasons[0])
	return text + joint + strings.Join(reasons, "; ")
}

// wrongMailboxes says which mailboxes answer otherwise than they should.
func wrongMailboxes(r *report.Report) []string {
	var reached, missed []string
	for _, row := range r.Proof {
		switch {
		case asExpected(row):
		case row.Expected == "refused":
			reached = append(reached, row.Mailbox)
		default:
			missed = append(missed, row.Mailbox)
		}
	}
	var reasons []string
	if len(reached) > 0 {
		reasons = append(reasons, strings.Join(reached, ", ")+" should be out of reach and is not")
	}
	if len(missed) > 0 {
		reasons = append(reasons, strings.Join(missed, ", ")+" should be in reach and is not")
	}
	return reasons
}

// firstSentence is the beginning of a finding's text, up to where it explains or
// advises.
func firstSentence(text string) string {
	for _, end := range []string{": the scope means nothing", " To take it back:", ". ", ": "} {
		if before, _, ok := strings.Cut(text, end); ok {
			text = before
		}
	}
	return strings.TrimSuffix(text, ".")
}

// continued is a sentence as it goes on after a comma: names keep their capitals.
func continued(sentence string) string {
	for _, word := range []string{"The ", "There ", "Nobody ", "A ", "An "} {
		if rest, ok := strings.CutPrefix(sentence, word); ok {
			return strings.ToLower(word) + rest
		}
	}
	return sentence
}

// restoredText is how the undo of a revocation ended.
func restoredText(r *report.Report) string {
	if r.Changed {
		return "what the report had changed is again as it was before. Its reach was not tested"
	}
	return "what the report had changed was again as it was before already: nothing was changed"
}

// leftText names the ways by which an account still reaches mailboxes.
func leftText(r *report.Report) string {
	var ways []string
	for _, f := range r.Findings {
		if f.ID != "access-left" || len(f.Objects) == 0 {
			continue
		}
		name, _, _ := strings.Cut(f.Text, " still gives")
		ways = append(ways, name+" (exgrant revoke --guid "+f.Objects[0]+")")
	}
	text := outcomes[r.Outcome]
	if len(ways) > 0 {
		text += " through " + strings.Join(ways, ", ")
	}
	return text
}

// interruptedText says what stands.
func interruptedText(r *report.Report) string {
	var changes []string
	for _, s := range r.Steps {
		if s.Status != report.StatusChanged || r.Operation == report.OperationGrant && s.ID == report.StepRemove {
			continue
		}
		text := strings.TrimSuffix(s.Text, ".")
		if s.GUID != "" {
			text += " (" + s.GUID + ")"
		}
		changes = append(changes, text)
	}
	unknown := ""
	if hasFinding(r, "change-unknown") {
		unknown = ", and whether one more was carried out is not known"
	}
	switch {
	case !r.Changed && unknown != "":
		return "whether a change was carried out is not known: run it again"
	case !r.Changed:
		return outcomes[report.Interrupted]
	case len(changes) == 1:
		return "after 1 change" + unknown + ": " + changes[0]
	}
	return fmt.Sprintf("after %d changes%s: %s", len(changes), unknown, strings.Join(changes, "; "))
}
