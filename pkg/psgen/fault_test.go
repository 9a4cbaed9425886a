package psgen

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// faultScript is the rules and the classifier as they stand in a script.
func faultScript(t *testing.T) string {
	t.Helper()
	block, err := faultRulesBlock()
	if err != nil {
		t.Fatal(err)
	}
	body, err := os.ReadFile(filepath.Join("body", "fault.ps1"))
	if err != nil {
		t.Fatal(err)
	}
	return block + "\n" + string(body)
}

func TestFaultRulesBlock(t *testing.T) {
	script := faultScript(t)
	for i, line := range strings.Split(script, "\n") {
		if len(line) > maxColumn && !strings.Contains(line, "Source   = ") {
			t.Errorf("line %d has %d columns: %s", i+1, len(line), line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r >= 0x80 }) {
			t.Errorf("line %d is not ASCII: %s", i+1, line)
		}
	}
	if again := faultScript(t); again != script {
		t.Error("printed twice, the rules differ")
	}
	file := filepath.Join(t.TempDir(), "fault.ps1")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, finding := range peers.Check(t, nil, file) {
		t.Error(finding)
	}
}

func TestFaultRulesOrder(t *testing.T) {
	block, err := faultRulesBlock()
	if err != nil {
		t.Fatal(err)
	}
	at := -1
	for _, r := range scriptRules() {
		next := strings.Index(block, "Rule     = '"+r.Name+"'\n")
		if next <= at {
			t.Errorf("rule %s is not printed after the one before it", r.Name)
		}
		at = next
	}
	for _, r := range fault.Rules() {
		if slices.Contains([]string{fault.Dehydrated, fault.AlreadyCustomized, fault.AlreadyExists, fault.Transient}, r.ID) && !inScripts(r) {
			t.Errorf("rule %s does not reach scripts, where its fault decides what is done", r.Name)
		}
	}
}

func TestCutPiece(t *testing.T) {
	for _, s := range []string{"", "short", strings.Repeat("'", 90), strings.Repeat("a ", 200), strings.Repeat("x", 300), "it's " + strings.Repeat("long ", 60)} {
		joined, rest := "", s
		for rest != "" {
			var piece string
			piece, rest = cutPiece(rest, 40)
			if width := len(piece) + strings.Count(piece, "'"); piece == "" || width > 40 {
				t.Fatalf("cutPiece(%q, 40): piece %q of %d columns", s, piece, width)
			}
			joined += piece
		}
		if joined != s {
			t.Errorf("pieces of %q join to %q", s, joined)
		}
	}
}

// An errorCase is an error as a cmdlet raises it. Remote is the server's type over
// remoting, where the client sees RemoteException.
type errorCase struct {
	ID       string `json:"id"`
	Type     string `json:"type"`
	Remote   string `json:"remote"`
	Activity string `json:"activity"`
	Reason   string `json:"reason"`
	Target   string `json:"target"`
	Message  string `json:"message"`
}

const (
	head   = "[Server=EX01,RequestId=7d0c,TimeStamp=11/24/2026 9:00:00 AM] "
	remote = "System.Management.Automation.RemoteException"
	tasks  = "Microsoft.Exchange.Configuration.Tasks."
	rbac   = ",Microsoft.Exchange.Management.RbacTasks."
)

// errorCases are errors in the forms that servers give them; want is the rule.
var errorCases = []struct {
	want string
	errorCase
}{
	{"dehydrated-type", errorCase{ID: head + "[FailureCategory=Cmdlet-InvalidOperationInDehydratedContextException] 9C31A2B7" + rbac + "NewManagementRoleAssignment", Type: remote, Activity: "New-ManagementRoleAssignment", Reason: "InvalidOperatio...ontextException", Message: "The command you tried to run isn't currently allowed in your organization."}},
	{"dehydrated-type", errorCase{ID: "9C31A2B7" + rbac + "NewRoleGroup", Type: remote, Reason: "InvalidOperatio...ontextException", Message: "Dieser Befehl ist derzeit nicht zul\u00e4ssig."}},
	{"dehydrated-type", errorCase{ID: "9C31A2B7" + rbac + "NewRoleGroup", Type: remote, Remote: tasks + "InvalidOperationInDehydratedContextException", Message: "\u306a\u306b\u304b"}},
	{"dehydrated-type", errorCase{ID: head + ",Write-ErrorMessage", Type: "System.Exception", Activity: "New-RoleGroup", Reason: "Exception", Message: "Ex9C31A2|" + tasks + "InvalidOperationInDehydratedContextException|The command isn't allowed."}},
	{"dehydrated-text", errorCase{ID: "x", Type: remote, Message: "The command you tried to run isn\u2019t currently allowed in your organization. To run this command, you first\r\nneed to run the command: Enable-OrganizationCustomization."}},
	{"already-customized-type", errorCase{ID: head + "[FailureCategory=Cmdlet-InvalidOperationException] EA916286,Microsoft.Exchange.Management.Deployment.EnableOrganizationCustomizationTask", Type: remote, Activity: "Enable-OrganizationCustomization", Reason: "InvalidOperationException", Message: "\u3053\u306e\u64cd\u4f5c\u306f\u5fc5\u8981\u3042\u308a\u307e\u305b\u3093\u3002"}},
	{"already-customized-type", errorCase{ID: head + "[FailureCategory=Cmdlet-InvalidOperationException] EA916286,Microsoft.Exchange.Management.Deployment.EnableOrganizationCustomizationTask", Type: remote, Message: "This operation is not required."}},
	{"customization-not-offered", errorCase{ID: "x", Type: remote, Activity: "Enable-OrganizationCustomization", Message: "This operation is not available in current service offer."}},
	{"unknown", errorCase{ID: "x", Type: remote, Activity: "New-RetentionPolicy", Message: "This operation is not available in current service offer."}},
	{"customization-script", errorCase{ID: head + "[FailureCategory=Cmdlet-InvalidOperationException] EA916286,Microsoft.Exchange.Management.Deployment.EnableOrganizationCustomizationTask", Type: remote, Activity: "Enable-OrganizationCustomization", Message: "The following error was generated when \"$error.Clear(); New-RoleGroup\" was run: \"x\""}},
	{"customization-incomplete", errorCase{ID: head + "[FailureCategory=Cmdlet-ManagementObjectNotFoundException] EA916286,Microsoft.Exchange.Management.Deployment.EnableOrganizationCustomizationTask", Type: remote, Activity: "Enable-OrganizationCustomization", Message: "\u898b\u3064\u304b\u308a\u307e\u305b\u3093"}},
	{"cmdlet-missing-type", errorCase{ID: "CommandNotFoundException", Type: "System.Management.Automation.CommandNotFoundException", Target: "New-ManagementRoleAssignment", Message: "The term 'New-ManagementRoleAssignment' is not recognized as a name of a cmdlet."}},
	{"parameter-missing", errorCase{ID: "NamedParameterNotFound,New-ManagementScope", Type: "System.Management.Automation.ParameterBindingException", Activity: "New-ManagementScope", Message: "A parameter cannot be found that matches parameter name 'Exclusive'."}},
	{"object-not-found", errorCase{ID: head + "[FailureCategory=Cmdlet-ManagementObjectNotFoundException] 8288830C,Microsoft.Exchange.Management.RecipientTasks.GetUser", Type: remote, Activity: "Get-User", Target: "svc", Message: "The operation couldn't be performed because object 'svc' couldn't be found on 'DC01'."}},
	{"impersonation-role-not-found", errorCase{ID: head + "[FailureCategory=Cmdlet-ManagementObjectNotFoundException] 1A2B3C4" + rbac + "NewManagementRoleAssignment", Type: remote, Message: "The object 'ApplicationImpersonation' couldn't be found on 'DC01'."}},
	{"role-not-found", errorCase{ID: head + "[FailureCategory=Cmdlet-ManagementObjectNotFoundException] 1A2B3C4" + rbac + "GetManagementRole", Type: remote, Message: "x"}},
	{"object-ambiguous", errorCase{ID: head + "[FailureCategory=Cmdlet-ManagementObjectAmbiguousException] E5DDAC9B,Microsoft.Exchange.Management.RecipientTasks.SetMailbox", Type: remote, Message: "The operation couldn't be performed because 'anna' matches multiple entries."}},
	{"already-exists-type", errorCase{ID: "C2CC9B04" + rbac + "NewManagementRoleAssignment", Type: remote, Reason: "ADObjectAlreadyExistsException", Activity: "New-ManagementRoleAssignment", Message: "Active Directory operation failed on DC01. The object 'CN=x,DC=contoso,DC=test' already exists."}},
	{"already-exists-dn", errorCase{ID: "x", Type: remote, Message: "Active Directory operation failed on DC01. The object 'CN=x,DC=contoso,DC=test' already exists."}},
	{"already-member", errorCase{ID: head + "[FailureCategory=Cmdlet-MemberAlreadyExistsException] A,Microsoft.Exchange.Management.RbacTasks.AddRoleGroupMember", Type: remote, Message: "The recipient is already a member."}},
	{"unknown", errorCase{ID: head + "[FailureCategory=Cmdlet-ProxyAddressExistsException] A,Microsoft.Exchange.Management.RecipientTasks.NewMailbox", Type: remote, Message: "The proxy address already exists."}},
	{"directory-transient", errorCase{ID: head + "[FailureCategory=Cmdlet-ADTransientException] A,Microsoft.Exchange.Management.RecipientTasks.GetUser", Type: remote, Message: "DC01 is not available."}},
	{"directory-transient", errorCase{ID: head + "[FailureCategory=Cmdlet-CmdletProxyException] 9E701B98,Microsoft.Exchange.Management.Tasks.GetMailbox", Type: remote, Message: "Error on proxy command: Microsoft.Exchange.Data.Directory.ADServerSettingsChangedException: An error caused a change in the current set of domain controllers."}},
	{"remote-transient", errorCase{ID: head + "[FailureCategory=Cmdlet-RemoteTransientException] 384B348,Microsoft.Exchange.Management.RecipientTasks.NewMoveRequest", Type: remote, Reason: "RemoteTransientException", Message: "The call to 'https://x/EWS/mrsproxy.svc' failed. Error details: Access is denied."}},
	{"over-budget", errorCase{ID: head + "[FailureCategory=Cmdlet-OverBudgetException] A,Microsoft.Exchange.Management.RecipientTasks.GetUser", Type: remote, Message: "x"}},
	{"no-delegating-assignment", errorCase{ID: head + "[FailureCategory=Cmdlet-InvalidOperationException] A" + rbac + "NewManagementRoleAssignment", Type: remote, Message: "You must be assigned a delegating role assignment to the management role or its parent in the hierarchy without a scope restriction."}},
	{"directory-rights", errorCase{ID: head + "[FailureCategory=Cmdlet-ADOperationException] A" + rbac + "NewManagementScope", Type: remote, Message: "Zugriff verweigert. 00000005: SecErr: DSID-03152610, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0"}},
	{"directory-denied", errorCase{ID: head + "[FailureCategory=Cmdlet-ADOperationException] A" + rbac + "NewManagementScope", Type: remote, Message: "\u041e\u0442\u043a\u0430\u0437\u0430\u043d\u043e \u0432 \u0434\u043e\u0441\u0442\u0443\u043f\u0435"}},
	{"scope-parameter", errorCase{ID: "x", Type: remote, Activity: "New-ManagementRoleAssignment", Message: "The management scope object X can't be specified as parameter CustomRecipientWriteScope."}},
	{"shell-gone", errorCase{ID: "JobFailure", Type: "System.Management.Automation.Remoting.PSRemotingTransportException", Message: "[ClientAccessServer=A,BackEndServer=B,RequestId=c,TimeStamp=d] [FailureCategory=WSMan-InvalidShellID] The shell was not found."}},
	{"language-mode-id", errorCase{ID: "ScriptsNotAllowed", Type: remote, Message: "x"}},
	{"unknown", errorCase{ID: head + "[FailureCategory=Cmdlet-DataValidationException] A" + rbac + "NewRoleGroup", Type: remote, Message: "This isn't allowed in your organization. Run Enable-OrganizationCustomization."}},
	{"unknown", errorCase{ID: "", Type: "System.Exception", Message: ""}},
	{"unknown", errorCase{ID: "A,B", Type: "System.ArgumentException", Message: "it's \u201cquoted\u201d [text] (?i) $x"}},
}

// driver raises the cases of a file in the engine and prints what Get-ExgFault
// makes of each, all in one process.
const driver = `
param([string]$Path)
Set-StrictMode -Version 3.0
function New-Case($Case) {
    $class = $Case.type -as [type]
    $exception = New-Object -TypeName $class.FullName -ArgumentList $Case.message
    if ($Case.remote) {
        $copy = New-Object -TypeName psobject
        $copy.PSObject.TypeNames.Insert(0, 'Deserialized.' + $Case.remote)
        $exception | Add-Member -MemberType NoteProperty -Name SerializedRemoteException -Value $copy -Force
    }
    $record = New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList $exception, $Case.id, 'NotSpecified', $Case.target
    if ($Case.activity) { $record.CategoryInfo.Activity = $Case.activity }
    if ($Case.reason) { $record.CategoryInfo.Reason = $Case.reason }
    $record
}
$cases = [System.IO.File]::ReadAllText($Path) | ConvertFrom-Json
ConvertTo-Json -Depth 4 -InputObject @(foreach ($case in $cases) { Get-ExgFault -ErrorRecord (New-Case $case) })
`

// TestGetExgFault runs the script's classifier on the real engine and compares it
// with Classify, which is given the record that the engine had.
func TestGetExgFault(t *testing.T) {
	cases := make([]errorCase, 0, len(errorCases))
	for _, c := range errorCases {
		cases = append(cases, c.errorCase)
	}
	faults := runGetExgFault(t, cases)
	for i, c := range errorCases {
		got := faults[i]
		if got.Rule != c.want {
			t.Errorf("case %d: script says %s, want %s: %+v", i, got.Rule, c.want, c.errorCase)
		}
		sameAsClassify(t, got)
	}
}

// TestGetExgFaultCorpus does the same with the real errors of the shared corpus. A
// script knows no transports: there it may know less, but never one of the faults
// that decide what is done.
func TestGetExgFaultCorpus(t *testing.T) {
	data, err := os.ReadFile(peers.Shared(t, "corpus", "errors.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	info := regexp.MustCompile(`\[([A-Za-z-]*)\].{1,2}([A-Za-z.]+)$`)
	var cases []errorCase
	for line := range strings.Lines(string(data)) {
		var r struct {
			Text         string `json:"text"`
			FQEID        string `json:"fqeid"`
			CategoryInfo string `json:"category_info"`
		}
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		c := errorCase{ID: strings.Join(strings.Fields(r.FQEID), ""), Type: remote, Message: r.Text}
		if m := info.FindStringSubmatch(r.CategoryInfo); m != nil {
			c.Activity, c.Reason = m[1], m[2]
		}
		cases = append(cases, c)
	}
	compared := 0
	for i, got := range runGetExgFault(t, cases) {
		_, rule := fault.Classify(fault.Evidence{Record: withMessage(got)})
		switch {
		case inScripts(*rule):
			compared++
			sameAsClassify(t, got)
		case slices.Contains([]string{fault.Dehydrated, fault.AlreadyCustomized, fault.AlreadyExists, fault.Transient}, got.ID):
			t.Errorf("line %d: the script says %s by %s, Classify %s", i+1, got.ID, got.Rule, rule.ID)
		}
	}
	if compared < 40 {
		t.Errorf("only %d records compared", compared)
	}
}

func runGetExgFault(t *testing.T, cases []errorCase) []fault.Fault {
	t.Helper()
	dir := t.TempDir()
	data, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	file, script := filepath.Join(dir, "cases.json"), filepath.Join(dir, "driver.ps1")
	param, rest, _ := strings.Cut(strings.TrimLeft(driver, "\n"), "\n")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(script, []byte(param+"\n"+faultScript(t)+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	out := peers.RunProcess(t, peers.Process{Args: []string{"-File", script, "-Path", file}})
	if out.Code != 0 {
		t.Fatalf("exit %d: %s\n%s", out.Code, out.Stdout, out.Stderr)
	}
	var faults []fault.Fault
	if err := json.Unmarshal([]byte(out.Stdout), &faults); err != nil {
		t.Fatalf("%v: %s", err, out.Stdout)
	}
	if len(faults) != len(cases) {
		t.Fatalf("%d faults for %d cases", len(faults), len(cases))
	}
	return faults
}

func sameAsClassify(t *testing.T, script fault.Fault) {
	t.Helper()
	want, _ := fault.Classify(fault.Evidence{Record: withMessage(script)})
	if diff := cmp.Diff(want, script); diff != "" {
		t.Errorf("script and Classify differ (-Classify +script):\n%s", diff)
	}
}

// withMessage is the record as the engine had it, its message put back.
func withMessage(f fault.Fault) exchange.ErrorRecord {
	record := exchange.ErrorRecord{}
	if f.Record != nil {
		record = *f.Record
	}
	record.Message = f.Message
	return record
}
