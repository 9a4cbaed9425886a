package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

func testApp() *cli.App {
	p := &program{getenv: func(string) string { return "" }}
	return p.app()
}

// Help is readable in a terminal of 80 columns, and every command and flag is
// explained.
func TestHelp(t *testing.T) {
	app := testApp()
	checkHelp(t, app, nil)
	for _, c := range app.Commands {
		walk([]*cli.Command{c}, func(path []*cli.Command) { checkHelp(t, app, path) })
	}
}

// The page of the command that people try first is read at one glance.
func TestShortHelp(t *testing.T) {
	app := testApp()
	var b strings.Builder
	if err := writeHelp(&b, app, []*cli.Command{app.Command("plan")}); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\n"); n > 45 {
		t.Errorf("the help of plan has %d lines", n)
	}
}

func walk(path []*cli.Command, visit func([]*cli.Command)) {
	visit(path)
	for _, c := range path[len(path)-1].Subcommands {
		walk(append(path[:len(path):len(path)], c), visit)
	}
}

func checkHelp(t *testing.T, app *cli.App, path []*cli.Command) {
	t.Helper()
	var b strings.Builder
	if err := writeHelp(&b, app, path); err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(b.String(), "\n") {
		if n := utf8.RuneCountInString(line); n > helpWidth {
			t.Errorf("%s: line %d of the help has %d columns: %s", commandName(path), i+1, n, line)
		}
		if strings.TrimRight(line, " ") != line {
			t.Errorf("%s: line %d of the help ends with a space: %q", commandName(path), i+1, line)
		}
	}
	if len(path) == 0 {
		return
	}
	command := path[len(path)-1]
	if command.Usage == "" {
		t.Errorf("%s has no usage", commandName(path))
	}
	for _, f := range command.Flags {
		d := f.(cli.DocGenerationFlag)
		if d.GetUsage() == "" {
			t.Errorf("%s: %s has no usage", commandName(path), f.Names()[0])
		}
		if takesValue(f) && !strings.Contains(d.GetUsage(), "`") {
			t.Errorf("%s: %s does not name its value in backquotes", commandName(path), f.Names()[0])
		}
	}
}
