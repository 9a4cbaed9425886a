package fault_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

func TestRules(t *testing.T) {
	rules := fault.Rules()
	names := map[string]bool{}
	for i, r := range rules {
		if names[r.Name] || r.Name == "" {
			t.Errorf("rule %d: name %q is empty or used twice", i, r.Name)
		}
		names[r.Name] = true
		if fault.Meaning(r.ID) == "" {
			t.Errorf("%s: unknown fault %q", r.Name, r.ID)
		}
		if fault.RetryMeaning(r.Retry) == "" {
			t.Errorf("%s: unknown retry %q", r.Name, r.Retry)
		}
		if !strings.HasPrefix(r.Source, "https://") {
			t.Errorf("%s: source %q", r.Name, r.Source)
		}
		if n := utf8.RuneCountInString(r.Hint); n < 20 || n > 330 || !strings.HasSuffix(r.Hint, ".") {
			t.Errorf("%s: a hint of %d letters: %q", r.Name, n, r.Hint)
		}
		if err := exchange.CheckText(r.Hint); err != nil {
			t.Errorf("%s: hint: %v", r.Name, err)
		}
		for _, pattern := range []string{r.Text, r.Unless} {
			if _, err := regexp.Compile(pattern); err != nil {
				t.Errorf("%s: %v", r.Name, err)
			}
			// These mean more letters to .NET than to RE2.
			if strings.Contains(pattern, `\w`) || strings.Contains(pattern, `\d`) || strings.Contains(pattern, `(?P`) {
				t.Errorf("%s: %s does not mean the same to .NET", r.Name, pattern)
			}
		}
		last := i == len(rules)-1
		matchesAll := len(r.Categories)+len(r.Types)+len(r.ErrorIDs)+len(r.Cmdlets)+len(r.WSManCodes)+len(r.HTTPStatuses)+len(r.EWSCodes) == 0 &&
			r.Layer == fault.LayerAny && r.Text == ""
		if matchesAll != last {
			t.Errorf("%s: only the last rule matches everything", r.Name)
		}
	}
	if last := rules[len(rules)-1]; last.ID != fault.Other || last.Retry != fault.RetryNever {
		t.Errorf("what no rule knows is %s, retry %s", last.ID, last.Retry)
	}
}

func TestIDs(t *testing.T) {
	ids := fault.IDs()
	if len(ids) != 22 || len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 22 {
		t.Errorf("%d identifiers: %v", len(ids), ids)
	}
	used := map[string]bool{}
	for _, r := range fault.Rules() {
		used[r.ID] = true
	}
	for _, id := range ids {
		if !used[id] {
			t.Errorf("no rule gives %s", id)
		}
	}
	if fault.Meaning("x") != "" || fault.RetryMeaning("x") != "" {
		t.Error("an unknown word has a meaning")
	}
}

func TestRulesAreCopies(t *testing.T) {
	for _, r := range fault.Rules() {
		for _, list := range [][]string{r.Types, r.Cmdlets, r.Categories, r.ErrorIDs, r.EWSCodes} {
			for i := range list {
				list[i] = "changed"
			}
		}
	}
	_, rule := fault.Classify(fault.Evidence{Record: exchange.ErrorRecord{Reason: "ADTransientException"}})
	if rule.Name != "directory-transient" {
		t.Errorf("a caller changed the table: %s", rule.Name)
	}
	rule.Types[0] = "changed"
	if _, again := fault.Classify(fault.Evidence{Record: exchange.ErrorRecord{Reason: "ADTransientException"}}); again.Types[0] == "changed" {
		t.Error("a caller changed the table through Classify")
	}
}

const cmdletHead = "[Server=EX01,RequestId=1,TimeStamp=2] [FailureCategory=Cmdlet-"

// TestClassify holds the fixed points of the order, in evidence as programs have
// it.
func TestClassify(t *testing.T) {
	record := func(category, class, message string) fault.Evidence {
		return fault.Evidence{Record: exchange.ErrorRecord{
			FullyQualifiedErrorID: cmdletHead + category + "] 9C31A2B7,Microsoft.Exchange.Management.RbacTasks." + class, Message: message,
		}}
	}
	text := func(s string) fault.Evidence { return fault.Evidence{Text: s} }
	const customization = "EnableOrganizationCustomizationTask"
	for _, c := range []struct {
		name string
		e    fault.Evidence
		want string
	}{
		{"nothing", fault.Evidence{}, fault.Other},
		{"dehydrated, in no known language", record("InvalidOperationInDehydratedContextException", "NewRoleGroup", "ⵣⵣⵣ"), fault.Dehydrated},
		{"a type that only begins and ends alike", fault.Evidence{Record: exchange.ErrorRecord{Reason: "InvalidOperatio...atedException"}}, fault.Other},
		{"the shortened type", fault.Evidence{Record: exchange.ErrorRecord{Reason: "InvalidOperatio...ontextException"}}, fault.Dehydrated},
		{"the cmdlet is named, not missed", text("Run Enable-OrganizationCustomization when you have time."), fault.Other},
		{"the cmdlet is missing", text("The term 'Enable-OrganizationCustomization' is not recognized as the name of a cmdlet"), fault.CmdletMissing},
		{"already customized, in no known language", record("InvalidOperationException", customization, "ⵣⵣⵣ"), fault.AlreadyCustomized},
		{"the same type from another cmdlet", record("InvalidOperationException", "NewRoleGroup", "ⵣⵣⵣ"), fault.Other},
		{"already customized, said of another cmdlet", record("InvalidOperationException", "NewRoleGroup", "already enabled for customization"), fault.Other},
		{"half-way, an object missing", record("ManagementObjectNotFoundException", customization, "x"), fault.Other},
		{"half-way, an object there", record("ADObjectAlreadyExistsException", customization, "x"), fault.Other},
		{"half-way, a script in the message", record("InvalidOperationException", customization, `The following error was generated when "$error.Clear(); New-ManagementRoleAssignment" was run: "already exists"`), fault.Other},
		{"half-way, a controller away", record("ADTransientException", customization, "x"), fault.Transient},
		{"not offered, by another cmdlet", record("InvalidOperationException", "NewRoleGroup", "This operation is not available in current service offer."), fault.Other},
		{"both sentences", text("Organization is already enabled for customization. The command you tried to run isn't currently allowed in your organization. To run this command, you first need to run the command: Enable-OrganizationCustomization."), fault.Dehydrated},
		{"delegating, with a type shared by many", record("InvalidOperationException", "NewManagementRoleAssignment", "You must be assigned a delegating role assignment to the management role"), fault.AccessDenied},
		{"an address in use is no object of that name", record("ProxyAddressExistsException", "NewMailbox", `The proxy address "SMTP:a@b" already exists`), fault.Other},
		{"exists, in German", record("ADObjectAlreadyExistsException", "NewManagementScope", "Das Objekt ist bereits vorhanden."), fault.AlreadyExists},
		{"exists, by LDAP's code", record("ADOperationException", "NewManagementScope", "00000524: UpdErr: DSID-031A11E2, problem 6005 (ENTRY_EXISTS), data 0"), fault.AlreadyExists},
		{"the role", record("ManagementObjectNotFoundException", "NewManagementRoleAssignment", `couldn't find "ApplicationImpersonation"`), fault.RoleNotFound},
		{"an assignment that has the role in its name", record("ManagementObjectNotFoundException", "GetManagementRoleAssignment", `"ApplicationImpersonation-svc" wasn't found`), fault.PrincipalNotFound},
		{"transient by name only", record("RemoteTransientException", "NewMoveRequest", "Access is denied."), fault.Other},
		{"transient around a permanent cause", record("ADTransientException", "GetUser", "problem 4003 (INSUFF_ACCESS_RIGHTS)"), fault.AccessDenied},
		{"permanent around transient ones", text("Microsoft.Exchange.Migration.TooManyTransientFailureRetriesPermanentException: gave up --> Microsoft.Exchange.Data.Directory.ADTransientException: x"), fault.Other},
		{"the outermost type decides", text("Microsoft.Exchange.Data.Directory.NoSuitableServerFoundException: x ---> Microsoft.Exchange.Data.Directory.ADOperationException: Access is denied"), fault.Other},
		{"a wrapper says nothing", text("System.Exception: Ex1|Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException|x"), fault.PrincipalAmbiguous},
		{"through DSC", fault.Evidence{Record: exchange.ErrorRecord{Reason: "CimException", FullyQualifiedErrorID: cmdletHead + "ManagementObjectNotFoundException] A1,x.GetUser"}}, fault.PrincipalNotFound},
		{"quota under an authorization category", text("[AuthZRequestId=1][FailureCategory=AuthZ-AuthorizationException] x"), fault.ConnectQuota},
		{"another authorization category", text("[AuthZRequestId=1][FailureCategory=AuthZ-SomethingNewException] x"), fault.AccessDenied},
		{"no roles, under a protocol's code", fault.Evidence{WSManCode: 2152992672, Text: "[FailureCategory=AuthZ-CmdletAccessDeniedException] x"}, fault.AccessDenied},
		{"the protocol's code alone", fault.Evidence{WSManCode: 2152992672}, fault.AccessDenied},
		{"as console's identifier", fault.Evidence{Record: exchange.ErrorRecord{FullyQualifiedErrorID: "IncorrectProtocolVersion,PSSessionOpenFailed"}}, fault.AccessDenied},
		{"the catch-all", fault.Evidence{Record: exchange.ErrorRecord{FullyQualifiedErrorID: "-2144108477,PSSessionOpenFailed"}}, fault.ConnectHTTP},
		{"logon front end", text("[ClientAccessServer=A,BackEndServer=,RequestId=1,TimeStamp=2] [FailureCategory=LiveID-InvalidCreds] Access Denied"), fault.ConnectAuth},
		{"back end away", text("[FailureCategory=Cafe-SendFailure] x"), fault.ConnectHTTP},
		{"SPN", fault.Evidence{WSManCode: 0x80090322}, fault.ConnectAuth},
		{"clock", text("0x80090324"), fault.ConnectAuth},
		{"in French, wrapped", text("L’erreur suivante avec le code d’erreur 0x8009 0311 s’est produite"), fault.ConnectAuth},
		{"certificate inside a security error", text("0x8033809D 0x80090325"), fault.ConnectTLS},
		{"Go's TLS", text("tls: failed to verify certificate: x509: certificate signed by unknown authority"), fault.ConnectTLS},
		{"Go's network", text("dial tcp 192.0.2.1:80: i/o timeout"), fault.ConnectNetwork},
		{"DNS", text("lookup ex01.contoso.test: no such host"), fault.ConnectNetwork},
		{"firewall, in Japanese", text("WinRM は操作を完了できません。ファイアウォールの例外が有効になっていることを確認してください。"), fault.ConnectNetwork},
		{"not trusted, in Russian", text("Клиент WinRM не может обработать запрос. TrustedHosts"), fault.ConnectAuth},
		{"shells, in German", text("Der WinRM-Dienst: Die maximale Anzahl gleichzeitiger Shells wurde überschritten."), fault.ConnectQuota},
		{"certificate, in Spanish", text("No se pudo establecer una relación de confianza para el canal seguro SSL/TLS."), fault.ConnectTLS},
		{"Kerberos library", text("KDC_ERR_S_PRINCIPAL_UNKNOWN"), fault.ConnectAuth},
		{"clock, by the library", text("KRB_AP_ERR_SKEW Clock skew too great"), fault.ConnectAuth},
		{"HTTP 401", fault.Evidence{HTTPStatus: 401}, fault.ConnectAuth},
		{"HTTP 429", fault.Evidence{HTTPStatus: 429}, fault.Throttled},
		{"HTTP 302", fault.Evidence{HTTPStatus: 302}, fault.ConnectHTTP},
		{"HTTP 418", fault.Evidence{HTTPStatus: 418}, fault.ConnectHTTP},
		{"HTTP 200", fault.Evidence{HTTPStatus: 200}, fault.Other},
		{"EWS under HTTP 500", fault.Evidence{HTTPStatus: 500, EWSCode: "ErrorImpersonateUserDenied"}, fault.EWSImpersonationDenied},
		{"EWS, in Chinese", fault.Evidence{EWSCode: "ErrorImpersonationDenied", Text: "帐户没有权限"}, fault.EWSImpersonationDenied},
		{"EWS busy", fault.Evidence{EWSCode: "ErrorServerBusy"}, fault.Throttled},
		{"EWS, mailbox being moved", fault.Evidence{EWSCode: "ErrorMailboxMoveInProgress"}, fault.EWSOther},
		{"EWS, a new code", fault.Evidence{HTTPStatus: 500, EWSCode: "ErrorNeverHeardOf"}, fault.EWSOther},
		{"EWS, no error", fault.Evidence{EWSCode: "NoError"}, fault.Other},
		{"ErrorRecord is no code of EWS", text("ErrorRecord ErrorAction ErrorCode"), fault.Other},
		{"poll for output", fault.Evidence{WSManCode: 2150858793}, fault.WSManFault},
		{"an unknown fault", fault.Evidence{WSManCode: 2150858752, Text: "connection refused by policy"}, fault.WSManFault},
		{"no-language mode, in any language", text(`x: $PSCulture, $PSUICulture, $true, $false, $null.`), fault.LanguageMode},
		{"an ordinary parse error", fault.Evidence{Record: exchange.ErrorRecord{FullyQualifiedErrorID: "UnexpectedToken", Category: "ParserError", Reason: "ParentContainsErrorRecordException"}}, fault.Other},
		{"a parameter hidden by RBAC", fault.Evidence{Record: exchange.ErrorRecord{FullyQualifiedErrorID: "NamedParameterNotFound,New-ManagementScope"}}, fault.CmdletMissing},
		{"a directory entry below RBAC is not about RBAC", text("CN=x,CN=Role Assignments,CN=RBAC,CN=Contoso"), fault.Other},
		{"synchronized object", text("The operation on mailbox \"a\" failed because it's out of the current user's write scope. The action 'Set-Mailbox' can't be performed on the object 'a' because the object is being synchronized from your on-premises organization."), fault.Other},
		{"filter, in German", text(`Der Parameter "RecipientFilter" kann nicht an das Ziel gebunden werden. Ausnahme beim Festlegen von "RecipientFilter": "Ungültige Filtersyntax."`), fault.ScopeError},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, rule := fault.Classify(c.e)
			if got.ID != c.want || rule == nil || rule.Name != got.Rule || rule.ID != got.ID {
				t.Errorf("%s by %s, want %s", got.ID, got.Rule, c.want)
			}
		})
	}
}

func TestFaultKeepsTheRecord(t *testing.T) {
	record := exchange.ErrorRecord{FullyQualifiedErrorID: "a,b", Category: "NotSpecified", Message: " m \n"}
	got, _ := fault.Classify(fault.Evidence{Record: record, Text: "t"})
	want := fault.Fault{
		ID: fault.Other, Rule: "unknown", Message: "m", Hint: got.Hint, Retry: fault.RetryNever, Source: got.Source,
		Record: &exchange.ErrorRecord{FullyQualifiedErrorID: "a,b", Category: "NotSpecified"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got, _ := fault.Classify(fault.Evidence{Text: " t "}); got.Message != "t" || got.Record != nil {
		t.Errorf("text alone: %+v", got)
	}
}

// TestNoiseIsNotCostly makes evidence up, of words that errors are made of.
func TestNoiseIsNotCostly(t *testing.T) {
	words := []string{
		"exception", "Exception:", "object", "already", "exists", "enabled", "customization", "Enable-OrganizationCustomization", "transient",
		"directory", "Active Directory", "operation", "allowed", "organization", "not", "isn't", "currently", "failed", "0x51", "denied",
		"System.InvalidOperationException:", "|", "'CN=x'", "$error", "role", "same name", "unique", "is not available", "required", "ⵣ",
	}
	types := []string{"", "InvalidOperationException", "RemoteException", "ManagementObjectNotFoundException", "DataValidationException", "WhateverTransientException"}
	cmdlets := []string{"", "New-ManagementRoleAssignment", "New-RoleGroup", "Get-User", "Set-Mailbox"}
	costlySentences := regexp.MustCompile(`(?i)already enabled for customization|is not available in current organization|allowed .*organization|0x51|already exists|same name`)
	rapid.Check(t, func(t *rapid.T) {
		e := fault.Evidence{
			WSManCode:  rapid.Uint32().Draw(t, "code"),
			HTTPStatus: rapid.IntRange(-1, 999).Draw(t, "status"),
			Text:       strings.Join(rapid.SliceOfN(rapid.SampledFrom(words), 0, 12).Draw(t, "words"), " "),
		}
		e.Record.Reason = rapid.SampledFrom(types).Draw(t, "type")
		e.Record.Activity = rapid.SampledFrom(cmdlets).Draw(t, "cmdlet")
		e.Record.FullyQualifiedErrorID = rapid.StringMatching(`[A-Za-z0-9]{0,8}(,[A-Za-z.]{0,20})?`).Draw(t, "id")
		got, _ := fault.Classify(e)
		if slices.Contains(costly, got.ID) && !costlySentences.MatchString(e.Text) {
			t.Fatalf("%s by %s", got.ID, got.Rule)
		}
	})
}

func FuzzClassify(f *testing.F) {
	f.Add("a,b", "x|System.Exception|y", "InvalidOperatio...ontextException", uint32(5), 500, "ErrorX")
	f.Fuzz(func(t *testing.T, id, message, reason string, code uint32, status int, ews string) {
		got, rule := fault.Classify(fault.Evidence{
			Record: exchange.ErrorRecord{FullyQualifiedErrorID: id, Message: message, Reason: reason}, WSManCode: code, HTTPStatus: status, EWSCode: ews,
		})
		if fault.Meaning(got.ID) == "" || rule == nil || rule.Name != got.Rule || got.Message != strings.TrimSpace(message) {
			t.Fatalf("%+v", got)
		}
	})
}
