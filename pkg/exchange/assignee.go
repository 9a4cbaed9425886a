package exchange

// AssigneeKind is who receives the role.
type AssigneeKind string

// The kinds of assignees.
const (
	User          AssigneeKind = "user"
	SecurityGroup AssigneeKind = "group"     // a universal security group; its members hold the role
	RoleGroup     AssigneeKind = "roleGroup" // a role group that exgrant creates or completes
)

// An Assignee is who receives the role.
type Assignee struct {
	Kind     AssigneeKind
	Identity string // any identity Exchange takes: UPN, DOMAIN\name, DN, GUID, name; for a RoleGroup its name

	// Members are the identities that a RoleGroup must have. Others only for kind RoleGroup.
	Members []string
	// ViewOnlyConfiguration gives a RoleGroup the role View-Only Configuration too.
	ViewOnlyConfiguration bool
}

// NewUser is the assignee that is one account.
func NewUser(identity string) Assignee { return Assignee{Kind: User, Identity: identity} }

// NewSecurityGroup is the assignee that is an existing universal security group.
func NewSecurityGroup(identity string) Assignee {
	return Assignee{Kind: SecurityGroup, Identity: identity}
}
