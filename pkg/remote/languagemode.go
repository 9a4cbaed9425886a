package remote

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// noLanguage are the error identifiers of sessions that take no script text, and of
// those that take next to none (about_Language_Modes).
const noLanguage = "ScriptsNotAllowed"

var restrictedLanguage = []string{"PropertyReferenceNotSupportedInDataSection", "VariableReferenceNotSupportedInDataSection"}

// LanguageMode asks a session over PowerShell remoting what it may be told: NoLanguage
// takes single commands, and is how Exchange ships its endpoint. It is the only script
// text that this package sends: a name, which reads a property. "" is a session that
// does not say. Errors are those of Invoke.
func LanguageMode(ctx context.Context, session Session) (string, error) {
	s, ok := session.(*psrpSession)
	if !ok {
		return "", nil
	}
	r, err := s.open(ctx)
	if err != nil {
		return "", err
	}
	mode := ""
	x := &run{runspace: r, command: psrp.PowerShell{NoInput: true,
		Statements: [][]psrp.Command{{{Text: "$ExecutionContext.SessionState.LanguageMode", IsScript: true}}}}}
	x.yield = func(o exchange.Object) error {
		mode = o.Text("")
		return nil
	}
	if err := s.attempt(ctx, x); err != nil {
		return "", s.explain("asking for the language mode", err)
	}
	for _, e := range x.streams.Errors {
		id, _, _ := strings.Cut(e.FullyQualifiedErrorID, ",")
		switch {
		case id == noLanguage:
			mode = "NoLanguage"
		case slices.Contains(restrictedLanguage, id):
			mode = "RestrictedLanguage"
		}
	}
	return mode, nil
}
