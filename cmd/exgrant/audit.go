package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/grantfile"
	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/grant"
	"github.com/exgrant/exgrant/pkg/report"
)

const flagHolder = "holder"

var auditFormats = []string{formatText, formatJSON, formatYAML, formatCSV, formatJUnit, formatHTML}

func (p *program) auditCommand() *cli.Command {
	return &cli.Command{
		Name:      "audit",
		Usage:     "list everybody who holds the role at a server",
		UsageText: "exgrant audit --server NAME [flags]",
		Description: `Lists every holder of every role of this type, direct and through groups, with
the scope in words. Changes nothing. --format yaml writes the grants as a file.
With -f it compares with the grants of such a file, both ways, and exits with 3
where there is a holder that no grant explains, or a grant is gone or differs.`,
		Flags: slices.Concat([]cli.Flag{
			&cli.StringFlag{Name: flagHolder, Category: "Details", Usage: "list the grants of this `ACCOUNT` or group only"},
			&cli.StringFlag{Name: flagFile, Category: "Details", Usage: "compare with the grants of this YAML `FILE`"},
		}, formatFlags(auditFormats), sessionFlags()),
		Action: p.audit,
	}
}

// An auditWriter prints holders as they arrive, and then the rest of the report.
type auditWriter interface {
	Holder(report.Holder) error
	End(*report.Report) error
}

func (p *program) audit(c *cli.Context) error {
	w, err := p.auditWriter(c)
	if err != nil {
		return err
	}
	grants, err := p.expected(c)
	if err != nil {
		return err
	}
	session, err := p.session(c)
	if err != nil {
		return err
	}
	defer p.close(c.Context, session)
	options := p.options(c)
	options.Holder = c.String(flagHolder)
	compared := &comparison{file: c.String(flagFile), grants: grants}
	each := func(h report.Holder) error {
		p.person().Done()
		compared.see(h)
		return w.Holder(h)
	}
	audit := grant.Audit
	if grants != nil {
		audit = func(ctx context.Context, inv exchange.Invoker, o grant.Options, yield func(report.Holder) error) (*report.Report, error) {
			return grant.AuditAgainst(ctx, inv, grants, o, yield)
		}
	}
	result, err := told(audit(c.Context, session, options, each))
	if err != nil {
		return inCommand(c, err)
	}
	p.person().Done()
	result.Account = options.Holder
	compared.tell(result)
	p.advise(c, result)
	if err := w.End(result); err != nil {
		return inCommand(c, err)
	}
	if result.Outcome != report.Audited {
		if asked, _ := format(c, auditFormats); asked != formatText || c.IsSet(flagOutput) {
			p.tellFailure(c, result)
		}
		return outcomeError{result.Outcome}
	}
	return nil
}

// expected are the grants of the file to compare with; nil where none is named.
func (p *program) expected(c *cli.Context) ([]exchange.Grant, error) {
	if !c.IsSet(flagFile) {
		return nil, nil
	}
	if c.IsSet(flagHolder) {
		return nil, usageErrorf("%s: --%s and -%s exclude each other", c.Command.HelpName, flagHolder, flagFile).
			withHint("a comparison with a file is of all holders")
	}
	return p.readGrants(c)
}

func (p *program) auditWriter(c *cli.Context) (auditWriter, error) {
	format, err := format(c, auditFormats)
	switch format {
	case formatText:
		return render.NewAuditText(p.stdout, p.style(p.stdout)), nil
	case formatJSON:
		return render.NewAuditJSON(p.stdout), nil
	case formatCSV:
		return render.NewAuditCSV(p.stdout), nil
	case formatJUnit:
		return render.NewAuditDocument(p.stdout, render.JUnit), nil
	case formatHTML:
		return render.NewAuditDocument(p.stdout, render.HTML), nil
	case formatYAML:
		return &export{w: p.stdout, seen: map[string]bool{}}, nil
	}
	return nil, err
}

// An export writes an audit as a file of grants. What no grant can say becomes a
// comment.
type export struct {
	w      io.Writer
	seen   map[string]bool // GUIDs: an assignment to a group has a row for each member
	grants []exchange.Grant
	left   []string
}

// Holder takes one row.
func (e *export) Holder(h report.Holder) error {
	if e.seen[h.GUID] {
		return nil
	}
	e.seen[h.GUID] = true
	g, why := exported(h)
	if why == "" {
		if err := g.Validate(); err != nil {
			why = err.Error()
		}
	}
	if why != "" {
		e.left = append(e.left, fmt.Sprintf("'%s' of %s is left out: %s", h.Assignment, h.Holder, why))
		return nil
	}
	e.grants = append(e.grants, g)
	return nil
}

// exported is the grant that a row shows, or why no grant can say it.
func exported(h report.Holder) (g exchange.Grant, why string) {
	holder := cmp.Or(h.Identity, h.Holder)
	g = exchange.Grant{Name: h.Assignment, Assignee: exchange.NewSecurityGroup(holder)}
	switch {
	case h.Via != "":
		g.Assignee.Identity = h.Via
	case strings.EqualFold(h.HolderType, "User"):
		g.Assignee = exchange.NewUser(holder)
	}
	switch h.Scope.Kind {
	case exchange.WholeOrganization:
		g.Scope.Kind = exchange.WholeOrganization
	case exchange.OrganizationalUnit:
		g.Scope = exchange.Scope{Kind: exchange.OrganizationalUnit, Text: h.Scope.Name}
	case exchange.RecipientFilter:
		g.Scope = exchange.Scope{Kind: exchange.Existing, Text: h.Scope.Name}
	default:
		why = "its scope is " + h.Scope.Text
	}
	switch {
	case h.Unresolved:
		why = "its account cannot be resolved"
	case h.Role != exchange.Role:
		why = "it is of the role " + h.Role
	case h.Delegation != "Regular":
		why = "it is delegating"
	case !h.Enabled:
		why = "it is disabled"
	}
	return g, why
}

// End writes the file, when the audit came to its end.
func (e *export) End(r *report.Report) error {
	if r.Outcome != report.Audited {
		return nil
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Grants of %s, for exgrant plan -f\n", oneLine(exchange.Role))
	for _, line := range e.left {
		fmt.Fprintf(&b, "# %s\n", oneLine(line))
	}
	if len(e.grants) == 0 {
		b.WriteString("# There is no grant to write.\n")
	} else if err := grantfile.Write(&b, e.grants); err != nil {
		return err
	}
	_, err := e.w.Write(b.Bytes())
	return err
}
