package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/textfile"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/psgen"
	"github.com/exgrant/exgrant/pkg/report"
)

const flagBody = "body-sha256"

func (p *program) scriptCheckCommand() *cli.Command {
	return &cli.Command{
		Name:      "check",
		Usage:     "tell whether scripts are what this program writes",
		UsageText: "exgrant script check FILE...",
		ArgsUsage: "FILE...",
		Description: `Reads what was asked for out of each script, writes the script anew, and demands
equal bytes; a signature does not count. Exits 0 when all are unaltered, 3 when
one is altered or of another release, 1 when one cannot be read or is no script
of exgrant.`,
		Action: p.scriptCheck,
	}
}

func (p *program) scriptCheck(c *cli.Context) error {
	if c.NArg() == 0 {
		return usageErrorf("%s: no script is named", c.Command.HelpName).withHint("exgrant script check grant.ps1")
	}
	unreadable, differs := false, false
	for _, name := range c.Args().Slice() {
		script, err := p.readDecoded(c, name, maxScript, textfile.DecodeScript)
		said := ""
		if err == nil {
			said, err = checked(script)
		}
		altered, release := (*psgen.AlteredError)(nil), (*psgen.ReleaseError)(nil)
		switch {
		case c.Context.Err() != nil:
			return c.Context.Err()
		case errors.As(err, &altered) || errors.As(err, &release):
			differs, said = true, err.Error()
		case err != nil:
			unreadable, said = true, strings.TrimPrefix(err.Error(), c.Command.HelpName+": ")
		}
		fmt.Fprintf(p.stdout, "%s: %s\n", fileName(name), oneLine(said))
	}
	switch {
	case unreadable:
		return outcomeError{report.Failed}
	case differs:
		return outcomeError{report.Differs}
	}
	return nil
}

// checked is what an unaltered script does, in words.
func checked(script []byte) (string, error) {
	kind, g, err := psgen.Check(script)
	if err != nil {
		return "", err
	}
	return "unaltered: " + does(kind, g) + "; body " + psgen.BodyHash(script)[:8] + "\u2026 of this release", nil
}

// does is what a script of a kind does, in words.
func does(kind psgen.Kind, g exchange.Grant) string {
	who := g.Assignee.Identity
	if g.Assignee.Kind == exchange.RoleGroup {
		who = strings.Join(g.Assignee.Members, ", ") + " in the role group '" + who + "'"
	}
	whom := "'" + g.Scope.Text + "'"
	switch g.Scope.Kind {
	case exchange.WholeOrganization:
		whom = "the whole organization"
	case exchange.Group:
		whom = "the members of " + whom
	case exchange.OrganizationalUnit:
		whom = "the unit " + whom
	case exchange.RecipientFilter:
		whom = "recipients with " + g.Scope.Text
	case exchange.Existing:
		whom = "the scope " + whom
	}
	switch kind {
	case psgen.KindGrant:
		return "lets " + who + " act for " + whom
	case psgen.KindRevoke:
		return "takes it back that " + who + " may act for " + whom
	case psgen.KindUndo:
		return "takes back what a report tells about " + who + " and " + whom
	case psgen.KindStatus:
		return "tells whether " + who + " may act for " + whom
	}
	return "only reads (" + string(kind) + ")"
}

// mayRun refuses a script that is not what this program writes, unless its body is that
// of a former release, or the one that somebody names who has reviewed it.
func mayRun(c *cli.Context, name string, script []byte) error {
	_, _, err := psgen.Check(script)
	var release *psgen.ReleaseError
	if err == nil || errors.As(err, &release) && (release.Release != "" || strings.EqualFold(c.String(flagBody), release.BodySHA256)) {
		return nil
	}
	refused := usageErrorf("%s: %s: %w", c.Command.HelpName, fileName(name), err).
		withHint("generate it again with exgrant script, and review that")
	if release != nil {
		return refused.withHint("whoever has reviewed this body runs it with --%s %s", flagBody, release.BodySHA256)
	}
	return refused.withHint("git and editors may change line ends: *.ps1 -text in .gitattributes keeps them")
}
