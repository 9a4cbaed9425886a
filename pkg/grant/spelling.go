package grant

import (
	"context"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// ownNames are the names that this program may have given the grant: its own, or where
// it has none those that are derived from any spelling of the account and the scope. A
// script is written without a server, and names the grant after what was typed.
func (r *run) ownNames(ctx context.Context, assignee exchange.Object, w *wanted) ([]string, error) {
	if r.grant.Name != "" {
		return []string{r.grant.Name}, nil
	}
	accounts, err := r.spellings(ctx, assignee, r.grant.Assignee.Identity)
	if err != nil {
		return nil, err
	}
	scopes, err := r.scopeSpellings(ctx, w)
	if err != nil {
		return nil, err
	}
	names := []string{r.name}
	for _, account := range accounts {
		for _, scope := range scopes {
			g := exchange.Grant{Assignee: exchange.Assignee{Kind: r.grant.Assignee.Kind, Identity: account}, Scope: scope}
			names = append(names, g.AssignmentName())
		}
	}
	return distinct(names), nil
}

// spellings are the identities by which an account or group may have been named.
func (r *run) spellings(ctx context.Context, o exchange.Object, given string) ([]string, error) {
	objects := []exchange.Object{o}
	if r.has(getRecipient) {
		recipient, err := r.listLoosely(ctx, commands.GetRecipient(o.Text("Guid")))
		if err != nil {
			return nil, err
		}
		objects = append(objects, recipient...)
	}
	all := []string{given}
	for _, o := range objects {
		for _, property := range []string{"Name", "DisplayName", "SamAccountName", "UserPrincipalName", "DistinguishedName", "Identity", "Guid", "Sid",
			"Alias", "PrimarySmtpAddress", "WindowsEmailAddress", "LegacyExchangeDN"} {
			all = append(all, o.Text(property))
		}
		for _, address := range o.Strings("EmailAddresses") {
			if _, plain, ok := strings.Cut(address, ":"); ok {
				address = plain
			}
			all = append(all, address)
		}
		if sam := o.Text("SamAccountName"); sam != "" {
			for _, domain := range r.domains(o, given) {
				all = append(all, domain+`\`+sam, sam+"@"+domain)
			}
		}
	}
	return distinct(all), nil
}

// domains are the names that an object's domain may have: by its DNS name, the first
// label of it, which is mostly the NetBIOS name, and what was typed.
func (r *run) domains(o exchange.Object, given string) []string {
	var all []string
	if dns, _, ok := strings.Cut(o.Text("Identity"), "/"); ok {
		label, _, _ := strings.Cut(dns, ".")
		all = append(all, dns, label)
	}
	for _, typed := range []string{given, r.report.Operator} {
		if domain, _, ok := strings.Cut(typed, `\`); ok {
			all = append(all, domain)
		}
	}
	return all
}

// scopeSpellings are the scopes that mean the same mailboxes, as they may have been
// asked for.
func (r *run) scopeSpellings(ctx context.Context, w *wanted) ([]exchange.Scope, error) {
	given := r.grant.Scope
	all := []exchange.Scope{{Kind: given.Kind, Text: given.Text}}
	add := func(kind exchange.ScopeKind, texts ...string) {
		for _, text := range distinct(texts) {
			all = append(all, exchange.Scope{Kind: kind, Text: text})
		}
	}
	switch w.kind {
	case writeUnit:
		add(exchange.OrganizationalUnit, w.unit, w.unitDN, strings.TrimSuffix(w.unit, "/"), leaf(w.unit))
	case writeCustom:
		add(exchange.RecipientFilter, w.filter)
		for _, scope := range r.scopes {
			if compareScope(scope, w) == equal {
				add(exchange.RecipientFilter, scope.Text("RecipientFilter"))
				add(exchange.Existing, scope.Text("Name"), scope.Text("Guid"), scope.Text("DistinguishedName"), scope.Text("Identity"))
			}
		}
		group := w.group
		if m := memberOfPattern.FindStringSubmatch(w.filter); group == nil && m != nil {
			dn := strings.ReplaceAll(m[1], "''", "'")
			found, there, err := r.seek(ctx, commands.GetGroup(dn))
			if err != nil {
				return nil, err
			}
			if there {
				group = &found
			}
		}
		if group == nil {
			break
		}
		texts, err := r.spellings(ctx, *group, given.Text)
		if err != nil {
			return nil, err
		}
		add(exchange.Group, texts...)
	}
	return all, nil
}

// distinct drops empty texts and repetitions.
func distinct(texts []string) []string {
	texts = slices.DeleteFunc(texts, func(s string) bool { return s == "" })
	slices.Sort(texts)
	return slices.Compact(texts)
}
