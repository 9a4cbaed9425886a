package exchangesim

import (
	"slices"
	"strings"
)

// A domain is one domain of the forest. The first is the forest's root.
type domain struct {
	Name    string   // DNS name
	NetBIOS string   // of DOMAIN\name
	SID     string   // without an account's last part
	DCs     []string // host names of the domain controllers, the preferred one first
}

// holds reports whether a container is in the domain.
func (d domain) holds(container string) bool {
	return container == d.Name || strings.HasPrefix(container, d.Name+"/")
}

func (d domain) dn() string { return "DC=" + strings.ReplaceAll(d.Name, ".", ",DC=") }

var (
	contoso = domain{
		Name: "contoso.test", NetBIOS: "CONTOSO", SID: "S-1-5-21-1281225956-1072373970-2205875210",
		DCs: []string{"DC01.contoso.test", "DC02.contoso.test"},
	}
	emea = domain{
		Name: "emea.contoso.test", NetBIOS: "EMEA", SID: "S-1-5-21-3341852204-812490771-1150238846",
		DCs: []string{"EMEA-DC01.emea.contoso.test"},
	}
)

const (
	organizationName   = "First Organization"
	configurationName  = "contoso.test/Configuration"
	organizationDN     = "CN=First Organization,CN=Microsoft Exchange,CN=Services,CN=Configuration,DC=contoso,DC=test"
	securityGroupsOU   = "contoso.test/Microsoft Exchange Security Groups"
	roleAssignmentsRDN = "CN=Role Assignments,CN=RBAC,"
	scopesRDN          = "CN=Scopes,CN=RBAC,"
	rolesRDN           = "CN=Roles,CN=RBAC,"
	policiesRDN        = "CN=Policies,CN=RBAC,"
)

// escapeRDN writes a name as the value of an RDN (RFC 4514, section 2.4).
func escapeRDN(name string) string {
	if !strings.ContainsAny(name, "\\,+\"<>;=#") && strings.TrimSpace(name) == name {
		return name
	}
	var b strings.Builder
	for i, r := range name {
		switch {
		case strings.ContainsRune("\\,+\"<>;=", r), r == '#' && i == 0, r == ' ' && (i == 0 || i == len(name)-1):
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// escapeCanonical writes a name as the last part of a canonical name.
func escapeCanonical(name string) string { return strings.ReplaceAll(name, "/", `\/`) }

// An organizationalUnit is a container of recipients. Name and parents are in
// its canonical name.
type organizationalUnit struct {
	Canonical string
	Container bool // a container (CN=Users), no organizational unit (OU=…)
}

func (u organizationalUnit) name() string {
	return u.Canonical[strings.LastIndexByte(u.Canonical, '/')+1:]
}

func (u organizationalUnit) dn(domains []domain) string {
	return containerDN(u.Canonical, u.Container, domains)
}

// containerDN turns the canonical name of a container into its distinguished
// name. Only the last part can be a container that is no organizational unit.
func containerDN(canonical string, container bool, domains []domain) string {
	parts := strings.Split(canonical, "/")
	i := slices.IndexFunc(domains, func(d domain) bool { return strings.EqualFold(d.Name, parts[0]) })
	if i < 0 {
		return ""
	}
	dn := domains[i].dn()
	for j, part := range parts[1:] {
		attribute := "OU="
		if container && j == len(parts)-2 {
			attribute = "CN="
		}
		dn = attribute + escapeRDN(part) + "," + dn
	}
	return dn
}

// containerDN returns the distinguished name of a container that recipients are in.
func (o *Organization) containerDN(canonical string) string {
	dn, ok := o.containers[canonical]
	if !ok {
		dn = containerDN(canonical, strings.HasSuffix(canonical, "/Users") || strings.HasSuffix(canonical, "/Builtin"), o.domains)
		o.containers[canonical] = dn
	}
	return dn
}

// findOUs returns the organizational units that an identity means: a canonical
// name, distinguished name or GUID means one, a name perhaps several.
func (o *Organization) findOUs(identity string) []organizationalUnit {
	var found []organizationalUnit
	for _, u := range o.units {
		if strings.EqualFold(u.Canonical, strings.TrimSuffix(identity, "/")) || strings.EqualFold(u.dn(o.domains), identity) {
			return []organizationalUnit{u}
		}
		if strings.EqualFold(u.name(), identity) || identity == string(o.unitGUID(u)) {
			found = append(found, u)
		}
	}
	return found
}

// domainOf returns the domain that a canonical name is in.
func (o *Organization) domainOf(canonical string) domain {
	first, _, _ := strings.Cut(canonical, "/")
	for _, d := range o.domains {
		if d.Name == first {
			return d
		}
	}
	return o.domains[0]
}

// findDC returns the full host name of a domain controller and its domain.
func (o *Organization) findDC(name string) (string, domain, bool) {
	for _, d := range o.domains {
		for _, dc := range d.DCs {
			short, _, _ := strings.Cut(dc, ".")
			if strings.EqualFold(dc, name) || strings.EqualFold(short, name) {
				return dc, d, true
			}
		}
	}
	return "", domain{}, false
}
