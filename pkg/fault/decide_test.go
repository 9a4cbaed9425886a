package fault_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

const rbacTask = "9C31A2B7,Microsoft.Exchange.Management.RbacTasks.NewManagementRoleAssignment"

// decisionExamples hold, for each decision, what it means and what only looks alike.
var decisionExamples = []struct {
	want   string
	record exchange.ErrorRecord
}{
	{fault.Dehydrated, exchange.ErrorRecord{FullyQualifiedErrorID: cmdletHead + "InvalidOperationInDehydratedContextException] " + rbacTask, Message: "組織で現在許可されていません。"}},
	{fault.Dehydrated, exchange.ErrorRecord{Message: "The command you tried to run isn\u2019t currently allowed in your organization. To run this\r\ncommand, you first need to run the command: Enable-OrganizationCustomization."}},
	{fault.Dehydrated, exchange.ErrorRecord{Message: "This operation is not allowed for the organization with disabled customizations. To enable this operation, you need to execute Enable-OrganizationCustomization task first."}},
	{"", exchange.ErrorRecord{Message: "This isn't allowed in your organization. Run Enable-OrganizationCustomization."}},
	{"", exchange.ErrorRecord{Message: "The object 'InvalidOperationInDehydratedContextException' is not valid."}},
	{"", exchange.ErrorRecord{Activity: "Enable-OrganizationCustomization", Reason: "ManagementObjectNotFoundException", Message: "x"}},
	{fault.AlreadyCustomized, exchange.ErrorRecord{Activity: "Enable-OrganizationCustomization", Reason: "InvalidOperationException", Message: "この操作は必要ありません。"}},
	{fault.AlreadyCustomized, exchange.ErrorRecord{FullyQualifiedErrorID: cmdletHead + "InvalidOperationException] EA916286,Microsoft.Exchange.Management.Deployment.EnableOrganizationCustomizationTask", Message: "x"}},
	{"", exchange.ErrorRecord{Activity: "Enable-OrganizationCustomization", Reason: "InvalidOperationException", Message: `The following error was generated when "$error.Clear(); New-RoleGroup" was run: "x"`}},
	{"", exchange.ErrorRecord{Activity: "New-RoleGroup", Reason: "InvalidOperationException", Message: "x"}},
	{fault.AccessDenied, exchange.ErrorRecord{Activity: "New-ManagementRoleAssignment", Message: "You must be assigned a delegating role assignment to the management role or its parent in the hierarchy without a scope restriction."}},
	{fault.AccessDenied, exchange.ErrorRecord{Activity: "New-ManagementRoleAssignment", Message: `Ihnen muss eine delegierende Rollenzuweisung für die Verwaltungsrolle zugewiesen sein.`}},
	{fault.AccessDenied, exchange.ErrorRecord{Activity: "New-ManagementRoleAssignment", Message: "管理役割または階層内のその親に対する委任役割の割り当てが必要です。"}},
	{"", exchange.ErrorRecord{Message: `"委任役割の"`}},
	{fault.AccessDenied, exchange.ErrorRecord{Reason: "ADOperationException", Message: "00000005: SecErr: DSID-03152610, problem 4003 (INSUFF_ACCESS_RIGHTS), data 0"}},
	{fault.AccessDenied, exchange.ErrorRecord{FullyQualifiedErrorID: "System.UnauthorizedAccessException,Microsoft.Exchange.Management.StoreTasks.SetMailbox"}},
	{"", exchange.ErrorRecord{FullyQualifiedErrorID: "UnauthorizedAccessException", Reason: "MethodInvocationException", Message: `Exception calling "WriteAllText" with "2" argument(s): "Access to the path 'C:\r.json' is denied."`}},
	{"", exchange.ErrorRecord{Message: "Changed 'delegating role assignment' to x."}},
	{"", exchange.ErrorRecord{Message: "out of the current user's write scope. The object is being synchronized from your on-premises organization."}},
	{fault.Throttled, exchange.ErrorRecord{Reason: "OverBudgetException", Message: "x"}},
	{"", exchange.ErrorRecord{Message: "the server is busy"}},
	{fault.AlreadyExists, exchange.ErrorRecord{Reason: "ADObjectAlreadyExistsException", Message: "Das Objekt ist bereits vorhanden."}},
	{fault.AlreadyExists, exchange.ErrorRecord{Message: "Active Directory operation failed on dc1.contoso.test. The object 'CN=x,DC=contoso,DC=test' already exists."}},
	{"", exchange.ErrorRecord{Reason: "ProxyAddressExistsException", Message: `The proxy address "SMTP:a@b" already exists`}},
	{fault.PrincipalNotFound, exchange.ErrorRecord{FullyQualifiedErrorID: cmdletHead + "ManagementObjectNotFoundException] 1,Microsoft.Exchange.Management.RecipientTasks.GetUser"}},
	{"", exchange.ErrorRecord{Message: "a policy was not found"}},
	{fault.Transient, exchange.ErrorRecord{FullyQualifiedErrorID: cmdletHead + "ADTransientException] 1,Microsoft.Exchange.Management.RecipientTasks.GetUser", Message: "x"}},
	{fault.Transient, exchange.ErrorRecord{Reason: "ADOperationException", Message: "Active Directory error 0x51 occurred when searching for domain controllers"}},
	{"", exchange.ErrorRecord{Reason: "RemoteTransientException", Message: "x"}},
	{"", exchange.ErrorRecord{Reason: "ConnectionFailedTransientException", Message: "Cannot open mailbox"}},
	{"", exchange.ErrorRecord{Reason: "NoSuitableServerFoundException", Message: "Access is denied."}},
}

func TestDecide(t *testing.T) {
	for i, c := range decisionExamples {
		if got := fault.Decide(c.record); got != c.want {
			t.Errorf("example %d: %q, want %q: %s", i, got, c.want, fault.DecisionText(c.record))
		}
	}
	for _, d := range fault.Decisions() {
		if !slices.ContainsFunc(decisionExamples, func(c struct {
			want   string
			record exchange.ErrorRecord
		}) bool {
			return c.want == d.ID || c.want == "" && d.ID == fault.Other
		}) {
			t.Errorf("no example of %s", d.ID)
		}
		for _, p := range []string{d.Pattern, d.Unless, fault.QuotedName} {
			if _, err := regexp.Compile(p); err != nil {
				t.Errorf("%s: %v", d.ID, err)
			}
			for _, other := range []string{`\w`, `\d`, `\s`, `(?P`, `\p`, `\x`} {
				if strings.Contains(p, other) {
					t.Errorf("%s: %s does not mean the same to .NET", d.ID, p)
				}
			}
		}
	}
}

// TestDecideAgrees: what a script decides is what Classify says; it may know less.
func TestDecideAgrees(t *testing.T) {
	var records []exchange.ErrorRecord
	for _, r := range readCorpus(t) {
		if !strings.Contains(r.Text, "CategoryInfo") { // else it is a console's text, and no message
			records = append(records, r.record())
		}
	}
	for _, c := range decisionExamples {
		records = append(records, c.record)
	}
	decided := 0
	for _, r := range records {
		got := fault.Decide(r)
		if got == "" {
			continue
		}
		decided++
		f, _ := fault.Classify(fault.Evidence{Record: r})
		if f.ID != got && !(got == fault.PrincipalNotFound && f.ID == fault.RoleNotFound) {
			t.Errorf("a script says %s, Classify %s by %s: %s", got, f.ID, f.Rule, fault.DecisionText(r))
		}
	}
	if decided < 30 {
		t.Errorf("only %d records decided", decided)
	}
}

func TestQuotedName(t *testing.T) {
	for text, want := range map[string]string{
		`object 'X' couldn't be found on 'DC'.`:     "object  couldn't be found on .",
		`'O'Brien' isn't here`:                      " isn't here",
		`a "b" ("c") 'd`:                            "a  () 'd",
		`couldn't, wasn't`:                          "couldn't, wasn't",
		`«ADTransientException» “x”: 'it's a name'`: " : ",
	} {
		if got := regexp.MustCompile(fault.QuotedName).ReplaceAllString(text, "${1}"); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
