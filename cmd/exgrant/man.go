package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

func (p *program) manCommand() *cli.Command {
	return &cli.Command{
		Name:  "man",
		Usage: "print the manual as a man page",
		Description: `The page holds the help of all commands. Read it with

  exgrant man | man -l -

or keep it as exgrant.1 in a folder man1 of your MANPATH.`,
		Action: func(c *cli.Context) error { return writeManual(p.stdout, c.App) },
	}
}

// An explained is a word of the manual with what it means.
type explained struct{ word, meaning string }

var manualExits = []explained{
	{"0", "Done, or so already; nothing to do."},
	{"1", "Failed: also a conflict, a name that does not exist, a server that does not answer."},
	{"2", "Wrong usage or input. Nothing was contacted or written."},
	{"3", "Not as it should be: a difference, a change that is not yet in effect, access that is left."},
	{"5", "Denied: no logon, or no permission."},
	{"130", "Interrupted, after cleaning up."},
}

var manualEnvironment = []explained{
	{"EXGRANT_SERVER, EXGRANT_LOGON, EXGRANT_...", "Each flag of a session has its variable: EXGRANT_, and the flag in capitals with _ for -. The flag wins."},
	{envDomainController, "The domain controller that takes the changes, where neither a flag nor the file names one."},
	{"EXGRANT_PASSWORD", "The password, where --password-file is not given. Without it that of exgrant login counts. No flag takes a password."},
	{"KRB5_CONFIG, KRB5CCNAME", "The krb5.conf and the ticket cache of kinit, where --krb5-config and --ccache are not given."},
	{"NO_COLOR", "No colour, whatever its value."},
}

// writeManual prints the page in the language of man(7). It has no date and no
// version, so that it changes only with the help.
func writeManual(w io.Writer, app *cli.App) error {
	var b strings.Builder
	b.WriteString(".TH EXGRANT 1\n.SH NAME\n")
	fmt.Fprintf(&b, "exgrant \\- %s\n", roff(app.Usage))
	fmt.Fprintf(&b, ".SH SYNOPSIS\n.B exgrant\n.I COMMAND\n[flags] [operands]\n.SH DESCRIPTION\n")
	roffText(&b, app.Description)
	b.WriteString(".SH EXAMPLES\n.nf\n")
	for _, e := range examples {
		for _, line := range e.lines {
			fmt.Fprintf(&b, "%s\n", roff(line))
		}
	}
	b.WriteString(".fi\n.SH COMMANDS\n")
	for _, c := range app.Commands {
		manualOf(&b, "exgrant", c)
	}
	b.WriteString(".SH SESSION FLAGS\nEach command that speaks with a server has them.\n")
	manualFlags(&b, sessionFlags())
	for _, section := range []struct {
		title string
		words []explained
	}{{"EXIT STATUS", manualExits}, {"ENVIRONMENT", manualEnvironment}} {
		fmt.Fprintf(&b, ".SH %s\n", section.title)
		for _, e := range section.words {
			fmt.Fprintf(&b, ".TP\n.B %s\n%s\n", roff(e.word), roff(e.meaning))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func manualOf(b *strings.Builder, parent string, c *cli.Command) {
	name := parent + " " + c.Name
	fmt.Fprintf(b, ".SS %s \\- %s\n", roff(name), roff(c.Usage))
	roffText(b, c.Description)
	manualFlags(b, slices.DeleteFunc(slices.Clone(c.Flags), isSession))
	for _, s := range c.Subcommands {
		manualOf(b, name, s)
	}
}

func manualFlags(b *strings.Builder, flags []cli.Flag) {
	for _, f := range flags {
		d, ok := f.(cli.DocGenerationFlag)
		if v, visible := f.(cli.VisibleFlag); !ok || visible && !v.IsVisible() {
			continue
		}
		fmt.Fprintf(b, ".TP\n.B %s\n%s\n", roff(flagSynopsis(f)), roff(strings.ReplaceAll(d.GetUsage(), "`", "")))
	}
}

// roffText prints paragraphs; an indented one stands as it is.
func roffText(b *strings.Builder, text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if paragraph == "" {
			continue
		}
		if i > 0 {
			b.WriteString(".PP\n")
		}
		if strings.HasPrefix(paragraph, "  ") {
			fmt.Fprintf(b, ".nf\n%s\n.fi\n", roff(paragraph))
			continue
		}
		fmt.Fprintf(b, "%s\n", roff(paragraph))
	}
}

// roff escapes what man(7) would read as its own: backslashes, hyphens that are
// to stay, and a full stop or quote that begins a line.
func roff(s string) string {
	s = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(strings.TrimRight(s, "\n"))
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
