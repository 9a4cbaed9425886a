package fault

import (
	"regexp"
	"strings"
	"sync"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A Decision is what a generated script knows of the table: one pattern for each
// fault that changes what a script does next. What matches none of them, or the one of
// [Other], stops it.
//
// The patterns are compared without regard to case with [DecisionText]. They stay
// within what Go's RE2 and .NET understand in the same way, and in what is not a
// letter of another language they are ASCII.
type Decision struct {
	ID      string // the fault
	Pattern string
	Unless  string // where it matches, Pattern does not count; empty where nothing is excepted
}

// QuotedName matches a name in quotes and the character before it, which is group 1
// and stays: a name proves nothing, whatever it is. An apostrophe within a word does
// not end a name.
const QuotedName = `(^|[ (:=,\[])(?:"[^"]*"|'(?:[^']|'[A-Za-z0-9])*'|“[^”]*”|«[^»]*»)`

// decisions is the order of decision in a script: the first that matches wins.
var decisions = []Decision{
	{
		ID: AlreadyCustomized,
		Pattern: `InvalidOperationException\] [0-9A-F]{1,8},[a-z.]+EnableOrganizationCustomizationTask` +
			`|\[Enable-OrganizationCustomization\] InvalidOperationException`,
		Unless: `\$error\.|\bwas run:|--->|wasn.t found|couldn.t be found|write scope|try again`,
	},
	{
		// Nothing else that this command says decides anything.
		ID:      Other,
		Pattern: `EnableOrganizationCustomizationTask|\[Enable-OrganizationCustomization\]`,
	},
	{
		ID: Dehydrated,
		Pattern: `InDehydratedContext|you first need to run the command: ?Enable-OrganizationCustomization` +
			`|not allowed for the organization with disabled customizations`,
	},
	{
		ID: AccessDenied,
		Pattern: `CmdletAccessDeniedException|ADScopeException|OperationRequiresGroupManagerException|INSUFF?_ACCESS_RIGHTS` +
			`|UnauthorizedAccessException(?:\] [0-9A-F]{1,8})?,Microsoft\.Exchange` +
			`|delegating (?:management )?role|delegierende Rollenz|委任役割の|out of the current user.s write scope`,
		Unless: `synchroni[sz]|licen[sc]e`,
	},
	{
		ID:      Throttled,
		Pattern: `\b(?:OverBudget|ServerBusy|ResourceUnhealthy)Exception`,
	},
	{
		ID: AlreadyExists,
		Pattern: `ADObjectAlreadyExistsException|MemberAlreadyExistsException|problem 6005 \(ENTRY_EXISTS\)` +
			`|operation failed on [^ ]{1,200}\. The object {1,2}already exists`,
	},
	{
		// A role that is not there is told in the same way.
		ID:      PrincipalNotFound,
		Pattern: `ManagementObjectNotFoundException|ADNoSuchObjectException|RecipientNotFoundException`,
	},
	{
		ID: Transient,
		Pattern: `(?:ADTransient|ADServerSettingsChanged|DirectoryTransientError|SuitabilityDirectory)Exception` +
			`|active directory[^.]{0,40} 0x5[12]\b`,
		Unless: `Permanent|RemoteTransient|too many transient|0x31\b`,
	},
}

// Decisions returns a copy of the list, in its order.
func Decisions() []Decision { return append([]Decision(nil), decisions...) }

// DecisionText is what [Decision] patterns are compared with, in a script
//
//	"$($_.FullyQualifiedErrorId) [$($_.CategoryInfo.Activity)] $($_.CategoryInfo.Reason) $words"
//
// where $words is the exception's message with its white space collapsed and what
// [QuotedName] matches replaced by its group 1.
func DecisionText(r exchange.ErrorRecord) string {
	words := quotedName().re.ReplaceAllString(strings.Join(strings.Fields(r.Message), " "), "${1}")
	return r.FullyQualifiedErrorID + " [" + r.Activity + "] " + r.Reason + " " + words
}

var quotedName = pattern(QuotedName)

// Decide returns the fault by which a script goes on, and "" where it stops. It
// knows less than [Classify], and nothing else.
func Decide(r exchange.ErrorRecord) string {
	text := DecisionText(r)
	for i, d := range decisionPatterns() {
		if d.pattern.MatchString(text) && (d.unless == nil || !d.unless.MatchString(text)) {
			if decisions[i].ID == Other {
				return ""
			}
			return decisions[i].ID
		}
	}
	return ""
}

type decisionPattern struct{ pattern, unless *regexp.Regexp }

var decisionPatterns = sync.OnceValue(func() []decisionPattern {
	out := make([]decisionPattern, len(decisions))
	for i, d := range decisions {
		out[i].pattern = regexp.MustCompile(`(?i)` + d.Pattern)
		if d.Unless != "" {
			out[i].unless = regexp.MustCompile(`(?i)` + d.Unless)
		}
	}
	return out
})
