package exchangesim

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// DefaultUser is the administrator as whom sessions run that name nobody.
const DefaultUser = `CONTOSO\administrator`

// onlineServer is the server of an Exchange Online shell.
const onlineServer = "AM6PR03MB4616"

// SessionOptions are what a client brings to a session.
type SessionOptions struct {
	User     string // any identity of an account; empty is DefaultUser
	Language string // of messages: "en", "de" or "ja", or a culture of these (de-DE); empty or unknown is the organization's

	// Deserialized says that the client does not have Exchange's own types, as in a
	// session that New-PSSession opened: an identity is then what PowerShell makes of an
	// object that it does not know. Else it is an object of its type, as in a Management
	// Shell. It concerns scripts only.
	Deserialized bool
}

// A Session is one client's connection. Its view of the directory
// (Set-ADServerSettings) is its own, and so are its permissions: they are those
// of the moment in which it was opened, as on a real server. It is an
// exchange.Invoker and safe for concurrent use.
type Session struct {
	org         *Organization
	number      int
	user        *recipient // nil when the account does not exist
	name        string     // DOMAIN\name
	language    language
	permissions []permission

	deserialized bool

	// What follows is guarded by the organization's lock.
	viewRoot    string // RecipientViewRoot: a domain or organizational unit; empty views the entire forest
	preferredDC string
}

var _ exchange.Invoker = (*Session)(nil)

// Session opens a session. An account without any role, or an unknown one, gets
// a session without commands.
func (o *Organization) Session(so SessionOptions) *Session {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sessions++
	s := &Session{org: o, number: o.sessions, name: so.User, deserialized: so.Deserialized, viewRoot: o.defaultViewRoot()}
	if o.behaviour.ViewRoot != "" {
		s.viewRoot = o.behaviour.ViewRoot
	}
	if s.name == "" {
		s.name = DefaultUser
	}
	var ok bool
	if s.language, ok = languageByName(so.Language); !ok {
		s.language, _ = languageByName(o.behaviour.Language)
	}
	r := o.reader(o.clock.Now())
	if found := o.named(view{replica: r}, s.name, (*recipient).isUser); len(found) == 1 && !found[0].Disabled {
		s.user = found[0]
		s.name = o.domainOf(s.user.Container).NetBIOS + `\` + s.user.Sam
		s.permissions = o.permissions(r, s.user)
	}
	return s
}

// User returns the account of the session as DOMAIN\name, or as it was given
// when there is no such account.
func (s *Session) User() string { return s.name }

// Deserialized is that of the session's options.
func (s *Session) Deserialized() bool { return s.deserialized }

// Module returns the name of the module that implicit remoting would make of the
// session: the way by which a script tells an Exchange Online shell.
func (s *Session) Module() string {
	if s.org.behaviour.Online {
		return "tmpEXO_contoso.k3q"
	}
	return "tmp_contoso.k3q"
}

// A ParameterType is the type of a cmdlet's parameter, as a client must send it.
type ParameterType string

// The parameter types. Identities, GUIDs, filters and enumerations are text.
const (
	TypeString  ParameterType = "String"
	TypeStrings ParameterType = "Strings"
	TypeBool    ParameterType = "Bool"
	TypeSwitch  ParameterType = "Switch"
	TypeInt     ParameterType = "Int"
)

// CommandInfo describes a cmdlet, as Get-Command would.
type CommandInfo struct {
	Name                  string
	SupportsShouldProcess bool     // it has -WhatIf and -Confirm, which are not in Parameters
	ConfirmImpactHigh     bool     // it asks unless -Confirm:$false
	ParameterSets         []string // the default one first; empty when there is one only
	Parameters            []ParameterInfo
}

// ParameterInfo describes one parameter. The common parameters are left out.
type ParameterInfo struct {
	Name              string
	Type              ParameterType
	Sets              []string // the parameter sets that have it; empty is all of them
	Mandatory         bool     // in every parameter set that has it
	Position          int      // from 0; -1 when it can only be named
	ValueFromPipeline bool
}

// Commands returns the cmdlets that the caller's roles give, sorted by name, with
// the parameters that they leave.
func (s *Session) Commands() []CommandInfo {
	infos := make([]CommandInfo, len(s.permissions))
	for i, p := range s.permissions {
		known := s.parameters(p)
		infos[i] = CommandInfo{Name: p.cmdlet.name, SupportsShouldProcess: p.cmdlet.shouldProcess, ConfirmImpactHigh: p.cmdlet.highImpact,
			ParameterSets: p.cmdlet.usableSets(known)}
		for _, q := range known {
			info := q.ParameterInfo
			info.Sets = slices.Clone(info.Sets)
			infos[i].Parameters = append(infos[i].Parameters, info)
		}
	}
	return infos
}

// parameters returns those parameters of a cmdlet that the caller may use.
func (s *Session) parameters(p permission) []parameter {
	var usable []parameter
	for _, q := range p.cmdlet.parameters {
		if slices.Contains(p.trimmed, q.Name) || q.onPrem && s.org.behaviour.Online || q.online && !s.org.behaviour.Online {
			continue
		}
		usable = append(usable, q)
	}
	return usable
}

// Invoke runs one pipeline. Objects of a command become the -Identity (or
// -Member) of the next, one by one, by their distinguished name. See
// exchange.Invoker.
func (s *Session) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	var streams exchange.Streams
	if len(p) == 0 {
		return streams, fmt.Errorf("invoke an empty pipeline: it has no command")
	}
	err := s.invoke(ctx, p, nil, &streams, yield)
	return streams, err
}

// invoke runs the first command of a pipeline and hands its objects to the rest.
func (s *Session) invoke(ctx context.Context, p exchange.Pipeline, input *exchange.Object, streams *exchange.Streams, yield func(exchange.Object) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := s.runAny(p[0], input)
	streams.Errors = append(streams.Errors, c.errors...)
	streams.Warnings = append(streams.Warnings, c.warnings...)
	streams.Failed = streams.Failed || c.failed
	for i, object := range c.output {
		if i%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		o := object()
		var err error
		if len(p) == 1 {
			err = yield(o)
		} else {
			err = s.invoke(ctx, p[1:], &o, streams, yield)
		}
		if err != nil {
			return err
		}
		if streams.Failed {
			break
		}
	}
	return nil
}

// runAny runs a cmdlet of the organization, or Get-Command, which every session has.
func (s *Session) runAny(command exchange.Command, input *exchange.Object) *call {
	if strings.EqualFold(command.Cmdlet, getCommand) {
		return s.runGetCommand(command)
	}
	return s.run(command, input)
}
