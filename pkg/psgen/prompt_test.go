package psgen

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/internal/testing/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/report"
)

//go:embed testdata/person.ps1
var person string

// An asked person is somebody at a console who runs a script and answers its questions.
type asked struct {
	name, scenario string
	script         func(exchange.Grant) func(io.Writer) error
	granted        bool           // the grant is in place
	parameters     map[string]any // of the script
	answers        string         // labels with commas between, one for each question
	outcome        report.Outcome
	changed        string // what stands afterwards: "" nothing, all, or the step ids
	customized     bool
}

const agree = "ShouldContinue"

// TestPrompts: nothing is changed without a yes to exactly that command; what cannot be
// undone has a question of its own, which no answer for all and no switch of PowerShell
// answers.
func TestPrompts(t *testing.T) {
	t.Parallel()
	roleGroup := func(g exchange.Grant) func(io.Writer) error {
		g.Assignee = roleGroupGrant().Assignee
		return grantScript(g)
	}
	confirm := map[string]any{"Confirm": false}
	enable := map[string]any{"EnableCustomization": true}
	cases := []asked{
		{name: "yes to each", scenario: "plain", script: grantScript, answers: "Yes,Yes", outcome: report.Granted, changed: "scope assign"},
		{name: "yes to all", scenario: "plain", script: grantScript, answers: "Yes to All", outcome: report.Granted, changed: "scope assign"},
		{name: "no", scenario: "plain", script: grantScript, answers: "No", outcome: report.Interrupted},
		{name: "no to all", scenario: "plain", script: grantScript, answers: "No to All", outcome: report.Interrupted},
		{name: "the second declined", scenario: "plain", script: grantScript, answers: "Yes,No", outcome: report.Interrupted},
		{name: "role group, the last declined", scenario: "plain", script: roleGroup, answers: "Yes,Yes,No", outcome: report.Interrupted, changed: "scope role-group"},
		{name: "revoke, yes to each", scenario: "plain", script: revokeScript, granted: true, answers: "Yes,Yes", outcome: report.Revoked, changed: "remove remove"},
		{name: "revoke, no", scenario: "plain", script: revokeScript, granted: true, answers: "No", outcome: report.Interrupted},
		{name: "revoke, the second declined", scenario: "plain", script: revokeScript, granted: true, answers: "Yes,No", outcome: report.Interrupted, changed: "remove"},

		{name: "customization, yes to all, then no", scenario: "dehydrated", script: grantScript, answers: "Yes to All," + agree + " No", outcome: report.Interrupted},
		{name: "customization, yes to all, then yes", scenario: "dehydrated", script: grantScript, answers: "Yes to All," + agree + " Yes", outcome: report.Granted, changed: "scope assign", customized: true},
		{name: "customization, -Confirm:$false, then no", scenario: "dehydrated", script: grantScript, parameters: confirm, answers: agree + " No", outcome: report.Interrupted},
		{name: "customization agreed to by its switch", scenario: "dehydrated", script: grantScript, parameters: enable, answers: "Yes,Yes", outcome: report.Granted, changed: "scope assign", customized: true},
		{name: "customization, half-way twice, is asked for once", scenario: "customization-halfway", script: grantScript, parameters: confirm, answers: agree + " Yes", outcome: report.Granted, changed: "scope assign", customized: true},
	}
	stages, starts := make([]*stage, len(cases)), make([]string, len(cases))
	runs := make([]map[string]any, len(cases))
	for i, c := range cases {
		st, g := stageOf(t, c.scenario)
		g.Name = "" // its own: the role group has another
		if c.granted {
			st.ends(t, c.name, grantScript(g), report.Granted)
		}
		stages[i], starts[i] = st, st.Snapshot(t)
		runs[i] = map[string]any{"Manifest": st.Manifest, "Script": st.Write(t, c.script(g)), "Answers": strings.Split(c.answers, ","),
			"Parameters": map[string]any{"ReportPath": filepath.Join(st.Dir, "asked.json")}}
		for name, value := range c.parameters {
			runs[i]["Parameters"].(map[string]any)[name] = value
		}
	}
	r := engine.Run(t, peers.Job{Command: person, Parameters: map[string]any{"Run": runs}, Limit: 3 * time.Minute})
	if len(r.Output) != len(cases) {
		t.Fatalf("%d of %d cases ran\n%s", len(r.Output), len(cases), r.Console)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.check(t, stages[i], starts[i], r.Output[i]) })
	}
}

func (c asked) check(t *testing.T, st *stage, start string, seen peers.Object) {
	var ran struct {
		Asked, Warnings []string
		Left, Code      int
		Failure         string
	}
	if err := json.Unmarshal(seen.Value, &ran); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(st.Dir, "asked.json"))
	if err != nil {
		t.Fatalf("%v: %+v", err, ran)
	}
	r := scriptshell.ParseReport(t, strings.TrimSpace(string(text)))
	if r.Outcome != c.outcome || ran.Code != c.outcome.ExitCode() || ran.Left != 0 || ran.Failure != "" {
		t.Fatalf("%s, exit code %d, %d answers left, asked %q\n%s", r.Outcome, ran.Code, ran.Left, ran.Asked, ran.Failure)
	}
	var commands, changed []string
	for _, s := range r.Steps {
		if s.Command != "" && !s.Irreversible {
			commands = append(commands, s.Command)
		}
		if s.Status == report.StatusChanged && !s.Irreversible {
			changed = append(changed, string(s.ID))
		}
	}
	for _, question := range ran.Asked {
		switch own := strings.HasPrefix(question, agree); {
		case own && !strings.Contains(question, "cannot be undone"):
			t.Errorf("the question about customization is %q", question)
		case !own && !slices.ContainsFunc(commands, func(s string) bool { return strings.Contains(question, s) }):
			t.Errorf("asked %q, which shows none of the commands %q", question, commands)
		case !own && strings.Contains(question, "Customization"):
			t.Errorf("an answer for all would answer %q", question)
		}
	}
	if got := strings.Join(changed, " "); c.outcome != report.Interrupted && got != c.changed {
		t.Errorf("changed %s, want %s", got, c.changed)
	}
	if customized := slices.ContainsFunc(r.Steps, func(s report.Step) bool { return s.Irreversible }); customized != c.customized {
		t.Errorf("customized: %v", customized)
	}
	for _, call := range st.Org.Calls() {
		if call.Command.Cmdlet == "Enable-OrganizationCustomization" && !c.customized {
			t.Error("it was customized without a yes")
		}
	}
	if after := st.Snapshot(t); (after != start) != (c.changed != "") || r.Changed != (c.changed != "" || c.customized) {
		t.Errorf("the report says changed %v:\n%s", r.Changed, scriptshell.Diff(start, after))
	}
	if c.outcome == report.Interrupted {
		last := ran.Warnings[len(ran.Warnings)-1]
		if (len(r.Inverse) > 0) != (c.changed != "") || !strings.HasPrefix(last, fmt.Sprintf("Stopped. Changed: %s. Undo: ", map[bool]string{true: "True", false: "False"}[r.Changed])) {
			t.Errorf("%d inverses, the last warning is %q", len(r.Inverse), last)
		}
		if _, undo, _ := strings.Cut(last, "Undo: "); undo != "" {
			st.retype(t, undo)
			st.Unchanged(t, "what was declined half-way, and its undo", start)
		}
	}
}

// TestNobodyToAsk: where nobody can answer, nothing is changed, and it is said why.
func TestNobodyToAsk(t *testing.T) {
	for _, c := range []struct {
		scenario   string
		granted    bool
		script     func(exchange.Grant) func(io.Writer) error
		parameters []any
		says       string
	}{
		{"plain", false, grantScript, nil, "-Confirm:$false"},
		{"plain", true, revokeScript, nil, "-Confirm:$false"},
		{"dehydrated", false, grantScript, []any{"Confirm", false}, "-EnableCustomization"},
	} {
		st, g := stageOf(t, c.scenario)
		if c.granted {
			st.ends(t, "grant", grantScript(g), report.Granted)
		}
		start := st.Snapshot(t)
		path := filepath.Join(st.Dir, "nobody.json")
		r := st.Run(t, c.script(g), append(c.parameters, "ReportPath", path)...)
		st.Unchanged(t, "a script that nobody answers", start)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		told := scriptshell.ParseReport(t, strings.TrimSpace(string(text)))
		if told.Outcome != report.Interrupted || r.ExitCode != 130 || told.Changed || !strings.Contains(strings.Join(strings.Fields(r.Console), ""), c.says) {
			t.Errorf("%s: %s, exit code %d, without %s\n%s", c.scenario, told.Outcome, r.ExitCode, c.says, r.Console)
		}
	}
}
