package exchangesim

import (
	"context"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// DefaultUser is the administrator as whom sessions run that name nobody.
const DefaultUser = `CONTOSO\administrator`

// SessionOptions are what a client brings to a session.
type SessionOptions struct {
	User     string // any identity of an account; empty is DefaultUser
	Language string // of messages: "en", "de" or "ja"; empty is the organization's
}

// A Session is one client's connection. Its view of the directory
// (Set-ADServerSettings) is its own. It is an exchange.Invoker and safe for
// concurrent use.
type Session struct {
	org *Organization
}

// Session opens a session. An account without any role, or an unknown one, gets
// a session without commands.
func (o *Organization) Session(so SessionOptions) *Session { return &Session{org: o} }

// Invoke runs one pipeline. See exchange.Invoker.
func (s *Session) Invoke(ctx context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	return exchange.Streams{}, nil
}

// Commands returns the cmdlets that the caller's roles give, sorted by name.
func (s *Session) Commands() []CommandInfo { return nil }

// Module returns the name of the module that implicit remoting would make of the
// session: the way by which a script tells an Exchange Online shell.
func (s *Session) Module() string { return "" }

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
	SupportsShouldProcess bool // it has -WhatIf and -Confirm, which are not in Parameters
	ConfirmImpactHigh     bool // it asks unless -Confirm:$false
	Parameters            []ParameterInfo
}

// ParameterInfo describes one parameter. The common parameters are left out.
type ParameterInfo struct {
	Name              string
	Type              ParameterType
	Mandatory         bool // in every parameter set that has it
	Position          int  // from 0; -1 when it can only be named
	ValueFromPipeline bool
}
