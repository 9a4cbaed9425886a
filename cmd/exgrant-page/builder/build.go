package builder

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/exgrant/exgrant/internal/grantfile"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/psgen"
)

// A Result is what the page shows for a form: either errors, or all of the rest.
type Result struct {
	Errors  []Error  `json:"errors"`
	Summary []string `json:"summary"` // five sentences
	Scripts []Script `json:"scripts"` // grant, undo, status
	YAML    string   `json:"yaml"`    // the file for -f
	Command string   `json:"command"` // for PowerShell
	Shell   string   `json:"shell"`   // for a Unix shell, "" where it is the same
}

// An Error stands beside the field that it is about, in the words of the program.
type Error struct {
	Field   string `json:"field"`   // its name, which is the flag's; scope for the choice of one
	Missing bool   `json:"missing"` // nothing is there yet
	Text    string `json:"text"`
}

// A Script is one file as the program writes it: a byte order mark, and the three texts.
type Script struct {
	Kind   string `json:"kind"` // grant, undo or status
	File   string `json:"file"`
	Before string `json:"before"` // what asks for nothing, up to
	Asked  string `json:"asked"`  // the block of what was asked for
	After  string `json:"after"`
	SHA256 string `json:"sha256"` // of the whole file
	Body   string `json:"body"`   // the hash that all scripts of its form have
}

// ByteOrderMark is what the file of a Script begins with.
const ByteOrderMark = "\ufeff"

// Build makes everything that the page shows of a form.
func Build(f Form) Result {
	g := f.Grant()
	r, err := results(g)
	if len(f.LoneSurrogates) > 0 || err != nil {
		return Result{Errors: fieldErrors(f, err)}
	}
	r.Summary = summary(g)
	r.Command, r.Shell = commandLines(g)
	return r
}

func results(g exchange.Grant) (Result, error) {
	var r Result
	for _, s := range []struct {
		kind  string
		write func(io.Writer, exchange.Grant) error
	}{{"grant", psgen.Grant}, {"undo", psgen.Revoke}, {"status", psgen.Status}} {
		var file bytes.Buffer
		if err := s.write(&file, g); err != nil {
			return r, err
		}
		r.Scripts = append(r.Scripts, script(s.kind, file.Bytes()))
	}
	var yaml strings.Builder
	err := grantfile.Write(&yaml, []exchange.Grant{g})
	r.YAML = yaml.String()
	return r, err
}

func script(kind string, file []byte) Script {
	sum := sha256.Sum256(file)
	begin, end := psgen.DataBlock(file)
	return Script{
		Kind: kind, File: kind + ".ps1",
		Before: strings.TrimPrefix(string(file[:begin]), ByteOrderMark), Asked: string(file[begin:end]), After: string(file[end:]),
		SHA256: hex.EncodeToString(sum[:]), Body: psgen.BodyHash(file),
	}
}

// fieldErrors are the errors of a form, each beside its field. A field that is still
// empty is missing, which is no mistake of somebody who has not come to it.
func fieldErrors(f Form, err error) []Error {
	var all []Error
	for _, field := range f.LoneSurrogates {
		all = append(all, Error{Field: field, Text: "must not contain a lone surrogate"})
	}
	var invalid exchange.ValidationError
	if err != nil && !errors.As(err, &invalid) {
		return append(all, Error{Text: err.Error()})
	}
	for _, e := range invalid {
		shown := Error{Field: e.Field, Missing: e.Value == "", Text: e.Rule}
		switch {
		case e.Field == "scope" && f.Scope == "organization":
			shown.Field, shown.Text = "whole-organization", "Tick the box, or choose a smaller scope."
		case e.Value != "":
			shown.Text = fmt.Sprintf("\"%s\" %s", e.Value, e.Rule)
		}
		all = append(all, shown)
	}
	return all
}
