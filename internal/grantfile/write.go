package grantfile

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// Write writes grants as a file that Read gives back, in one call of w.Write. The
// grants must be valid and at least one; the same grants give the same bytes.
func Write(w io.Writer, grants []exchange.Grant) error {
	if len(grants) == 0 {
		return fmt.Errorf("cannot write a file of grants: there are none")
	}
	var b printer
	b.line(0, "apiVersion", apiVersion)
	b.open(0, "grants")
	for i, g := range grants {
		if err := g.Validate(); err != nil {
			return fmt.Errorf("cannot write grant %d: %w", i+1, err)
		}
		b.grant(g)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// A printer writes block mappings; the first key of a list item takes its dash.
type printer struct {
	bytes.Buffer
	item bool // the next line begins an item
}

func (b *printer) grant(g exchange.Grant) {
	b.item = true
	b.text(2, "name", g.Name)
	switch a := g.Assignee; a.Kind {
	case exchange.User:
		b.text(2, "user", a.Identity)
	case exchange.SecurityGroup:
		b.text(2, "group", a.Identity)
	case exchange.RoleGroup:
		b.open(2, "roleGroup")
		b.text(4, "name", a.Identity)
		b.list(4, "members", a.Members)
		if a.ViewOnlyConfiguration {
			b.line(4, "viewOnlyConfiguration", "true")
		}
	}
	b.text(2, "mailbox", g.Mailbox)
	b.open(2, "scope")
	switch s := g.Scope; s.Kind {
	case exchange.WholeOrganization:
		b.line(4, "wholeOrganization", "true")
	case exchange.Group:
		b.text(4, "group", s.Text)
	case exchange.OrganizationalUnit:
		b.text(4, "ou", s.Text)
	case exchange.RecipientFilter:
		b.text(4, "filter", s.Text)
	case exchange.Existing:
		b.text(4, "name", s.Text)
	}
	b.text(4, "name", g.Scope.Name)
	b.text(2, "domainController", g.DomainController)
	if len(g.InScope)+len(g.OutOfScope) > 0 {
		b.open(2, "verify")
		b.list(4, "inScope", g.InScope)
		b.list(4, "outOfScope", g.OutOfScope)
	}
	b.list(2, "accept", g.Accept)
}

func (b *printer) open(indent int, key string) { b.line(indent, key, "") }

func (b *printer) line(indent int, key, value string) {
	lead := strings.Repeat(" ", indent)
	if indent > 0 {
		lead += "  "
	}
	if b.item {
		lead, b.item = strings.Repeat(" ", indent)+"- ", false
	}
	b.WriteString(strings.TrimRight(lead+key+": "+value, " ") + "\n")
}

// text writes a key with its text, nothing when there is none.
func (b *printer) text(indent int, key, value string) {
	if value != "" {
		b.line(indent, key, scalar(value))
	}
}

func (b *printer) list(indent int, key string, values []string) {
	if len(values) == 0 {
		return
	}
	b.open(indent, key)
	for _, v := range values {
		b.WriteString(strings.Repeat(" ", indent+4) + "- " + scalar(v) + "\n")
	}
}

// plainText are texts that every YAML reader takes for text without quotes, but for
// the words that some read as something else.
var (
	plainText  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.@\\/-]*( [A-Za-z0-9_.@\\/-]+)*$`)
	otherWords = []string{"true", "false", "yes", "no", "on", "off", "y", "n", "null", "nan", "inf"}
)

// scalar writes a text; it holds no line break, since valid grants hold none.
func scalar(s string) string {
	if plainText.MatchString(s) && !slices.Contains(otherWords, strings.ToLower(s)) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}
