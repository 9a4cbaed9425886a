package transcript

import (
	"path"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// TestEveryRuleHasAnExample: each rule decides about an error of the corpus, of
// testdata, or of the few here that nobody posts, because a program meets them alone.
func TestEveryRuleHasAnExample(t *testing.T) {
	decided := map[string]bool{}
	note := func(text string) {
		for _, a := range mustExplain(t, text) {
			decided[a.Rule.Name] = true
		}
	}
	for _, r := range readCorpus(t) {
		note(r.Text)
		note(r.pasted())
		_, rule := fault.Classify(r.fields())
		decided[rule.Name] = true
	}
	for _, name := range []string{"testdata/public.txtar", "testdata/forms.txtar", "testdata/rules.txtar"} {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			note(string(f.Data))
		}
	}
	for _, e := range met {
		_, rule := fault.Classify(e)
		decided[rule.Name] = true
	}
	for _, r := range fault.Rules() {
		if !decided[r.Name] {
			t.Errorf("rule %s decides about no example", r.Name)
		}
	}
}

// TestWhichRule: the class alone does not tell what to do next.
func TestWhichRule(t *testing.T) {
	for _, f := range readPieces(t, "testdata/rules.txtar", 8) {
		t.Run(f.Name, func(t *testing.T) {
			answers := mustExplain(t, string(f.Data))
			if got := answers[0].Fault; got.Rule != path.Dir(f.Name) {
				t.Errorf("%s by %s\n%+v", got.ID, got.Rule, answers[0].Evidence)
			}
			for _, a := range answers[1:] {
				if isCostly(a.Fault.ID) {
					t.Errorf("also %s by %s", a.Fault.ID, a.Fault.Rule)
				}
			}
		})
	}
}

// met are errors as programs have them.
var met = []fault.Evidence{
	{EWSCode: "ErrorImpersonationDenied"}, {EWSCode: "ErrorADUnavailable"}, {EWSCode: "ErrorMissingEmailAddress"}, {EWSCode: "ErrorAccountDisabled"},
	{EWSCode: "ErrorPasswordExpired"}, {EWSCode: "ErrorImpersonationFailed"}, {EWSCode: "ErrorProxyGroupSidLimitExceeded"}, {EWSCode: "ErrorCrossSiteRequest"},
	{EWSCode: "ErrorInvalidServerVersion"}, {EWSCode: "ErrorSchemaValidation"}, {EWSCode: "ErrorQuotaExceeded"}, {EWSCode: "InvalidUser"}, {EWSCode: "InvalidDomain"},
	{Text: "[FailureCategory=LiveID-InvalidCreds] Access Denied"}, {Text: "[FailureCategory=AuthZ-SomethingNewException] x"},
	{WSManCode: 0x803381A7}, {WSManCode: 0x80540FA0}, {WSManCode: 0x80090324}, {WSManCode: 12002},
	{HTTPStatus: 200, Text: "schemas.microsoft.com/exchange/services/2006"},
	{WSManCode: 12007}, {Text: "x509: certificate has expired or is not yet valid: current time 2026-11-28T20:00:00Z is after 2026-11-25T00:00:00Z"},
	{HTTPStatus: 302, Text: "Location: https://mail.contoso.test/owa/auth/errorFE.aspx?httpCode=404"},
	{Record: exchange.ErrorRecord{FullyQualifiedErrorID: "IncorrectProtocolVersion,PSSessionOpenFailed"}},
	{Record: exchange.ErrorRecord{FullyQualifiedErrorID: "CannotConnectTargetSessionDoesNotExist,PSSessionOpenFailed"}},
	{Record: exchange.ErrorRecord{Reason: "ADOperationException", Message: "00000524: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS), data 0"}},
}
