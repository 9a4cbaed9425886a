package psgen

import (
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

// A Kind says what a script is for.
type Kind string

// The kinds of scripts.
const (
	KindGrant     Kind = "grant"
	KindRevoke    Kind = "revoke"
	KindStatus    Kind = "status"
	KindUndo      Kind = "undo" // takes back what a report tells
	KindAudit     Kind = "audit"
	KindOffice365 Kind = "office365"
	KindFieldTest Kind = "fieldtest"
)

// Operation is what a report of the script says that it is about.
func (k Kind) Operation() string {
	if k == KindUndo {
		return report.OperationRevoke
	}
	return string(k)
}

// A Form is what decides the body of a script: scripts of one form differ in their
// data blocks alone.
type Form struct {
	Kind     Kind
	Assignee exchange.AssigneeKind // of the grant or report that it is about; else empty
	Scope    exchange.ScopeKind    // of the grant that it is about; else empty
	Undone   Kind                  // of an undo: a grant, or a revocation; else empty
}

// String is the form as it stands in headers: "grant user organizationalUnit".
func (f Form) String() string {
	words := []string{string(f.Kind)}
	if f.Assignee != "" {
		words = append(words, assigneeFact(f.Assignee))
	}
	if f.Scope != "" {
		words = append(words, string(f.Scope))
	}
	if f.Undone != "" {
		words = append(words, string(f.Undone))
	}
	return strings.Join(words, " ")
}

// assigneeFact is the kind of an assignee by a name that no kind of scope has.
func assigneeFact(k exchange.AssigneeKind) string {
	if k == exchange.SecurityGroup {
		return "securityGroup"
	}
	return string(k)
}

// Forms returns every form, in the order of the list of their hashes.
func Forms() []Form {
	assignees := []exchange.AssigneeKind{exchange.User, exchange.SecurityGroup, exchange.RoleGroup}
	var forms []Form
	for _, kind := range []Kind{KindGrant, KindRevoke, KindStatus} {
		for _, assignee := range assignees {
			for _, scope := range []exchange.ScopeKind{
				exchange.Group, exchange.OrganizationalUnit, exchange.RecipientFilter, exchange.Existing, exchange.WholeOrganization,
			} {
				forms = append(forms, Form{Kind: kind, Assignee: assignee, Scope: scope})
			}
		}
	}
	for _, assignee := range assignees {
		for _, undone := range []Kind{KindGrant, KindRevoke} {
			forms = append(forms, Form{Kind: KindUndo, Assignee: assignee, Undone: undone})
		}
	}
	return append(forms, Form{Kind: KindAudit}, Form{Kind: KindOffice365}, Form{Kind: KindFieldTest})
}
