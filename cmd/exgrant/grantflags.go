package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/grantfile"
	"github.com/exgrant/exgrant/internal/textfile"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// The grant flags: who gets the right, for which mailboxes, under which name.
// Their names are those of exchange.FieldError, so that an error names the flag.
const (
	flagUser              = "user"
	flagGroup             = "group"
	flagRoleGroup         = "role-group"
	flagMember            = "member"
	flagViewOnlyConfig    = "view-only-configuration"
	flagMailbox           = "mailbox"
	flagName              = "name"
	flagDomainController  = "domain-controller"
	flagScopeGroup        = "scope-group"
	flagScopeOU           = "scope-ou"
	flagScopeFilter       = "scope-filter"
	flagScopeName         = "scope-name"
	flagWholeOrganization = "whole-organization"
	flagFile              = "f"
)

// envDomainController is used where neither a flag nor the file names one.
const envDomainController = "EXGRANT_DOMAIN_CONTROLLER"

// identifyingFlags are the grant flags that mean one grant. With several grants
// in a file they would have to mean one of them.
var identifyingFlags = []string{flagUser, flagGroup, flagRoleGroup, flagMember, flagViewOnlyConfig, flagMailbox,
	flagName, flagScopeGroup, flagScopeOU, flagScopeFilter, flagScopeName, flagWholeOrganization}

func grantFlags() []cli.Flag {
	const (
		who   = "Who gets the right (exactly one of user, group, role group)"
		which = "For which mailboxes (exactly one)"
		how   = "Details"
	)
	return []cli.Flag{
		&cli.StringFlag{Name: flagUser, Category: who, Usage: "`ACCOUNT`: DOMAIN\\name, UPN, DN, GUID or name"},
		&cli.StringFlag{Name: flagGroup, Category: who, Usage: "an existing universal security `GROUP`"},
		&cli.StringFlag{Name: flagRoleGroup, Category: who, Usage: "a role group of this `NAME`, made if missing"},
		&cli.StringSliceFlag{Name: flagMember, Category: who, Usage: "a `MEMBER` of the role group"},
		&cli.BoolFlag{Name: flagViewOnlyConfig, Category: who, Usage: "also give it View-Only Configuration"},
		&cli.StringFlag{Name: flagMailbox, Category: who, Usage: "the service's `MAILBOX`; alone also the user"},
		&cli.StringFlag{Name: flagScopeGroup, Category: which, Usage: "the direct members of a `GROUP`"},
		&cli.StringFlag{Name: flagScopeOU, Category: which, Usage: "everybody in this organizational unit (`OU`)"},
		&cli.StringFlag{Name: flagScopeFilter, Category: which, Usage: "everybody whom an OPATH `FILTER` matches"},
		&cli.StringFlag{Name: flagScopeName, Category: which,
			Usage: "an existing scope, or the `NAME` of the one to make"},
		&cli.BoolFlag{Name: flagWholeOrganization, Category: which, Usage: "every mailbox there is"},
		&cli.StringFlag{Name: flagName, Category: how, Usage: "`NAME` of the assignment; derived when left out"},
		&cli.StringFlag{Name: flagDomainController, Category: how,
			Usage: "`FQDN` of the one that takes the changes"},
		&cli.StringFlag{Name: flagFile, Category: how, Usage: "grants in a YAML `FILE`, - for standard input"},
	}
}

// grants returns the grants that the command line asks for, validated. It is one
// unless -f names a file with several.
func (p *program) grants(c *cli.Context) ([]exchange.Grant, error) {
	grants := []exchange.Grant{{}}
	if c.IsSet(flagFile) {
		var err error
		if grants, err = p.readGrants(c); err != nil {
			return nil, err
		}
	}
	if len(grants) > 1 {
		if set := given(c, identifyingFlags); len(set) > 0 {
			return nil, usageErrorf("%s: --%s cannot say which of the %d grants in %s it means",
				c.Command.HelpName, set[0], len(grants), fileName(c.String(flagFile))).
				withHint("write it into the file, or keep one grant in it")
		}
	}
	for i := range grants {
		if err := override(c, &grants[i]); err != nil {
			return nil, err
		}
		if grants[i].DomainController == "" {
			grants[i].DomainController = p.getenv(envDomainController)
		}
		if err := grants[i].Validate(); err != nil {
			return nil, invalidGrant(c, err)
		}
	}
	return grants, nil
}

// checkedGrants is grants with the mailboxes by which they are checked, and what else of
// their accounts is known.
func (p *program) checkedGrants(c *cli.Context) ([]exchange.Grant, error) {
	grants, err := p.grants(c)
	if err != nil {
		return nil, err
	}
	for i := range grants {
		addChecks(c, &grants[i])
		if err := grants[i].Validate(); err != nil {
			return nil, invalidGrant(c, err)
		}
	}
	return grants, nil
}

// otherGrants are those of a file beside one of them: they explain each other.
func otherGrants(grants []exchange.Grant, i int) []exchange.Grant {
	return slices.Concat(grants[:i], grants[i+1:])
}

func addChecks(c *cli.Context, g *exchange.Grant) {
	g.InScope = append(g.InScope, c.StringSlice(flagInScope)...)
	g.OutOfScope = append(g.OutOfScope, c.StringSlice(flagOutScope)...)
	g.Accept = append(g.Accept, c.StringSlice(flagAccept)...)
}

// isNameAlone tells whether --name stands alone: it is unique in an organization, and
// means an assignment that is there.
func (p *program) isNameAlone(c *cli.Context) bool {
	set := given(c, append([]string{flagFile}, identifyingFlags...))
	return len(set) == 1 && set[0] == flagName
}

func (p *program) readGrants(c *cli.Context) ([]exchange.Grant, error) {
	name := c.String(flagFile)
	if name == "" {
		return nil, emptyValue(c, flagFile)
	}
	text, err := p.readDecoded(c, name, 2*grantfile.MaxSize, decodeGrants)
	if err != nil {
		return nil, err
	}
	grants, err := grantfile.Read(bytes.NewReader(text), fileName(name))
	if err != nil {
		return nil, invalidFile(c, err)
	}
	return grants, nil
}

// decodeGrants leaves what is no text to grantfile, which says in which line it is.
func decodeGrants(data []byte) ([]byte, error) {
	if text, err := textfile.Decode(data); err == nil {
		return text, nil
	}
	return data, nil
}

// maxListed is how many errors of a file are shown; the first says how many more
// there are.
const maxListed = 5

func invalidFile(c *cli.Context, err error) error {
	invalid := usageErrorf("%s: %w", c.Command.HelpName, err)
	var errs grantfile.Errors
	if errors.As(err, &errs) && len(errs) > 1 {
		for _, e := range errs[1:min(len(errs), maxListed)] {
			invalid.withHint("also %v", e)
		}
	}
	return invalid.withHint("%s --help shows a file", c.Command.HelpName)
}

// cannotRead is the error of an input file that the system does not give.
func cannotRead(c *cli.Context, name string, err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	if isHeld(err) {
		return usageErrorf("%s: cannot read %s: another program has it open: %w", c.Command.HelpName, name, err).withHint("close it there")
	}
	return usageErrorf("%s: cannot read %s: %w", c.Command.HelpName, name, err).
		withHint("check the path; - reads standard input")
}

func fileName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// override puts what the flags say over the file's grant, or over an empty one.
func override(c *cli.Context, g *exchange.Grant) error {
	if err := overrideAssignee(c, g); err != nil {
		return err
	}
	if err := overrideScope(c, &g.Scope); err != nil {
		return err
	}
	if err := overrideText(c, flagName, &g.Name); err != nil {
		return err
	}
	return overrideText(c, flagDomainController, &g.DomainController)
}

func overrideText(c *cli.Context, flag string, field *string) error {
	if !c.IsSet(flag) {
		return nil
	}
	if c.String(flag) == "" {
		return emptyValue(c, flag)
	}
	*field = c.String(flag)
	return nil
}

func overrideAssignee(c *cli.Context, g *exchange.Grant) error {
	set := given(c, []string{flagUser, flagGroup, flagRoleGroup})
	if len(set) > 1 {
		return usageErrorf("%s: %s exclude each other", c.Command.HelpName, flagList(set)).
			withHint("one grant has one assignee: write two grants")
	}
	for _, flag := range set {
		kind := map[string]exchange.AssigneeKind{
			flagUser: exchange.User, flagGroup: exchange.SecurityGroup, flagRoleGroup: exchange.RoleGroup}[flag]
		g.Assignee = exchange.Assignee{Kind: kind, Identity: c.String(flag)}
	}
	if c.IsSet(flagMember) {
		g.Assignee.Members = c.StringSlice(flagMember)
	}
	if c.IsSet(flagViewOnlyConfig) {
		g.Assignee.ViewOnlyConfiguration = c.Bool(flagViewOnlyConfig)
	}
	if c.IsSet(flagMailbox) {
		mailbox := c.String(flagMailbox)
		if mailbox == "" {
			return emptyValue(c, flagMailbox)
		}
		if len(set) == 0 && g.Mailbox != "" && g.Assignee.Identity == g.Mailbox && mailbox != g.Mailbox {
			return usageErrorf("%s: --mailbox would leave the right with %q, the mailbox of the file", c.Command.HelpName, g.Mailbox).
				withHint("name the account too: --user")
		}
		g.Mailbox = mailbox
	}
	if g.Assignee.Kind == "" && g.Mailbox != "" {
		g.Assignee.Kind, g.Assignee.Identity = exchange.User, g.Mailbox
	}
	return nil
}

func overrideScope(c *cli.Context, s *exchange.Scope) error {
	set := given(c, []string{flagScopeGroup, flagScopeOU, flagScopeFilter, flagWholeOrganization})
	named := c.IsSet(flagScopeName)
	switch {
	case len(set) > 1:
		return usageErrorf("%s: %s exclude each other", c.Command.HelpName, flagList(set)).
			withHint("one grant has one scope: write two grants")
	case len(set) == 0 && !named:
		return nil
	case len(set) == 0 && s.Creates():
		return usageErrorf("%s: --%s beside %s could mean two things", c.Command.HelpName, flagScopeName, fileName(c.String(flagFile))).
			withHint("to name the scope that is made, repeat --%s or --%s too", flagScopeGroup, flagScopeFilter).
			withHint("to use a scope that exists, change the file")
	case len(set) == 0:
		*s = exchange.Scope{Kind: exchange.Existing, Text: c.String(flagScopeName)}
		return nil
	}
	if named && c.String(flagScopeName) == "" {
		return emptyValue(c, flagScopeName)
	}
	*s = exchange.Scope{Name: c.String(flagScopeName)}
	switch set[0] {
	case flagScopeGroup:
		s.Kind, s.Text = exchange.Group, c.String(flagScopeGroup)
	case flagScopeOU:
		s.Kind, s.Text = exchange.OrganizationalUnit, c.String(flagScopeOU)
	case flagScopeFilter:
		*s = exchange.NewFilterScope(c.String(flagScopeFilter), s.Name)
	case flagWholeOrganization:
		s.Kind = exchange.WholeOrganization
	}
	return nil
}

// given returns those of the flags that the command line sets. A switch that is
// set to false counts as left out.
func given(c *cli.Context, flags []string) []string {
	var set []string
	for _, f := range flags {
		isSwitch := f == flagViewOnlyConfig || f == flagWholeOrganization
		if c.IsSet(f) && (!isSwitch || c.Bool(f)) {
			set = append(set, f)
		}
	}
	return set
}

func flagList(names []string) string {
	dashedNames := make([]string, len(names))
	for i, n := range names {
		dashedNames[i] = "--" + n
	}
	last := len(names) - 1
	return strings.Join(dashedNames[:last], ", ") + " and " + dashedNames[last]
}

func emptyValue(c *cli.Context, flag string) error {
	return usageErrorf("%s: %s must not be empty", c.Command.HelpName, dashed(flag)).
		withHint("a variable without a value gives an empty flag; leave the flag out if it is not meant")
}

// invalidGrant tells what Validate found in the words of the command line.
func invalidGrant(c *cli.Context, err error) error {
	var fields exchange.ValidationError
	if !errors.As(err, &fields) {
		return usageErrorf("%s: %w", c.Command.HelpName, err)
	}
	var texts []string
	failed := usageErrorf("")
	for _, f := range fields {
		switch {
		case f.Field == flagUser && f.Value == "" && given(c, []string{flagUser}) == nil:
			texts = append(texts, "nobody to give the right to")
			failed.withHint("name the account: --%s, --%s, --%s or --%s", flagUser, flagGroup, flagRoleGroup, flagMailbox)
		case f.Field == "scope" && c.Command.Name != "plan" && c.Command.Name != "apply" && c.Command.Name != "grant":
			texts = append(texts, "which grant? Its scope is missing")
			failed.withHint("name its scope as it was granted: --%s GROUP, --%s OU, --%s FILTER, --%s NAME or --%s",
				flagScopeGroup, flagScopeOU, flagScopeFilter, flagScopeName, flagWholeOrganization)
			switch {
			case findFlag(c.Command, flagGUID) != nil:
				failed.withHint("or the assignment itself: --%s NAME alone, or --%s GUID (exgrant audit lists both)", flagName, flagGUID)
			case findFlag(c.Command, flagFrom) != nil:
				failed.withHint("or the report of the grant: --%s REPORT.json", flagFrom)
			default:
				failed.withHint("exgrant audit lists what stands, with its scope")
			}
		case f.Field == "scope":
			texts = append(texts, "no scope: a right for every mailbox is never the default")
			failed.withHint("choose one: --%s GROUP, --%s OU, --%s FILTER, --%s NAME (existing)",
				flagScopeGroup, flagScopeOU, flagScopeFilter, flagScopeName).
				withHint("or every mailbox there is: --%s", flagWholeOrganization)
		case f.Value == "":
			texts = append(texts, fmt.Sprintf("--%s %s", f.Field, f.Rule))
		default:
			texts = append(texts, fmt.Sprintf("--%s \"%s\" %s", f.Field, f.Value, f.Rule))
		}
	}
	failed.err = fmt.Errorf("%s: %s", c.Command.HelpName, strings.Join(texts, "; "))
	if len(failed.hints) == 0 {
		failed.withHint("%s --help shows what each flag takes", c.Command.HelpName)
	}
	return failed
}
