package psgen

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// The bodies, as an administrator sees them. A line "# include: NAME" stands for
// another file, for the fault table (faultrules), or for a block of the grant.
//
//go:embed body/*.ps1
var bodies embed.FS

const (
	byteOrderMark  = "\ufeff"
	includePrefix  = "# include: "
	hashMark       = "{{sha256}}"
	bodyStart      = "[CmdletBinding("
	signatureStart = "\r\n# SIG # Begin signature block"
)

// blocks are the parts of a script that depend on the grant: "data", and in
// minimal scripts what concerns the scope, each as text or as the name of a body
// file.
type blocks map[string]string

// writeScript assembles the body file name around the blocks, and writes the
// whole file at once.
func writeScript(w io.Writer, name string, parts blocks) error {
	var b strings.Builder
	b.Grow(128 << 10) // a full script
	if err := include(&b, name, parts); err != nil {
		return err
	}
	script, err := seal(b.String())
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	_, err = w.Write(script)
	return err
}

// include writes a body file with its includes in place.
func include(b *strings.Builder, name string, parts blocks) error {
	text, err := bodies.ReadFile("body/" + name)
	if err != nil {
		return fmt.Errorf("no such script body: %w", err)
	}
	for _, line := range strings.SplitAfter(string(text), "\n") {
		part, ok := strings.CutPrefix(line, includePrefix)
		if !ok {
			b.WriteString(line)
			continue
		}
		part = strings.TrimSpace(part)
		if block, ok := parts[part]; ok {
			part = block
		}
		if err := includePart(b, part, parts); err != nil {
			return err
		}
	}
	return nil
}

// includePart writes what stands for an include line: a file, the fault table, or
// text as it is.
func includePart(b *strings.Builder, part string, parts blocks) error {
	switch {
	case part == "faultrules":
		rules, err := faultRulesBlock()
		if err != nil {
			return err
		}
		b.WriteString(rules + "\n")
		return nil
	case strings.HasSuffix(part, ".ps1"):
		return include(b, part, parts)
	}
	b.WriteString(part)
	return nil
}

// seal gives the text its file form: one blank line between blocks, CRLF, a byte
// order mark, and in the header the hash of everything after it.
func seal(text string) ([]byte, error) {
	for strings.Contains(text, "\n\n\n") {
		text = strings.ReplaceAll(text, "\n\n\n", "\n\n")
	}
	text = strings.ReplaceAll(strings.TrimRight(text, "\n")+"\n", "\n", "\r\n")
	at := strings.Index(text, "\n"+bodyStart) + 1
	if at == 0 || strings.Count(text[:at], hashMark) != 1 {
		return nil, fmt.Errorf("the body has no header with one %s", hashMark)
	}
	sum := sha256.Sum256([]byte(text[at:]))
	header := strings.Replace(text[:at], hashMark, hex.EncodeToString(sum[:]), 1)
	return []byte(byteOrderMark + header + text[at:]), nil
}

// Hash returns the SHA-256 that the header of a generated script must hold: of
// its bytes from "[CmdletBinding(" to the end, a signature block aside. It is ""
// when script has no such line.
func Hash(script []byte) string {
	at := bytes.Index(script, []byte("\n"+bodyStart))
	if at < 0 {
		return ""
	}
	rest := script[at+1:]
	if end := bytes.Index(rest, []byte(signatureStart)); end >= 0 {
		// Signing tools put the block after the last line, with or without a blank one.
		rest = append(bytes.TrimRight(rest[:end], "\r\n"), "\r\n"...)
	}
	sum := sha256.Sum256(rest)
	return hex.EncodeToString(sum[:])
}
