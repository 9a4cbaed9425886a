package main

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"
)

// A call is a command line that was understood.
type call struct {
	path       []*cli.Command // from the first command to the last
	args       []string       // names of path, flags as --name=value, "--", operands
	help       bool           // help of path was asked for
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
		return usageErrorf("%s: unexpected operand %q", c.name(), operands[n]).
			withHint("a value with spaces needs quotes; %s --help shows the flags", c.name())
	}
	c.args = append(append(c.args, "--"), operands...)
	return nil
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

// suggestion is the hint after an unknown word: the nearest known one, or where
// all of them are shown.
func suggestion(word string, known []string, command string) string {
	if near := nearest(word, known); near != "" {
		return "did you mean " + near + "?"
	}
	return command + " --help shows what there is"
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
		if d := editDistance(name, other); d <= distance && (best == "" || d < distance) {
			best, distance = k, d
		}
	}
	return best
}

// editDistance is the Levenshtein distance of two short words, in bytes.
func editDistance(a, b string) int {
	if len(a) > 64 {
		a = a[:64]
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			corner, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, corner+cost)
		}
	}
	return row[len(b)]
}
