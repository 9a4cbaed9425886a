package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/grantfile"
	"github.com/exgrant/exgrant/internal/render"
	"github.com/exgrant/exgrant/pkg/exchange"
)

var auditFormats = []string{formatText, formatJSON, formatYAML}

func (p *program) auditCommand() *cli.Command {
	return &cli.Command{
		Name:      "audit",
		Usage:     "list everybody who holds the role at a server",
		UsageText: "exgrant audit --server NAME [flags]",
		Description: `Lists every holder of every role of this type, direct and through groups, with
the scope in words. Changes nothing. --format yaml writes the grants as a file
that exgrant plan -f takes.`,
		Flags:  append(formatFlags(auditFormats), sessionFlags()...),
		Action: p.audit,
	}
}

// An auditWriter prints holders as they arrive, and then the rest of the report.
type auditWriter interface {
	Holder(exchange.Holder) error
	End(*exchange.Report) error
}

func (p *program) audit(c *cli.Context) error {
	w, err := p.auditWriter(c)
	if err != nil {
		return err
	}
	operator, err := p.operator(c, p.options(c))
	if err != nil {
		return err
	}
	defer p.close(c.Context, operator)
	report, err := operator.Audit(c.Context, func(h exchange.Holder) error {
		p.person().Done()
		return w.Holder(h)
	})
	if err != nil {
		return inCommand(c, err)
	}
	p.person().Done()
	if err := w.End(report); err != nil {
		return inCommand(c, err)
	}
	if report.Outcome != exchange.Audited {
		p.tellFailure(c, report)
		return outcomeError{report.Outcome}
	}
	return nil
}

func (p *program) auditWriter(c *cli.Context) (auditWriter, error) {
	format, err := format(c, auditFormats)
	switch format {
	case formatText:
		return render.NewAuditText(p.stdout, p.style(p.stdout)), nil
	case formatJSON:
		return render.NewAuditJSON(p.stdout), nil
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
func (e *export) Holder(h exchange.Holder) error {
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
func exported(h exchange.Holder) (g exchange.Grant, why string) {
	g = exchange.Grant{Name: h.Assignment, Assignee: exchange.NewSecurityGroup(h.Holder)}
	switch {
	case h.Via != "":
		g.Assignee.Identity = h.Via
	case strings.EqualFold(h.HolderType, "User"):
		g.Assignee = exchange.NewUser(h.Holder)
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
func (e *export) End(r *exchange.Report) error {
	if r.Outcome != exchange.Audited {
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
