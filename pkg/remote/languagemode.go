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

// LanguageMode is documented at exchange.LanguageModer. NoLanguage takes single
// commands, and is how Exchange ships its endpoint. Errors are those of Invoke.
func (s *psrpSession) LanguageMode(ctx context.Context) (string, error) {
	s.mu.Lock()
	mode := s.mode
	s.mu.Unlock()
	if mode != "" {
		return mode, nil
	}
	mode, err := s.askLanguageMode(ctx)
	if err == nil {
		s.mu.Lock()
		s.mode = mode
		s.mu.Unlock()
	}
	return mode, err
}

// askLanguageMode sends the only script text that this package sends: a name, which
// reads a property.
func (s *psrpSession) askLanguageMode(ctx context.Context) (string, error) {
	r, err := s.open(ctx)
	if err != nil {
		return "", err
	}
	mode := ""
	x := &run{attempt: newAttempt(nil, nil), runspace: r, command: psrp.PowerShell{NoInput: true,
		Statements: [][]psrp.Command{{{Text: "$ExecutionContext.SessionState.LanguageMode", IsScript: true}}}}}
	x.yield = func(o exchange.Object) error {
		mode = o.Text("")
		return nil
	}
	if err := s.attempt(ctx, x); err != nil {
		return "", explain("asking for the language mode", err)
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
