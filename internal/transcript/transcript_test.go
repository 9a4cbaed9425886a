package transcript

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

const dehydratedConsole = `New-ManagementRoleAssignment : The command you tried to run isn't currently allowed in your organization. To run this
command, you first need to run the command: Enable-OrganizationCustomization.
At line:1 char:1
+ New-ManagementRoleAssignment -Name 'x' -Role ApplicationImpersonation ...
+ ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~
    + CategoryInfo          : NotSpecified: (0:Int32) [New-ManagementRoleAssignment], InvalidOperatio...ontextException
    + FullyQualifiedErrorId : [Server=EX01,RequestId=c26ef171-cb49-4086-b24e-36b130741d9a,TimeStamp=1/14/2026 2:38:19 PM] [FailureCategory=Cmdlet-InvalidOperationInDehydratedContextException] D63E7DD6,Microsoft.Exchange.Management.RbacTasks.NewManagementRoleAssignment
    + PSComputerName        : ex01.contoso.test
`

var dehydratedRecord = exchange.ErrorRecord{
	FullyQualifiedErrorID: "[Server=EX01,RequestId=c26ef171-cb49-4086-b24e-36b130741d9a,TimeStamp=1/14/2026 2:38:19 PM] [FailureCategory=Cmdlet-InvalidOperationInDehydratedContextException] D63E7DD6,Microsoft.Exchange.Management.RbacTasks.NewManagementRoleAssignment",
	Category:              "NotSpecified",
	Reason:                "InvalidOperatio...ontextException",
	Activity:              "New-ManagementRoleAssignment",
	TargetName:            "0",
	Message:               "The command you tried to run isn't currently allowed in your organization. To run this command, you first need to run the command: Enable-OrganizationCustomization.",
}

func TestConsole(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       exchange.ErrorRecord
	}{
		{"Windows PowerShell", dehydratedConsole, dehydratedRecord},
		{"quoted in a mail", "> " + strings.ReplaceAll(strings.TrimSpace(dehydratedConsole), "\n", "\n> "), dehydratedRecord},
		{"in a Markdown fence", "This is what I get:\n\n```powershell\n" + dehydratedConsole + "```\n", dehydratedRecord},
		{"in colours", "\x1b[31;1m" + strings.ReplaceAll(dehydratedConsole, "\n", "\x1b[0m\r\n\x1b[31m"), dehydratedRecord},
		{"posted as one line", strings.ReplaceAll(dehydratedConsole, "\n", `\r\n`), dehydratedRecord},
		{
			"PowerShell 7, one line", "New-RoleGroup: The name is taken.",
			exchange.ErrorRecord{Activity: "New-RoleGroup", Message: "The name is taken."},
		},
		{
			"PowerShell 7, with the statement", "New-RoleGroup: C:\\work\\grant.ps1:12:5\nLine |\n  12 |      New-RoleGroup @newRoleGroupParams\n     |      ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~~\n     | The name is\n     | taken.\n",
			exchange.ErrorRecord{Activity: "New-RoleGroup", Message: "The name is taken."},
		},
		{
			"Chinese", "New-PSSession : 拒绝访问。\n所在位置 行:1 字符: 1\n+ New-PSSession\n+ ~~~\n    + CategoryInfo          : OpenError: (a:String) [New-PSSession]，PSRemotingTransportException\n    + FullyQualifiedErrorId : AccessDenied,PSSessionOpenFailed\n",
			exchange.ErrorRecord{
				FullyQualifiedErrorID: "AccessDenied,PSSessionOpenFailed", Category: "OpenError", Reason: "PSRemotingTransportException",
				Activity: "New-PSSession", TargetName: "a", Message: "拒绝访问。",
			},
		},
		{
			"below a prompt", "[PS] C:\\Windows\\system32>Get-Mailbox anna\nThe operation couldn't be performed.\n    + CategoryInfo          : NotSpecified: (:) [], CimException\n",
			exchange.ErrorRecord{Category: "NotSpecified", Reason: "CimException", Activity: "Get-Mailbox", Message: "The operation couldn't be performed."},
		},
		{
			"Format-List", "Exception             : System.Management.Automation.RemoteException: x\nTargetObject          :\nCategoryInfo          : NotSpecified: (:) [Get-User], ManagementObjectNotFoundException\nFullyQualifiedErrorId : [Server=EX01,RequestId=1,TimeStamp=2] [FailureCategory=Cmdlet-ManagementObjectNotFoundException] A1,Microsoft.Exchange.Management.RecipientTasks.GetUser\nErrorDetails          :\n",
			exchange.ErrorRecord{
				FullyQualifiedErrorID: "[Server=EX01,RequestId=1,TimeStamp=2] [FailureCategory=Cmdlet-ManagementObjectNotFoundException] A1,Microsoft.Exchange.Management.RecipientTasks.GetUser",
				Category:              "NotSpecified", Reason: "ManagementObjectNotFoundException", Activity: "Get-User",
				Message: "System.Management.Automation.RemoteException: x",
			},
		},
		{
			"a log that lost its line breaks", "failed.At line:1 char:1+ x    + CategoryInfo          : OpenError: (System.Manageme....RemoteRunspace:RemoteRunspace) [New-PSSession], PSRemotin    gTransportException    + FullyQualifiedErrorId : LogonFailure,PSSessionOpenFailedFailed to connect to an Exchange server",
			exchange.ErrorRecord{
				FullyQualifiedErrorID: "LogonFailure,PSSessionOpenFailed", Category: "OpenError", Reason: "PSRemotingTransportException",
				Activity: "New-PSSession", TargetName: "System.Manageme....RemoteRunspace", Message: "failed.At line:1 char:1+ x",
			},
		},
		{"just text", "  something happened  \n", exchange.ErrorRecord{Message: "something happened"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, mustParse(t, c.text).Record); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestFirstErrorCounts(t *testing.T) {
	cascade := dehydratedConsole + "\nImport-PSSession : Cannot validate argument.\n    + CategoryInfo : InvalidData: (:) [Import-PSSession], ParameterBindingValidationException\n    + FullyQualifiedErrorId : ParameterArgumentValidationError,Microsoft.PowerShell.Commands.ImportPSSessionCommand\n"
	if f := mustExplain(t, cascade)[0].Fault; f.ID != fault.Dehydrated {
		t.Errorf("a consequence was told: %s by %s", f.ID, f.Rule)
	}
	already := "PS C:\\> Enable-OrganizationCustomization\nThis operation is not required. Organization is already enabled for customization.\n    + CategoryInfo          : NotSpecified: (:) [Enable-OrganizationCustomization], InvalidOperationException\n    + FullyQualifiedErrorId : [Server=EX01,RequestId=1,TimeStamp=2] [FailureCategory=Cmdlet-InvalidOperationException] EA916286,Microsoft.Exchange.Management.Deployment.EnableOrganizationCustomizationTask\n"
	if f := mustExplain(t, already)[0].Fault; f.ID != fault.AlreadyCustomized {
		t.Errorf("alone: %s by %s", f.ID, f.Rule)
	}
	if f := mustExplain(t, already+"PS C:\\> \n"+dehydratedConsole)[0].Fault; f.ID != fault.Dehydrated {
		t.Errorf("a side step was told: %s by %s", f.ID, f.Rule)
	}
}

// TestWrapped wraps every line of an error at every width, as consoles do: within
// words, type names and codes.
func TestWrapped(t *testing.T) {
	for _, c := range []struct{ want, text string }{
		{fault.Dehydrated, dehydratedConsole},
		{fault.PrincipalNotFound, strings.ReplaceAll(strings.ReplaceAll(dehydratedConsole, "InvalidOperationInDehydratedContextException", "ManagementObjectNotFoundException"), "InvalidOperatio...ontextException", "ManagementObjectNotFoundException")},
		{fault.ConnectAuth, "New-PSSession : x\n    + CategoryInfo          : OpenError: (System.Manageme....RemoteRunspace:RemoteRunspace) [New-PSSession], PSRemotingTransportException\n    + FullyQualifiedErrorId : AccessDenied,PSSessionOpenFailed\n"},
		{fault.ConnectAuth, "WinRM kann die Anforderung nicht verarbeiten. Fehlercode 0x8009030e\n"},
		{fault.AccessDenied, "[AuthZRequestId=1][FailureCategory=AuthZ-CmdletAccessDeniedException] x\n    + FullyQualifiedErrorId : IncorrectProtocolVersion,PSSessionOpenFailed\n"},
	} {
		for width := 24; width <= 130; width += 3 {
			for _, indent := range []string{"", "   "} {
				if f := mustExplain(t, wrap(c.text, width, indent))[0].Fault; f.ID != c.want {
					t.Errorf("width %d, indent %d: %s by %s, want %s\n%s", width, len(indent), f.ID, f.Rule, c.want, wrap(c.text, width, indent))
				}
			}
		}
	}
}

func wrap(text string, width int, indent string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		runes := []rune(line)
		for len(runes) > width {
			b.WriteString(string(runes[:width]) + "\n" + indent)
			runes = runes[width:]
		}
		b.WriteString(string(runes) + "\n")
	}
	return b.String()
}

func TestEncodings(t *testing.T) {
	want := mustParse(t, dehydratedConsole)
	units := utf16.Encode([]rune(dehydratedConsole))
	var little, big []byte
	for _, u := range units {
		little = binary.LittleEndian.AppendUint16(little, u)
		big = binary.BigEndian.AppendUint16(big, u)
	}
	for name, data := range map[string][]byte{
		"UTF-8 with its mark":        append([]byte{0xEF, 0xBB, 0xBF}, dehydratedConsole...),
		"UTF-16 little endian":       append([]byte{0xFF, 0xFE}, little...),
		"UTF-16 big endian":          append([]byte{0xFE, 0xFF}, big...),
		"UTF-16 without its mark":    little,
		"UTF-16 big endian, no mark": big,
	} {
		answers, err := explain(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, answers[0].Evidence); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestReader(t *testing.T) {
	for _, empty := range []string{"", " \r\n\t", "\ufeff", "\xff\xfe"} {
		if _, err := explain([]byte(empty)); !errors.Is(err, ErrEmpty) {
			t.Errorf("Explain(%q): %v, want ErrEmpty", empty, err)
		}
	}
	boom := errors.New("boom")
	var x Reader
	if err := x.Add("a", iotest.ErrReader(boom)); !errors.Is(err, boom) {
		t.Errorf("the reader's error is lost: %v", err)
	}
	if err := x.Add("b", iotest.OneByteReader(strings.NewReader(dehydratedConsole+strings.Repeat("x ", maxInput)+"\n"+dehydratedConsole))); err != nil {
		t.Error(err)
	}
	if err := x.Add("c", strings.NewReader("HTTP/1.1 401 Unauthorized\n")); err != nil {
		t.Error(err)
	}
	answers, more, err := x.Answers()
	if err != nil || more != 0 || len(answers) != 2 || answers[0].Fault.ID != fault.Dehydrated || answers[0].Count != 2 || answers[0].Source != "b" ||
		answers[1].Fault.ID != fault.ConnectAuth || answers[1].Source != "c" {
		t.Errorf("%+v, %d more, %v", answers, more, err)
	}
}

// What exgrant writes of a run without an error tells of none, whatever words are in it;
// of a run that failed the steps that failed do.
func TestOwnReports(t *testing.T) {
	step := func(status, text string) string {
		return `{"schema": "exgrant.report/v1", "steps": [{"status": "unchanged", "text": "languageMode: NoLanguage"}, {"status": "` + status + `", "text": "` + text + `"}]}`
	}
	for _, test := range []struct {
		text, id string
		err      error
	}{
		{step("changed", "Made. Access is denied to nobody."), "", ErrNoError},
		{`{"schema": "exgrant.plan/v1", "changes": [{"filter": "CustomRecipientWriteScope"}]}`, "", ErrNoError},
		{step("failed", "The term 'Get-ManagementScope' is not recognized as the name of a cmdlet"), fault.CmdletMissing, nil},
	} {
		var x Reader
		if err := x.Add("report.json", strings.NewReader(test.text)); err != nil {
			t.Fatal(err)
		}
		answers, _, err := x.Answers()
		if !errors.Is(err, test.err) || (len(answers) == 1) != (test.id != "") || test.id != "" && answers[0].Fault.ID != test.id {
			t.Errorf("%s: %+v, %v", test.text, answers, err)
		}
	}
}

func TestJSON(t *testing.T) {
	report, err := os.ReadFile(peers.Shared(t, "design", "report.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	const id = `[Server=EX01] [FailureCategory=Cmdlet-ADObjectAlreadyExistsException] A1,Microsoft.Exchange.Management.RbacTasks.NewRoleGroup`
	for _, c := range []struct{ name, text, want string }{
		{"our report", string(report), fault.Dehydrated},
		{"our record", `{"fullyQualifiedErrorId": "x", "reason": "ADObjectAlreadyExistsException", "message": "m"}`, fault.AlreadyExists},
		{"our fault", `{"id": "other", "rule": "unknown", "message": "m", "retry": "never", "record": {"reason": "ADTransientException"}}`, fault.Transient},
		{"our explain", `{"fault": "other", "rule": "unknown", "message": "m", "record": {"reason": "ADTransientException"}}`, fault.Transient},
		{"Windows PowerShell", `{"Exception": {"ErrorRecord": {}, "Message": "m", "SerializedRemoteException": {"ClassName": "Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException"}}, "TargetObject": null, "CategoryInfo": {"Category": 0, "Activity": "Get-User", "Reason": "RemoteException", "TargetName": "", "TargetType": ""}, "FullyQualifiedErrorId": "A1,x.GetUser", "ErrorDetails": null}`, fault.PrincipalAmbiguous},
		{"shallow", `{"Exception": "System.Management.Automation.RemoteException: m", "CategoryInfo": "NotSpecified: (:) [New-RoleGroup], ADObjectAlreadyExistsException", "FullyQualifiedErrorId": "A1,x"}`, fault.AlreadyExists},
		{"an array, by PowerShell 7", `[{"FullyQualifiedErrorId": "` + id + `", "CategoryInfo": {"Category": 13}}]`, fault.AlreadyExists},
		{"a remoting exception", `{"Exception": {"ErrorCode": -2146893042, "TransportMessage": "", "Message": "x"}, "CategoryInfo": {"Category": 1, "Activity": "New-PSSession", "Reason": "PSRemotingTransportException"}, "FullyQualifiedErrorId": "x,PSSessionOpenFailed"}`, fault.ConnectAuth},
		{"REST", `{"error": {"code": "NotFound", "message": "Error executing cmdlet", "details": [{"code": "Context", "target": "", "message": "Ex6F9304|Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException|The operation couldn't be performed"}], "innererror": {"type": "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"}}}`, fault.PrincipalNotFound},
		{"not an error", `{"a": [1, 2, {"b": null}]}`, fault.Other},
		{"cut off", `{"Exception": {"Message": "m"`, fault.Other},
		{"deep", strings.Repeat(`{"fault":`, 5000) + "1" + strings.Repeat("}", 5000), fault.Other},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := mustParse(t, c.text)
			if f, _ := fault.Classify(e); f.ID != c.want {
				t.Errorf("%s by %s, want %s: %+v", f.ID, f.Rule, c.want, e)
			}
		})
	}
}

func TestProtocols(t *testing.T) {
	const envelope = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><s:Fault><s:Reason><s:Text xml:lang="en-US">R</s:Text></s:Reason><s:Detail><f:WSManFault xmlns:f="http://schemas.microsoft.com/wbem/wsman/1/wsmanfault" Code="2150858793" Machine="m"><f:Message><f:ProviderFault><f:WSManFault Code="5"/></f:ProviderFault></f:Message></f:WSManFault></s:Detail></s:Fault></s:Body></s:Envelope>`
	const ews = `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode xmlns:a="x">a:ErrorImpersonateUserDenied</faultcode><faultstring>F</faultstring></s:Fault></s:Body></s:Envelope>`
	for _, c := range []struct {
		name, text string
		want       fault.Evidence // without Text
		id         string
	}{
		{"WSMan", envelope, fault.Evidence{WSManCode: 2150858793, Record: exchange.ErrorRecord{Message: "R"}}, fault.WSManFault},
		{"WSMan, empty reason", `<f:WSManFault Code="2152992672" Machine="m"><f:Message><f:ProviderFault>[FailureCategory=AuthZ-CmdletAccessDeniedException] The user &quot;x&quot;`, fault.Evidence{WSManCode: 2152992672, Record: exchange.ErrorRecord{Message: `[FailureCategory=AuthZ-CmdletAccessDeniedException] The user "x"`}}, fault.AccessDenied},
		{"EWS fault", ews, fault.Evidence{EWSCode: "ErrorImpersonateUserDenied", Record: exchange.ErrorRecord{Message: "F"}}, fault.EWSImpersonationDenied},
		{"EWS response", `<m:GetFolderResponseMessage ResponseClass="Error"><m:MessageText>gone</m:MessageText><m:ResponseCode>ErrorNonExistentMailbox</m:ResponseCode>`, fault.Evidence{EWSCode: "ErrorNonExistentMailbox", Record: exchange.ErrorRecord{Message: "gone"}}, fault.EWSOther},
		{"HTTP", "HTTP/1.1 503 Service Unavailable\r\nServer: Microsoft-IIS/10.0\r\n\r\n<html>x</html>", fault.Evidence{HTTPStatus: 503, Record: exchange.ErrorRecord{Message: "x"}}, fault.ConnectHTTP},
		{"HTTP/2, no body", "HTTP/2 401 \nwww-authenticate: Negotiate\n", fault.Evidence{HTTPStatus: 401, Record: exchange.ErrorRecord{Message: "HTTP/2 401"}}, fault.ConnectAuth},
		{"curl -v", "< HTTP/1.1 403 Forbidden\n< Server: x\n", fault.Evidence{HTTPStatus: 403, Record: exchange.ErrorRecord{Message: "< HTTP/1.1 403 Forbidden"}}, fault.ConnectHTTP},
		{"EWS over HTTP", "HTTP/1.1 500 Internal Server Error\nContent-Type: text/xml\n\n" + ews, fault.Evidence{HTTPStatus: 500, EWSCode: "ErrorImpersonateUserDenied", Record: exchange.ErrorRecord{Message: "F"}}, fault.EWSImpersonationDenied},
		{"after a handshake", "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Negotiate\n\nHTTP/1.1 429 Too Many Requests\n\n", fault.Evidence{HTTPStatus: 429, Record: exchange.ErrorRecord{Message: "HTTP/1.1 429 Too Many Requests"}}, fault.Throttled},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := mustParse(t, c.text)
			if f, _ := fault.Classify(got); f.ID != c.id {
				t.Errorf("%s by %s, want %s", f.ID, f.Rule, c.id)
			}
			got.Text = ""
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestMixturesAreNotCostly mixes lines of real errors of the harmless classes and
// random words: none of it may be taken for one of the four costly faults.
func TestMixturesAreNotCostly(t *testing.T) {
	var lines []string
	for _, r := range readCorpus(t) {
		if f, _ := fault.Classify(r.fields()); !isCostly(r.Class) && !isCostly(f.ID) {
			lines = append(lines, strings.Split(r.pasted(), "\n")...)
		}
	}
	lines = append(lines,
		"PS C:\\> Enable-OrganizationCustomization", "Enable-OrganizationCustomization: ", "already exists", "already enabled", "is not allowed",
		"    + CategoryInfo          : NotSpecified: (:) [Enable-OrganizationCustomization], ManagementObjectNotFoundException",
		"    + CategoryInfo          : NotSpecified: (:) [New-RoleGroup], InvalidOperationException",
		"    + FullyQualifiedErrorId : x,Microsoft.Exchange.Management.RbacTasks.NewRoleGroup",
		"The object wasn't found.", "Try again later.", "transient", "The term 'Enable-OrganizationCustomization' is not recognized as the name of a cmdlet",
	)
	rapid.Check(t, func(t *rapid.T) {
		picked := rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(lines), rapid.StringN(0, 60, 200)), 1, 8).Draw(t, "lines")
		answers, err := explain([]byte(strings.Join(picked, rapid.SampledFrom([]string{"\n", " ", "\r\n"}).Draw(t, "join"))))
		if errors.Is(err, ErrEmpty) {
			return
		}
		for _, a := range answers {
			if isCostly(a.Fault.ID) {
				t.Fatalf("%s by %s", a.Fault.ID, a.Fault.Rule)
			}
		}
	})
}

// TestMixedTexts mixes whole errors of the corpus and noise, as a mail or a log does:
// what is costly in the answers was costly in one of the errors.
func TestMixedTexts(t *testing.T) {
	records := readCorpus(t)
	classes := make([]map[string]bool, len(records))
	for i, r := range records {
		classes[i] = map[string]bool{r.Class: true}
		for _, a := range mustExplain(t, r.pasted()) {
			classes[i][a.Fault.ID] = true
		}
	}
	noise := rapid.OneOf(
		rapid.SampledFrom([]string{
			"Regards, Dana", "On Friday the customer wrote:", "PS C:\\> Enable-OrganizationCustomization", "2026-11-28 10:00:00 INFO done", "already exists", "It is transient, they say.",
			"> -----Original Message-----", "+ ~~~~~~", "HTTP/1.1 200 OK", "<div>", "&nbsp;", "=20", "The object wasn't found. Try again later.", "{", "}",
		}),
		rapid.StringN(0, 40, 120),
	)
	rapid.Check(t, func(t *rapid.T) {
		allowed := map[string]bool{}
		var parts []string
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(records)-1), 1, 3).Draw(t, "errors") {
			parts = append(parts, noise.Draw(t, "noise"), records[i].pasted())
			for id := range classes[i] {
				allowed[id] = true
			}
		}
		parts = append(parts, noise.Draw(t, "noise"))
		answers, err := explain([]byte(strings.Join(parts, rapid.SampledFrom([]string{"\n", "\n\n", "\r\n"}).Draw(t, "join"))))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range answers {
			if isCostly(a.Fault.ID) && !allowed[a.Fault.ID] {
				t.Fatalf("%s by %s: %s", a.Fault.ID, a.Fault.Rule, a.Fault.Message)
			}
		}
	})
}

func isCostly(id string) bool {
	for _, c := range costly {
		if id == c {
			return true
		}
	}
	return false
}

func FuzzExplain(f *testing.F) {
	f.Add([]byte(dehydratedConsole))
	f.Add([]byte(`{"Exception": {"ErrorCode": -1}, "CategoryInfo": "a: (b:c) [d-e], f", "FullyQualifiedErrorId": 1}`))
	f.Add([]byte(`<s:Envelope><s:Fault><f:WSManFault Code="5"><f:Message>x`))
	f.Add([]byte("HTTP/1.1 401 x\nA: b\n\nHTTP/1.1 500\n\n<faultcode>a:ErrorX</faultcode>"))
	f.Add([]byte("\xff\xfea\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		answers, err := explain(data)
		if err != nil {
			if !errors.Is(err, ErrEmpty) {
				t.Fatal(err)
			}
			return
		}
		if len(answers) == 0 || len(answers) > MaxAnswers {
			t.Fatalf("%d answers", len(answers))
		}
		again, _ := explain(bytes.Clone(data))
		for i, a := range answers {
			if a.Fault.ID == "" || a.Rule == nil || a.Rule.Name != a.Fault.Rule || a.Count < 1 {
				t.Fatalf("no answer: %+v", a)
			}
			if diff := cmp.Diff(a.Evidence, again[i].Evidence); diff != "" {
				t.Fatalf("explained twice, the evidence differs\n%s", diff)
			}
		}
	})
}

// explain reads one text: a [Reader] with one input.
func explain(data []byte) ([]Answer, error) {
	var x Reader
	if err := x.Add("", bytes.NewReader(data)); err != nil {
		return nil, err
	}
	answers, _, err := x.Answers()
	return answers, err
}
