package exchangesim

import (
	"time"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// A Call is one command that a session ran.
type Call struct {
	Session int    // counts the organization's sessions from 1
	User    string // the caller, as DOMAIN\name
	At      time.Time
	Command exchange.Command
	WhatIf  bool
	Writes  bool   // the command changed the organization
	Fault   string // FailureCategory or FullyQualifiedErrorID of its first error; empty when it had none
}

// Calls returns every command so far, in order.
func (o *Organization) Calls() []Call { return nil }
