package main

import (
	"bytes"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"
)

const (
	flagOutput    = "o"
	flagOverwrite = "overwrite"
)

func outputFlag() cli.Flag {
	return &cli.StringFlag{Name: flagOutput, Category: outputCategory, Usage: "write to `FILE` (a folder for several grants) and not to standard output"}
}

func overwriteFlag() cli.Flag {
	return &cli.BoolFlag{Name: flagOverwrite, Category: outputCategory, Usage: "replace files that exist"}
}

// silent are the commands that print no result, or that go on printing until they are
// interrupted.
var silent = []string{"login", "logout", "sim"}

// addOutput gives every command that prints the flags -o and --overwrite, where it has
// none of its own: what it prints goes into a file, in UTF-8 whatever a shell makes of
// what it redirects.
func (p *program) addOutput(commands []*cli.Command) {
	for _, c := range commands {
		p.addOutput(c.Subcommands)
		if c.Action == nil || slices.Contains(silent, c.Name) || hasFlag(c, flagOutput) {
			continue
		}
		formats := formatsOf(c)
		c.Flags = append(c.Flags, &cli.StringFlag{Name: flagOutput, Category: outputCategory, Usage: "write what is printed to `FILE`" + endingsText(formats)})
		if !hasFlag(c, flagOverwrite) {
			c.Flags = append(c.Flags, overwriteFlag())
		}
		action := c.Action
		c.Action = func(c *cli.Context) error {
			if err := checkEnding(c, formats); err != nil {
				return err
			}
			path, err := p.outputPath(c)
			if err != nil {
				return err
			}
			return p.intoFile(c, path, func() error { return action(c) })
		}
	}
}

// formatsOf are the formats of a command, by its flag: those that its usage names.
func formatsOf(c *cli.Command) []string {
	flag, ok := findFlag(c, flagFormat).(*cli.StringFlag)
	if !ok {
		return []string{formatText}
	}
	words := strings.FieldsFunc(flag.Usage, func(r rune) bool { return !unicode.IsLetter(r) })
	return slices.DeleteFunc([]string{formatText, formatJSON, formatYAML, formatCSV, formatJUnit, formatHTML}, func(f string) bool { return !slices.Contains(words, f) })
}

// endings are those of files that choose a format, as help names them.
var endings = map[string]string{formatJSON: ".json", formatYAML: ".yaml", formatCSV: ".csv", formatJUnit: ".xml", formatHTML: ".html"}

// endingsText says which endings choose a format; "" where there is only one.
func endingsText(formats []string) string {
	var list []string
	for _, f := range formats {
		if endings[f] != "" {
			list = append(list, endings[f])
		}
	}
	switch last := len(list) - 1; {
	case last < 0:
		return ""
	case last == 0:
		return "; " + list[0] + " at its end chooses that format"
	default:
		return "; " + strings.Join(list[:last], ", ") + " or " + list[last] + " at its end choose that format"
	}
}

// checkEnding refuses a file whose name says a format that the command does not have, so
// that nobody finds text where a table was meant.
func checkEnding(c *cli.Context, formats []string) error {
	path := c.String(flagOutput)
	asked := formatOfFile(path)
	if asked == "" || c.IsSet(flagFormat) || c.Bool(flagJSON) || slices.Contains(formats, asked) {
		return nil
	}
	return usageErrorf("%s: -%s %s: %s cannot be written as %s", c.Command.HelpName, flagOutput, path, strings.TrimPrefix(c.Command.HelpName, "exgrant "), asked).
		withHint("it has %s: give the file another ending", strings.Join(formats, ", "))
}

func hasFlag(c *cli.Command, name string) bool {
	return slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) })
}

// outputPath is where the result goes: "" for standard output. It is refused, before
// anything is done, where it could not be written.
func (p *program) outputPath(c *cli.Context) (string, error) {
	path := c.String(flagOutput)
	switch {
	case c.IsSet(flagOutput) && path == "":
		return "", emptyValue(c, flagOutput)
	case path == "" || path == "-":
		return "", nil
	}
	if err := refuseInput(c, path); err != nil {
		return "", err
	}
	for _, flag := range []string{flagReport, flagUndo} {
		if other := c.String(flag); other != "" && sameOutput(other, path) {
			return "", usageErrorf("%s: %s would be written twice", c.Command.HelpName, path).withHint("give each file its own name")
		}
	}
	return path, p.check(c, places{path})
}

// refuseInput refuses to write over what the command reads.
func refuseInput(c *cli.Context, path string) error {
	inputs := append(c.Args().Slice(), c.String(flagFile), c.String(flagFrom))
	for _, input := range inputs {
		if input != "" && input != "-" && sameOutput(input, path) {
			return usageErrorf("%s: %s is read and cannot be written too", c.Command.HelpName, input).withHint("choose another file for the result")
		}
	}
	return nil
}

// intoFile calls print, and writes what it prints to a file, also when it fails then: a
// report tells of failures, too. With an empty path it is only called. What cannot be
// written is printed after all.
func (p *program) intoFile(c *cli.Context, path string, print func() error) error {
	if path == "" {
		return print()
	}
	stdout := p.stdout
	var b bytes.Buffer
	p.stdout = &b
	err := print()
	p.stdout = stdout
	if b.Len() == 0 {
		return err
	}
	saved := afterwards(p.save(c, path, b.Bytes()))
	if saved == nil {
		return err
	}
	_, failed := p.stdout.Write(b.Bytes())
	if errors.As(err, new(outcomeError)) {
		err = nil // its result is there to see; that the file is not has to be told
	}
	return errors.Join(saved, failed, err)
}

// formatOfFile is the format that a file's name tells; "" when it tells none.
func formatOfFile(path string) string {
	return map[string]string{".json": formatJSON, ".html": formatHTML, ".htm": formatHTML, ".xml": formatJUnit, ".yaml": formatYAML, ".yml": formatYAML,
		".csv": "csv", ".txt": formatText}[strings.ToLower(filepath.Ext(path))]
}
