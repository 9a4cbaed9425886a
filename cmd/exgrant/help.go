package main

import (
	"fmt"
	"io"
	"slices"
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
exgrant COMMAND --help tells more; exgrant help session tells of servers and
log-ons, exgrant --version the version.

Exit codes: 0 done, 1 failed, 2 wrong usage or input (nothing was contacted or
written), 3 not as it should be, 5 denied, 130 interrupted.
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
		fmt.Fprintf(&b, "%s - %s\n", commandName(path), command.Usage)
		writeExamples(&b, examplesOf(commandName(path)))
		b.WriteString(usageBlock(usage))
		if command.Description != "" {
			fmt.Fprintf(&b, "\n%s\n", strings.TrimSpace(command.Description))
		}
		writeCommands(&b, command.Subcommands)
		writeFlags(&b, withoutSession(command.Flags), sessionCategory+" (the rest of it: exgrant help session)")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// usageBlock is how a command is called: in one line where that is enough.
func usageBlock(usage string) string {
	const title = "\nUsage:"
	if !strings.Contains(usage, "\n") && len(title)+len(usage) <= helpWidth {
		return title + " " + usage + "\n"
	}
	return title + "\n" + indent(usage, 2)
}

// writeExamples prints commands to copy. A long one goes on in the next line, at a
// flag, as a shell of Unix takes it.
func writeExamples(b *strings.Builder, lines []string) {
	if len(lines) == 0 {
		return
	}
	b.WriteByte('\n')
	for _, line := range lines {
		fmt.Fprintf(b, "  %s\n", foldExample(line))
	}
}

// foldExample breaks a command that is wider than help before a flag.
func foldExample(line string) string {
	const room = helpWidth - 2 // beside the indent
	if len(line) <= room {
		return line
	}
	at := strings.LastIndex(line[:room-len(" \\")], " -")
	if at <= 0 {
		return line
	}
	return line[:at] + " \\\n    " + foldExample(line[at+1:])
}

// sessionCategory begins the name of the flags that stand once, in exgrant help session.
const sessionCategory = "Session"

// shownOfSession are those of them that each command shows.
var shownOfSession = []string{flagServer, flagLogon}

// withoutSession leaves of the session's flags those that everybody needs.
func withoutSession(flags []cli.Flag) []cli.Flag {
	var shown []cli.Flag
	for _, f := range flags {
		if !isSession(f) || slices.Contains(shownOfSession, f.Names()[0]) {
			shown = append(shown, f)
		}
	}
	return shown
}

func isSession(f cli.Flag) bool {
	c, ok := f.(cli.CategorizableFlag)
	return ok && strings.HasPrefix(c.GetCategory(), sessionCategory)
}

// writeSessionHelp prints the page about servers and log-ons.
func writeSessionHelp(w io.Writer) error {
	var b strings.Builder
	b.WriteString("exgrant help session - which server, and who logs on\n")
	writeExamples(&b, sessionExamples)
	b.WriteString(`
Each flag has its variable: EXGRANT_, and the flag in capitals with _ for -. The
flag wins. A password is never an argument: the first of these that is there is
used, even if it is wrong, and tried once: --secrets, --password-file,
EXGRANT_PASSWORD, that of exgrant login, a ticket of kinit, what you type.

Without --auth it is kerberos for psrp and negotiate for winrs. Negotiate is NTLM
where there is no KDC; basic goes over TLS or to this computer only, certificate
over TLS.
`)
	writeFlags(&b, sessionFlags(), sessionCategory)
	b.WriteString("\nexgrant connect, with the same flags, checks the server step by step.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// sessionExamples are ways to name a server and to log on.
var sessionExamples = []string{
	"exgrant connect --server ex01.contoso.com --logon admin@CONTOSO.COM",
	"exgrant audit --server ex01.contoso.com --keytab admin.keytab",
	"exgrant audit --transport winrs --server ex01.contoso.com --auth ntlm --logon 'CONTOSO\\admin'",
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

// grouped puts the flags of each category together, both in the order in which they are
// declared.
func grouped(flags []cli.Flag) []cli.Flag {
	var order []string
	own := map[string][]cli.Flag{}
	for _, f := range flags {
		category := categoryOf(f)
		if _, ok := own[category]; !ok {
			order = append(order, category)
		}
		own[category] = append(own[category], f)
	}
	var list []cli.Flag
	for _, category := range order {
		list = append(list, own[category]...)
	}
	return list
}

// writeFlags prints the flags below the names of their categories, those of a session
// below a title.
func writeFlags(b *strings.Builder, flags []cli.Flag, session string) {
	flags = grouped(flags)
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
		own := categoryOf(f)
		if own != category {
			category = own
			switch own {
			case "":
				own = "Flags"
			case sessionCategory:
				own = session
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
