package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/xrash/smetrics"

	"github.com/urfave/cli/v2"
)

// A call is a command line that was understood.
type call struct {
	path       []*cli.Command // from the first command to the last
	args       []string       // names of path, flags as --name=value, "--", operands
	help       bool           // help of path was asked for
	session    bool           // help about servers and log-ons was asked for
	version    bool           // the program's version was asked for
	incomplete bool           // path needs one more command
}

// arrange puts a command line into the one order that the parser takes: the
// commands, their flags, "--", the operands. People write flags after operands
// too. It refuses what the parser would let pass: a flag given twice, a flag in
// the place of another one's value, operands where none are taken.
func arrange(app *cli.App, args []string) (call, error) {
	var c call
	commands := app.Commands
	if len(args) > 0 && args[0] == "help" {
		c.help, args = true, args[1:]
		if len(args) > 0 && args[0] == "session" {
			c.session = true
			return c, nil
		}
	}
	for len(commands) > 0 {
		if len(args) == 0 {
			c.incomplete = !c.help
			return c, nil
		}
		word := args[0]
		switch {
		case isHelp(word):
			c.help = true
			args = args[1:]
			continue
		case word == "--version" && len(c.path) == 0:
			c.version = true
			return c, nil
		case strings.HasPrefix(word, "-") && word != "-":
			hint := fmt.Sprintf("flags come after the command: %s COMMAND %s", c.name(), flagOf(word))
			if near := nearest(flagOf(word), []string{"--help", "--version"}); near != "" {
				hint = "did you mean " + near + "?"
			}
			return c, usageErrorf("%s: unknown flag %s", c.name(), flagOf(word)).withHint("%s", hint)
		}
		next := find(commands, word)
		if next == nil {
			err := usageErrorf("%s: unknown command %q", c.name(), word)
			return c, err.withHint("%s", suggestion(word, commandNames(commands), c.name()))
		}
		c.path = append(c.path, next)
		c.args = append(c.args, next.Name)
		commands, args = next.Subcommands, args[1:]
		if next.Action != nil && (len(args) == 0 || find(commands, args[0]) == nil) {
			break // a command of its own, which has others below it
		}
	}
	return c, c.arrangeFlags(args)
}

func (c *call) arrangeFlags(args []string) error {
	command := c.path[len(c.path)-1]
	seen := map[string]bool{}
	var operands []string
	for len(args) > 0 {
		word := args[0]
		args = args[1:]
		switch {
		case word == "--":
			operands = append(operands, args...)
			args = nil
			continue
		case isHelp(word):
			c.help = true
			continue
		case !strings.HasPrefix(word, "-") || word == "-":
			operands = append(operands, word)
			continue
		}
		name, value, given := strings.Cut(strings.TrimLeft(word, "-"), "=")
		flag := findFlag(command, name)
		if flag == nil {
			return usageErrorf("%s: unknown flag %s", c.name(), flagOf(word)).
				withHint("%s", suggestion(flagOf(word), flagNames(command), c.name()))
		}
		name = flag.Names()[0]
		if seen[name] && !isRepeatable(flag) {
			return usageErrorf("%s: %s is given twice", c.name(), dashed(name)).
				withHint("give it once")
		}
		seen[name] = true
		if !given && takesValue(flag) {
			if len(args) == 0 || isFlagOf(command, args[0]) {
				return usageErrorf("%s: %s needs a value", c.name(), dashed(name)).
					withHint("a value that looks like a flag is given as %s=VALUE", dashed(name))
			}
			value, given = args[0], true
			args = args[1:]
		}
		if err := checkValue(flag, value, given); err != nil {
			return usageErrorf("%s: %w", c.name(), err).withHint("%s", valueHint(flag))
		}
		if given {
			word = dashed(name) + "=" + value
		} else {
			word = dashed(name)
		}
		c.args = append(c.args, word)
	}
	if len(command.Subcommands) > 0 && len(operands) > 0 && !c.help {
		return usageErrorf("%s: unknown command %q", c.name(), operands[0]).
			withHint("%s", suggestion(operands[0], commandNames(command.Subcommands), c.name()))
	}
	if n := maxOperands(command); len(operands) > n && !c.help {
		err := usageErrorf("%s: unexpected operand %q", c.name(), operands[n])
		if right := otherWords[strings.ToLower(operands[n])]; right != "" {
			return err.withHint("it is called %s", right)
		}
		return err.withHint("a value with spaces needs quotes; %s --help shows the flags", c.name())
	}
	c.args = append(append(c.args, "--"), operands...)
	return nil
}

// checkValue refuses a value that is not of the kind that a flag takes, before the parser
// does in other words.
func checkValue(flag cli.Flag, value string, given bool) error {
	var err error
	kind := ""
	switch flag.(type) {
	case *cli.DurationFlag:
		_, err = time.ParseDuration(value)
		kind = "a time"
	case *cli.IntFlag:
		_, err = strconv.Atoi(value)
		kind = "a number"
	case *cli.BoolFlag:
		if !given {
			return nil
		}
		_, err = strconv.ParseBool(value)
		kind = "true or false"
	}
	if err != nil {
		return fmt.Errorf("%s %q is not %s", dashed(flag.Names()[0]), value, kind)
	}
	return nil
}

// valueHint says how a flag's value is written.
func valueHint(flag cli.Flag) string {
	switch flag.(type) {
	case *cli.DurationFlag:
		return "write it as 45s or 2m"
	case *cli.IntFlag:
		return "write it in digits"
	}
	return dashed(flag.Names()[0]) + " needs no value"
}

// maxOperands is how many operands a command takes: one for each word of its
// ArgsUsage, any number when that ends in dots.
func maxOperands(c *cli.Command) int {
	if strings.HasSuffix(c.ArgsUsage, "...") {
		return math.MaxInt
	}
	return len(strings.Fields(c.ArgsUsage))
}

// name is the command as it was typed, without flags.
func (c *call) name() string { return commandName(c.path) }

func commandName(path []*cli.Command) string {
	words := []string{"exgrant"}
	for _, command := range path {
		words = append(words, command.Name)
	}
	return strings.Join(words, " ")
}

func isHelp(word string) bool { return word == "--help" || word == "-help" || word == "-h" }

func flagOf(word string) string {
	name, _, _ := strings.Cut(word, "=")
	return name
}

// dashed is a flag's name as it is written: -o, --output.
func dashed(name string) string {
	if utf8.RuneCountInString(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func find(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func findFlag(c *cli.Command, name string) cli.Flag {
	for _, f := range c.Flags {
		if slices.Contains(f.Names(), name) {
			return f
		}
	}
	return nil
}

func isFlagOf(c *cli.Command, word string) bool {
	name := strings.TrimLeft(flagOf(word), "-")
	return word == "--" || name != word && findFlag(c, name) != nil
}

func takesValue(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationFlag)
	return ok && d.TakesValue()
}

func isRepeatable(f cli.Flag) bool {
	d, ok := f.(cli.DocGenerationSliceFlag)
	return ok && d.IsSliceFlag()
}

func commandNames(commands []*cli.Command) []string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return names
}

func flagNames(c *cli.Command) []string {
	var names []string
	for _, f := range c.Flags {
		for _, n := range f.Names() {
			names = append(names, dashed(n))
		}
	}
	return names
}

// otherWords are words that people try, and the right ones.
var otherWords = map[string]string{
	"grant": "exgrant plan, then exgrant apply; or exgrant script grant", "status": "exgrant verify, or exgrant script status",
	"test": "exgrant diagnose", "doctor": "exgrant connect", "connection": "exgrant connect", "undo": "exgrant revoke --from REPORT.json",
	"rollback": "exgrant revoke --from REPORT.json", "destroy": "exgrant revoke", "remove": "exgrant revoke", "list": "exgrant audit",
	"show": "exgrant audit, or exgrant report FILE", "check": "exgrant verify, or exgrant script check FILE",
	"--dry-run": "exgrant plan, which changes nothing", "--whatif": "exgrant plan, which changes nothing", "--what-if": "exgrant plan, which changes nothing",
	"--auto-approve": "--yes", "--force": "--yes", "--assume-yes": "--yes", "-y": "--yes",
	"--username": "--logon", "--rollback": "--undo", "--out": "-o", "--output": "-o", "--password": "--password-file FILE", "-p": "--password-file FILE",
	"--quiet": "> /dev/null 2>&1, and the exit code", "-q": "> /dev/null 2>&1, and the exit code",
}

// certificateWords are flags that would switch checks off, of which there are none.
var certificateWords = []string{"--insecure", "-k", "--skip-cert-check", "--no-verify", "--skip-ca-check"}

// suggestion is the hint after an unknown word: the right one of a word that people
// try, the nearest known one, or where all of them are shown.
func suggestion(word string, known []string, command string) string {
	word = strings.ToLower(word)
	if slices.Contains(certificateWords, word) {
		return "certificates are always checked: --ca-file FILE names the authority that signed the server's"
	}
	if right := otherWords[word]; right != "" && !isForeign(right, known) {
		return "it is called " + right
	}
	if right := otherWords[strings.TrimLeft(word, "-")]; otherWords[word] != "" && right != "" {
		return "that is a command: " + right // as --rollback, where there is no such flag
	}
	if near := nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return command + " --help shows what there is"
}

// isForeign tells whether a right word is a flag that this command does not have, so that
// naming it would not help.
func isForeign(right string, known []string) bool {
	flag, _, _ := strings.Cut(right, " ")
	return strings.HasPrefix(flag, "-") && !slices.Contains(known, flag)
}

// nearest returns the known word that is meant by a mistyped one, "" for none:
// one that begins with it, or has few other letters.
func nearest(word string, known []string) string {
	name := strings.ToLower(strings.TrimLeft(word, "-"))
	best, distance := "", 1+len(name)/4
	for _, k := range known {
		other := strings.TrimLeft(k, "-")
		if len(other) == 1 || name == "" {
			continue
		}
		if strings.HasPrefix(other, name) {
			return k
		}
		if d := smetrics.WagnerFischer(name, other, 1, 1, 1); d <= distance && (best == "" || d < distance) {
			best, distance = k, d
		}
	}
	return best
}
