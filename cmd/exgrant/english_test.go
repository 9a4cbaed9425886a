package main

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
)

// images are words for the inside of the program, and pictures, in place of what an
// administrator would say.
var images = regexp.MustCompile(`(?i)\b(?:rungs?|ladders?|wish(?:es|ed)?|oracles?|climb\w*|takes who|the way (?:there|to|ends)|on its way|in the way|(?:no|other|none of the) ways? to)\b`)

// silentStrings are what no user reads: names of fields, variables of the trace.
var silentStrings = regexp.MustCompile(`^(?:rung(?:,omitempty)?|[a-z]+/[a-z/]+)$|json:"`)

// Whatever a user may read is in an administrator's words: the strings of the program, its
// help, and the documents beside it.
func TestPlainEnglish(t *testing.T) {
	root := peers.ModuleRoot(t)
	for _, room := range []string{"cmd", "pkg", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, room), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "testing"):
				return filepath.SkipDir
			case strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go"):
				checkStrings(t, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"README.md", "examples/README.md", "scripts/README.md"} {
		data, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(string(data), "\n") {
			for _, word := range images.FindAllString(strings.ReplaceAll(line, "internal/ladder", ""), -1) {
				t.Errorf("%s:%d: %q: %s", name, i+1, word, line)
			}
		}
	}
	app := testApp()
	for _, c := range app.Commands {
		walk([]*cli.Command{c}, func(path []*cli.Command) {
			var b bytes.Buffer
			if err := writeHelp(&b, app, path); err != nil {
				t.Fatal(err)
			}
			for _, word := range images.FindAllString(b.String(), -1) {
				t.Errorf("%s --help: %q", commandName(path), word)
			}
		})
	}
}

func checkStrings(t *testing.T, path string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		if _, ok := n.(*ast.ImportSpec); ok {
			return false
		}
		literal, ok := n.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			return true
		}
		text, err := strconv.Unquote(literal.Value)
		if err != nil || silentStrings.MatchString(text) {
			return true
		}
		for _, word := range images.FindAllString(text, -1) {
			t.Errorf("%s: %q: %s", set.Position(literal.Pos()), word, text)
		}
		return true
	})
}

// The command that the simulation shows for a scenario runs there.
func TestScenarioCommands(t *testing.T) {
	for _, scenario := range append(exchangesim.Scenarios(), exchangesim.WebScenarios()...) {
		if scenario.Name == "recipients-50000" || scenario.Name == "replication-lag" {
			continue // they take their time
		}
		words, _ := splitExample(t, shownCommand(scenario))
		server, err := startSimulator(exchangesim.New(scenario, exchangesim.Options{}), simulatorOptions{listen: "127.0.0.1:0", password: scriptPassword, now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		code, stdout, stderr := runWith(t, map[string]string{"EXGRANT_SERVER": server.URL, "EXGRANT_AUTH": "basic", "EXGRANT_LOGON": "administrator", "EXGRANT_PASSWORD": scriptPassword}, words[1:]...)
		server.close()
		if code == exitUsage || stdout == "" {
			t.Errorf("%s: %s: exit %d\n%s%s", scenario.Name, shownCommand(scenario), code, stdout, stderr)
		}
	}
}
