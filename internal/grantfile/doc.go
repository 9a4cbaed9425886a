// Package grantfile reads and writes grants as YAML:
//
//	apiVersion: exgrant/v1
//	grants:
//	  - user: CONTOSO\svc-reschedule
//	    scope:
//	      group: Reschedule Users
//	    verify:
//	      inScope: [anna]
//	      outOfScope: [boss]
//
// Reading is strict: what is unknown, doubled, ambiguous or of the wrong type is an
// error with its line and column, and nothing is guessed. Schema is the same as
// JSON Schema, for editors.
package grantfile

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// apiVersion is the only value of the key apiVersion.
const apiVersion = "exgrant/v1"

// Limits of Read.
const (
	MaxSize   = 1 << 20 // bytes
	maxGrants = 10_000
	maxErrors = 100
	maxDepth  = 16  // lists and mappings within each other in one line
	maxKeys   = 64  // of one mapping
	maxEmpty  = 100 // lines in a row
)

// jsonSchema is the JSON Schema (draft 2020-12) of the file.
//
//go:embed schema.json
var jsonSchema []byte

// An Error is one thing that is wrong with a file.
type Error struct {
	File   string
	Line   int    // from 1
	Column int    // from 1, in characters
	Key    string // path of the key, such as "grants[0].scope.group"; empty for the file as a whole
	Value  string // what stands there; empty when the key itself is wrong or missing
	Rule   string
}

func (e *Error) Error() string {
	what := e.Key
	if e.Value != "" {
		what = strings.TrimSpace(fmt.Sprintf("%s %q", e.Key, e.Value))
	}
	if what != "" {
		what += ": "
	}
	return fmt.Sprintf("%s:%d:%d: %s%s", e.File, e.Line, e.Column, what, e.Rule)
}

// Errors is everything that was found wrong with a file, in its order; at most 100.
type Errors []*Error

// Error gives the first error and how many more there are.
func (e Errors) Error() string {
	if len(e) == 1 {
		return e[0].Error()
	}
	return fmt.Sprintf("%v (and %d more)", e[0], len(e)-1)
}

// Unwrap gives the single errors.
func (e Errors) Unwrap() []error {
	errs := make([]error, len(e))
	for i, one := range e {
		errs[i] = one
	}
	return errs
}

// sorted returns the errors in the order of the file, nil when there are none.
func (e Errors) sorted() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b *Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return e[:min(len(e), maxErrors)]
}
