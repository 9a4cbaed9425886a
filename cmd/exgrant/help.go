package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

// helpWidth is the widest line of help: a terminal of 80 columns shows it.
const helpWidth = 80

// writeHelp prints the help of the program or of the command at the end of path.
func writeHelp(w io.Writer, app *cli.App, path []*cli.Command) error {
	var b strings.Builder
	if len(path) == 0 {
		fmt.Fprintf(&b, "exgrant - %s\n\nUsage:\n  %s\n\n%s\n", app.Usage, app.UsageText, app.Description)
		writeCommands(&b, app.Commands)
		b.WriteString(`
exgrant COMMAND --help tells more; exgrant --version the version.

Exit codes: 0 done, 1 failed, 2 wrong usage or input (nothing was contacted or
written), 3 not as wished, 5 denied, 130 interrupted.
`)
	} else {
		command := path[len(path)-1]
		usage := command.UsageText
		if usage == "" {
			usage = commandName(path) + " [flags]"
			if command.ArgsUsage != "" {
				usage += " " + command.ArgsUsage
			}
			if len(command.Subcommands) > 0 {
				usage = commandName(path) + " COMMAND [flags]"
			}
		}
		fmt.Fprintf(&b, "%s - %s\n\nUsage:\n%s", commandName(path), command.Usage, indent(usage, 2))
		if command.Description != "" {
			fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(command.Description))
		}
		writeCommands(&b, command.Subcommands)
		writeFlags(&b, command.Flags)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func writeCommands(b *strings.Builder, commands []*cli.Command) {
	if len(commands) == 0 {
		return
	}
	b.WriteString("\nCommands:\n")
	width := 0
	for _, c := range commands {
		width = max(width, len(c.Name))
	}
	for _, c := range commands {
		writeEntry(b, c.Name, c.Usage, width)
	}
}

// writeFlags prints the flags below the name of their category, both in the
// order in which they are declared.
func writeFlags(b *strings.Builder, flags []cli.Flag) {
	category := "\x00"
	width := 0
	for _, f := range flags {
		width = max(width, len(flagSynopsis(f)))
	}
	width = min(width, 26)
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if v, visible := f.(cli.VisibleFlag); !ok || visible && !v.IsVisible() {
			continue
		}
		own := ""
		if c, ok := f.(cli.CategorizableFlag); ok {
			own = c.GetCategory()
		}
		if own != category {
			category = own
			if own == "" {
				own = "Flags"
			}
			fmt.Fprintf(b, "\n%s:\n", own)
		}
		writeEntry(b, flagSynopsis(f), strings.ReplaceAll(d.GetUsage(), "`", ""), width)
	}
}

// flagSynopsis is a flag as it is written: "-o FILE", "--member M ...". The word
// for the value stands in backquotes in the flag's usage.
func flagSynopsis(f cli.Flag) string {
	var names []string
	for _, n := range f.Names() {
		names = append(names, dashed(n))
	}
	s := strings.Join(names, ", ")
	if !takesValue(f) {
		return s
	}
	value := "VALUE"
	if parts := strings.SplitN(f.(cli.DocGenerationFlag).GetUsage(), "`", 3); len(parts) == 3 {
		value = parts[1]
	}
	s += " " + value
	if isRepeatable(f) {
		s += " ..."
	}
	return s
}

// writeEntry prints a name and its text, wrapped in the column beside it.
func writeEntry(b *strings.Builder, name, text string, width int) {
	column := 2 + width + 2
	fmt.Fprintf(b, "  %-*s", width, name)
	if len(name) > width {
		fmt.Fprintf(b, "\n%*s", column-2, "")
	}
	used := column - 2
	gap := "  "
	for _, word := range strings.Fields(text) {
		if used+len(gap)+len(word) > helpWidth {
			fmt.Fprintf(b, "\n%*s", column, "")
			used, gap = column, ""
		}
		b.WriteString(gap + word)
		used += len(gap) + len(word)
		gap = " "
	}
	b.WriteByte('\n')
}

func indent(text string, by int) string {
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		fmt.Fprintf(&b, "%*s%s\n", by, "", strings.TrimSpace(line))
	}
	return b.String()
}
