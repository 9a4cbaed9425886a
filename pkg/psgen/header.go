package psgen

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// A Header is what a generated script says of itself.
type Header struct {
	Kind       Kind
	Form       string      // of which the script is, such as "grant user organizationalUnit"
	SHA256     string      // of what follows the header, in lower case
	BodySHA256 string      // of the same without what was asked for
	Parameters []Parameter // that the script declares, in order
	Signed     bool        // it has a signature block; whose, only Windows tells
}

// A Parameter is one that a script declares.
type Parameter struct {
	Name   string
	Switch bool
}

// Parameter returns the declared parameter of a name, in any case.
func (h Header) Parameter(name string) (Parameter, bool) {
	for _, p := range h.Parameters {
		if strings.EqualFold(p.Name, name) {
			return p, true
		}
	}
	return Parameter{}, false
}

const (
	headStart = byteOrderMark + "#Requires -Version 3.0\r\n<#\r\n"
	headEnd   = "#>\r\n"
	format    = "2"
)

var (
	headerField = regexp.MustCompile(`(?m)^    (script-format|form|sha256|body-sha256): ([^\r]+)\r$`)
	declaration = regexp.MustCompile(`(?m)^    (?:\[\w+\([^)]*\)\] )?\[(\w+)\]\$(\w+)`)
)

var errForeign = errors.New("it is no script of exgrant: its header is not there")

// ReadHeader reads the header of a script and holds the rest of the file to it. A
// script that this program did not write, or that was changed since, is an error.
//
// The hash tells an accident. It does not tell who wrote the script: a signature does.
func ReadHeader(script []byte) (Header, error) {
	var h Header
	at := bytes.Index(script, []byte("\n"+bodyStart)) + 1
	if at == 0 || !bytes.Contains(script[:at], []byte("script-format: ")) {
		return h, errForeign
	}
	head := string(script[:at])
	// Nothing before the parameters may be more than a comment: "using module" would run.
	if !strings.HasPrefix(head, headStart) || strings.Index(head, headEnd) != len(head)-len(headEnd) {
		return h, errors.New("its header was changed since it was generated: before the parameters stands more than one comment, or line ends or byte order mark are gone")
	}
	fields := map[string]string{}
	for _, m := range headerField.FindAllStringSubmatch(head, -1) {
		if fields[m[1]] != "" {
			return h, fmt.Errorf("its header says %s twice", m[1])
		}
		fields[m[1]] = m[2]
	}
	h.Form = fields["form"]
	kind, _, _ := strings.Cut(h.Form, " ")
	h.Kind = Kind(kind)
	if fields["script-format"] != format {
		return h, fmt.Errorf("its script-format is %q, and this version knows %s", fields["script-format"], format)
	}
	h.SHA256, h.BodySHA256 = fields["sha256"], fields["body-sha256"]
	if got := Hash(script); got != h.SHA256 {
		return h, fmt.Errorf("it was changed since it was generated: its SHA-256 is %s, and its header says %s", got, h.SHA256)
	}
	if got := BodyHash(script); got != h.BodySHA256 {
		return h, fmt.Errorf("its header was changed since it was generated: the SHA-256 of its body is %s, and the header says %s", got, h.BodySHA256)
	}
	rest := script[at:]
	h.Signed = signatureIndex(script) >= 0
	block, _, _ := bytes.Cut(rest, []byte("\r\n)\r\n"))
	for _, m := range declaration.FindAllSubmatch(block, -1) {
		h.Parameters = append(h.Parameters, Parameter{Name: string(m[2]), Switch: string(m[1]) == "switch"})
	}
	return h, nil
}
