// Package psgen prints grants as PowerShell scripts.
package psgen

import (
	"io"

	"github.com/exgrant/exgrant/pkg/exchange"
)

type Style int

const (
	Full Style = iota
	Minimal
)

func Grant(w io.Writer, g exchange.Grant, s Style) error  { panic("being written") }
func Revoke(w io.Writer, g exchange.Grant, s Style) error { panic("being written") }
func Rollback(w io.Writer, r exchange.Report) error       { panic("being written") }
func Status(w io.Writer, g exchange.Grant) error          { panic("being written") }
func Audit(w io.Writer) error                             { panic("being written") }
func Literal(s string) (string, error)                    { return exchange.Quote(s) }
