package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/exchangesim"
)

// Every command begins its help with examples, and no example is of another command.
func TestEveryCommandHasExamples(t *testing.T) {
	var names []string
	for _, c := range testApp().Commands {
		walk([]*cli.Command{c}, func(path []*cli.Command) { names = append(names, commandName(path)) })
	}
	for _, e := range examples {
		if !slices.Contains(names, e.command) {
			t.Errorf("%s is no command", e.command)
		}
		for _, line := range e.lines {
			if !strings.HasPrefix(line+" ", e.command+" ") {
				t.Errorf("%q is no example of %s", line, e.command)
			}
		}
	}
	for _, name := range names {
		if name != "exgrant script" && name != "exgrant version" && len(examplesOf(name)) == 0 {
			t.Errorf("%s has no example", name)
		}
	}
}

// The examples run as they stand, in their order, at a simulated organization. Those
// that name another server, wait for a person or serve until they are stopped are
// understood, which is all that can be seen of them here.
func TestExamplesRun(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{
		"grants.yaml": "apiVersion: exgrant/v1\ngrants:\n  - user: CONTOSO\\svc-reschedule\n    scope:\n      group: Reschedule Users\n",
		"error.txt":   "The term 'Get-ManagementRoleAssignment' is not recognized as the name of a cmdlet\n",
		"mail.txt":    "New-ManagementRoleAssignment : Access is denied.\n", "console.txt": "401 Unauthorized\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	server, err := startSimulator(exchangesim.New(scenario, exchangesim.Options{}),
		simulatorOptions{listen: "127.0.0.1:0", password: scriptPassword, now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer server.close()
	variables := map[string]string{"EXGRANT_SERVER": server.URL, "EXGRANT_AUTH": "basic", "EXGRANT_LOGON": "administrator",
		"EXGRANT_PASSWORD": scriptPassword, "EXGRANT_EWS_URL": server.EWS, "EXGRANT_EWS_AUTH": "basic", "EXGRANT_AS_PASSWORD": scriptPassword}
	for _, e := range examples {
		for _, line := range e.lines {
			words, file := splitExample(t, line)
			if !runsHere(line) {
				if _, err := arrange(testApp(), words[1:]); err != nil {
					t.Errorf("%s: %v", line, err)
				}
				continue
			}
			if strings.HasPrefix(line, "exgrant apply ") || strings.HasPrefix(line, "exgrant revoke ") {
				words = append(words, "--yes") // what a person answers
			}
			var stdout, stderr bytes.Buffer
			p := &program{stdin: strings.NewReader(""), stdout: &stdout, stderr: &stderr, now: time.Now,
				getenv: func(name string) string { return variables[name] }}
			code := p.run(context.Background(), words[1:])
			want := 0
			if strings.Contains(line, "--exit-code") {
				want = 3 // there is something to change
			}
			if code != want {
				t.Errorf("%s: exit %d, want %d\n%s%s", line, code, want, stdout.String(), stderr.String())
			}
			if file != "" {
				if err := os.WriteFile(file, stdout.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if made, _ := filepath.Glob("*.ps1"); len(made) < 6 {
		t.Errorf("the examples wrote %v", made)
	}
}

func runsHere(line string) bool {
	for _, other := range []string{"ex01.contoso.com", "exgrant login", "exgrant logout", "exgrant sim", "exgrant demo"} {
		if strings.Contains(line, other) && line != "exgrant sim --list" {
			return false
		}
	}
	return true
}

// splitExample splits a line at its blanks as a shell does that knows single quotes, and
// takes off where it writes to.
func splitExample(t *testing.T, line string) (words []string, file string) {
	t.Helper()
	line, file, _ = strings.Cut(line, " > ")
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 {
			words[len(words)-1] += part
			continue
		}
		fields := strings.Fields(part)
		words = append(words, fields...)
		if strings.HasSuffix(part, " ") {
			words = append(words, "")
		}
	}
	return slices.DeleteFunc(words, func(w string) bool { return w == "" }), file
}
