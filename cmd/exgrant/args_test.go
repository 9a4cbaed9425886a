package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

func TestArrange(t *testing.T) {
	app := &cli.App{Name: "exgrant", Commands: []*cli.Command{
		{Name: "read", ArgsUsage: "[FILE]", Flags: []cli.Flag{
			&cli.BoolFlag{Name: "json"},
			&cli.StringFlag{Name: "o"},
			&cli.StringSliceFlag{Name: "member"},
		}},
		{Name: "run", ArgsUsage: "SCRIPT ..."},
		{Name: "group", Subcommands: []*cli.Command{{Name: "leaf"}}},
	}}
	for _, test := range []struct {
		line string
		want string // the arranged arguments, or the error
	}{
		{"read", "read --"},
		{"read f --json", "read --json -- f"},
		{"read f -o out", "read -o=out -- f"},
		{"read -o=out f", "read -o=out -- f"},
		{"read -o= f", "read -o= -- f"},
		{"read -o a=b f", "read -o=a=b -- f"},
		{"read -json", "read --json --"},
		{"read - --json", "read --json -- -"},
		{"read -- --json", "read -- --json"},
		{"read --member a --member b,c", "read --member=a --member=b,c --"},
		{"read -o -x", "read -o=-x --"},
		{"run s -- -Param value", "run -- s -Param value"},
		{"group leaf", "group leaf --"},
		{"read a b", `exgrant read: unexpected operand "b"`},
		{"group leaf x", `exgrant group leaf: unexpected operand "x"`},
		{"read -o --json", "exgrant read: -o needs a value"},
		{"read -o -- f", "exgrant read: -o needs a value"},
		{"read -o", "exgrant read: -o needs a value"},
		{"read -o a -o b", "exgrant read: -o is given twice"},
		{"read --json --json", "exgrant read: --json is given twice"},
		{"read --jsno", "exgrant read: unknown flag --jsno"},
		{"read --jsno=secret", "exgrant read: unknown flag --jsno"},
		{"--json read", "exgrant: unknown flag --json"},
		{"raed", `exgrant: unknown command "raed"`},
		{"group laef", `exgrant group: unknown command "laef"`},
	} {
		c, err := arrange(app, strings.Fields(test.line))
		got := strings.Join(c.args, " ")
		if err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.line, diff)
		}
	}
}

func TestArrangeTellsHelpFromWork(t *testing.T) {
	app := &cli.App{Name: "exgrant", Commands: []*cli.Command{
		{Name: "group", Subcommands: []*cli.Command{{Name: "leaf"}}},
	}}
	for _, test := range []struct {
		line                      string
		help, version, incomplete bool
		path                      string
	}{
		{"", false, false, true, "exgrant"},
		{"help", true, false, false, "exgrant"},
		{"-h", true, false, false, "exgrant"},
		{"--version", false, true, false, "exgrant"},
		{"group", false, false, true, "exgrant group"},
		{"group --help", true, false, false, "exgrant group"},
		{"help group leaf", true, false, false, "exgrant group leaf"},
		{"group leaf extra -h", true, false, false, "exgrant group leaf"},
		{"group leaf -- -h", false, false, false, "exgrant group leaf"}, // an operand
	} {
		c, err := arrange(app, strings.Fields(test.line))
		if err != nil && !strings.Contains(test.line, "-- -h") {
			t.Errorf("%q: %v", test.line, err)
		}
		if c.help != test.help || c.version != test.version || c.incomplete != test.incomplete || c.name() != test.path {
			t.Errorf("%q: got help %v, version %v, incomplete %v of %s", test.line, c.help, c.version, c.incomplete, c.name())
		}
	}
}

// Every value that a person may mean reaches the command unchanged.
func FuzzArrange(f *testing.F) {
	f.Add("CN=Doe\\, John,OU=Users,DC=contoso,DC=test", "x")
	f.Add("--user", "-")
	f.Add("a=b", "--")
	f.Fuzz(func(t *testing.T, value, operand string) {
		app := &cli.App{Name: "exgrant", Commands: []*cli.Command{
			{Name: "read", ArgsUsage: "[FILE]", Flags: []cli.Flag{&cli.StringFlag{Name: "user"}}},
		}}
		c, err := arrange(app, []string{"read", "--user=" + value, "--", operand})
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"read", "--user=" + value, "--", operand}
		if diff := cmp.Diff(want, c.args); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestSuggestion(t *testing.T) {
	known := []string{"-f", "--user", "--scope-group", "--scope-ou"}
	for word, want := range map[string]string{
		"--usr":         "did you mean --user?",
		"--USER":        "did you mean --user?",
		"--scopegroup":  "did you mean --scope-group?",
		"--entirely":    "exgrant x --help shows what there is",
		"--":            "exgrant x --help shows what there is",
		"--scope-gorup": "did you mean --scope-group?",
		"-u":            "did you mean --user?",
		"--json":        "exgrant x --help shows what there is",
	} {
		if got := suggestion(word, known, "exgrant x"); got != want {
			t.Errorf("%s: got %q, want %q", word, got, want)
		}
	}
}
