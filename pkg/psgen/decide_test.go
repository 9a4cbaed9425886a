package psgen

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// An errorCase is an error that a script has to make sense of.
type errorCase struct {
	exchange.ErrorRecord

	from  string // where it comes from
	class string // what it is by the corpus; empty where nobody said
	odd   bool   // a console's text instead of a message, or a strange name in quotes: Classify may read more into it
	want  string // what every grant must say of it; empty where Classify decides
}

// corpusErrors are the real errors of the shared corpus.
func corpusErrors(t *testing.T) []errorCase {
	t.Helper()
	info := regexp.MustCompile(`\[([A-Za-z-]*)\].{1,2}([A-Za-z.]+)$`)
	var cases []errorCase
	for _, name := range []string{"errors.jsonl", "errors-2.jsonl"} {
		data, err := os.ReadFile(peers.Shared(t, "corpus", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var r struct {
				ID, Class, Text, Exception, FQEID string
				CategoryInfo                      string `json:"category_info"`
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			c := errorCase{from: r.ID, class: r.Class, odd: strings.Contains(r.Text, "CategoryInfo")}
			c.FullyQualifiedErrorID, c.ExceptionType, c.Message = r.FQEID, r.Exception, r.Text
			if m := info.FindStringSubmatch(r.CategoryInfo); m != nil {
				c.Activity, c.Reason = m[1], m[2]
			}
			cases = append(cases, c)
		}
	}
	return cases
}

// messageMeans says what a script must take the messages of the simulator for, whatever
// their language is; all others stop it.
var messageMeans = map[string]string{
	"msgDehydrated":     fault.Dehydrated,
	"msgAlreadyEnabled": fault.AlreadyCustomized,
	"msgServiceOffer":   fault.AlreadyCustomized,
	"msgNoDelegating":   fault.AccessDenied,
	"msgTransient":      fault.Transient,
	"msgThrottled":      fault.Throttled,
	"msgServerBusy":     fault.Throttled,
	"msgNotFound":       fault.PrincipalNotFound,
}

// simulatorErrors are all errors that the simulator can answer with, in all its
// languages, also about objects whose names look like something else.
func simulatorErrors(t *testing.T) []errorCase {
	t.Helper()
	messages, types := map[string][]string{}, map[string]string{}
	pairs := map[string][]string{} // exception types by the messages that they come with
	files, err := filepath.Glob(filepath.Join("..", "..", "internal", "exchangesim", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, files)
	}
	constant := func(e ast.Expr) string {
		if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
			s, _ := strconv.Unquote(l.Value)
			return s
		}
		return ""
	}
	name := func(e ast.Expr) string { i, _ := e.(*ast.Ident); return fmt.Sprint(i) }
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.ValueSpec:
				for i, value := range n.Values {
					if s := constant(value); s != "" {
						types[n.Names[i].Name] = s
					}
					if list, ok := value.(*ast.CompositeLit); ok && name(list.Type) == "message" {
						for _, e := range list.Elts {
							messages[n.Names[i].Name] = append(messages[n.Names[i].Name], constant(e))
						}
					}
				}
			case *ast.CompositeLit:
				fields := map[string]string{}
				for _, e := range n.Elts {
					if pair, ok := e.(*ast.KeyValueExpr); ok {
						fields[name(pair.Key)] = name(pair.Value)
					}
				}
				if m := fields["text"]; strings.HasPrefix(m, "msg") {
					pairs[m] = append(pairs[m], fields["exception"])
				}
			case *ast.CallExpr:
				for _, argument := range n.Args {
					if m := name(argument); strings.HasPrefix(m, "msg") {
						pairs[m] = append(pairs[m], map[string]string{"invalid": "typeInvalid", "badArgument": "typeArgument"}[name(n.Fun)])
					}
				}
			}
			return true
		})
	}
	if len(messages) < 30 {
		t.Fatalf("only %d messages were found", len(messages))
	}
	verb := regexp.MustCompile(`%(\[\d\])?[sdq]`)
	var cases []errorCase
	for m, texts := range messages {
		if len(texts) != 3 {
			t.Errorf("%s is in %d languages", m, len(texts))
		}
		activity, task := "New-ManagementRoleAssignment", "Microsoft.Exchange.Management.RbacTasks.NewManagementRoleAssignment"
		if slices.Contains([]string{"msgAlreadyEnabled", "msgServiceOffer", "msgHalfway"}, m) {
			activity, task = "Enable-OrganizationCustomization", "Microsoft.Exchange.Management.Deployment.EnableOrganizationCustomizationTask"
		}
		known := slices.DeleteFunc(slices.Compact(slices.Sorted(slices.Values(pairs[m]))), func(s string) bool { return types[s] == "" })
		if messageMeans[m] != "" && len(known) == 0 {
			t.Errorf("%s comes with no type", m)
		}
		for _, exception := range append(known, "") {
			for i, text := range texts {
				for _, object := range []string{"Reschedule Users", "InvalidOperationInDehydratedContextException", "ADTransientException", "CmdletAccessDeniedException"} {
					c := errorCase{from: fmt.Sprint(m, i, " ", exception), want: messageMeans[m]}
					c.Message, c.Activity, c.ExceptionType = verb.ReplaceAllLiteralString(text, object), activity, "System.Management.Automation.RemoteException"
					if exception != "" {
						c.Reason = types[exception][strings.LastIndexByte(types[exception], '.')+1:]
						c.FullyQualifiedErrorID = "[Server=EX01,RequestId=7d0c,TimeStamp=11/24/2026 9:00:00 AM] [FailureCategory=Cmdlet-" + c.Reason + "] 9C31A2B7," + task
					} else {
						c.want = ""
					}
					if object != "Reschedule Users" {
						if c.Message == text || strings.Contains(fault.DecisionText(c.ErrorRecord), object) {
							continue // there is no name, or none in quotes, which cannot be told from the server's own words
						}
						c.odd = true
					}
					cases = append(cases, c)
				}
			}
		}
	}
	return cases
}

// askFaults asks a script's own Get-ExgFault what it takes errors for. Afterwards the
// cases are as the engine had them: it puts words where there are none.
func askFaults(t *testing.T, script []byte, cases []errorCase) []string {
	t.Helper()
	_, rest, found := strings.Cut(string(script), "\r\n$Faults = [ordered]@{")
	body, _, ended := strings.Cut(rest, "\r\n}\r\n\r\n$Run, $At")
	if !found || !ended {
		t.Fatal("the script has no table of faults, or something else behind it")
	}
	list := make([]any, len(cases))
	for i, c := range cases {
		list[i] = []string{c.FullyQualifiedErrorID, c.Activity, c.Reason, c.Message}
	}
	r := engine.Run(t, peers.Job{Parameters: map[string]any{"Cases": list}, Command: "param($Cases)\n$Faults = [ordered]@{" + body + `
}
foreach ($case in $Cases) {
    $exception = New-Object -TypeName System.Management.Automation.RemoteException -ArgumentList $case[3]
    $record = New-Object -TypeName System.Management.Automation.ErrorRecord -ArgumentList $exception, $case[0], 'NotSpecified', $null
    $record.CategoryInfo.Activity, $record.CategoryInfo.Reason = $case[1], $case[2]
    "$(Get-ExgFault -Failure $record)", $record.FullyQualifiedErrorId, $record.CategoryInfo.Activity, $record.CategoryInfo.Reason
}`})
	if len(r.Errors) > 0 || len(r.Output) != 4*len(cases) {
		t.Fatalf("%d answers for %d cases\n%s", len(r.Output), len(cases), r.Console)
	}
	said := make([]string, len(cases))
	for i := range cases {
		answer := r.Output[4*i:]
		if said[i] = answer[0].Text; said[i] == fault.Other {
			said[i] = ""
		}
		cases[i].FullyQualifiedErrorID, cases[i].Activity, cases[i].Reason = answer[1].Text, answer[2].Text, answer[3].Text
	}
	return said
}

// TestScriptsDecide: what a script takes an error for is what package fault says, in every
// language; it may know less, and what it takes for a state of the organization is one.
func TestScriptsDecide(t *testing.T) {
	t.Parallel()
	peers.Pwsh(t)
	corpus, simulated := corpusErrors(t), simulatorErrors(t)
	cases := slices.Concat(corpus, simulated)
	decided, known := 0, map[string]bool{}
	for i, got := range askFaults(t, printed(t, grantScript(groupGrant())), cases) {
		c := cases[i]
		if c.want != "" && got != c.want {
			t.Errorf("%s: the script says %q, want %s: %+v", c.from, got, c.want, c.ErrorRecord)
		}
		want := fault.Decide(c.ErrorRecord)
		if want == fault.AlreadyExists {
			want = "" // what stands after an error decides
		}
		if got != want {
			t.Errorf("%s: the script says %q, Decide %q: %s", c.from, got, want, fault.DecisionText(c.ErrorRecord))
		}
		if got == "" {
			continue
		}
		decided, known[got] = decided+1, true
		f, _ := fault.Classify(fault.Evidence{Record: c.ErrorRecord})
		if f.ID != got && !c.odd && !(got == fault.PrincipalNotFound && f.ID == fault.RoleNotFound) {
			t.Errorf("%s: the script says %s, Classify %s by %s: %s", c.from, got, f.ID, f.Rule, fault.DecisionText(c.ErrorRecord))
		}
		if (got == fault.Dehydrated || got == fault.AlreadyCustomized) && c.class != "" && c.class != got {
			t.Errorf("%s: taken for %s, and is %s: %s", c.from, got, c.class, fault.DecisionText(c.ErrorRecord))
		}
	}
	for _, id := range []string{fault.Dehydrated, fault.AlreadyCustomized, fault.AccessDenied, fault.PrincipalNotFound, fault.Transient, fault.Throttled} {
		if !known[id] {
			t.Errorf("no case was taken for %s", id)
		}
	}
	t.Logf("%d decide of %d errors of the corpus and %d of the simulator", decided, len(corpus), len(simulated))

	// Other scripts have fewer patterns, and say nothing else.
	for _, f := range []Form{{Kind: KindRevoke, Assignee: exchange.User, Scope: exchange.Group}, {Kind: KindStatus, Assignee: exchange.User, Scope: exchange.Group}} {
		for i, got := range askFaults(t, printed(t, printForm(f)), cases) {
			if want := fault.Decide(cases[i].ErrorRecord); cases[i].Activity != "Enable-OrganizationCustomization" && got != "" && got != want {
				t.Errorf("%s, %s: the script says %s, Decide %q", f, cases[i].from, got, want)
			}
		}
	}
}
