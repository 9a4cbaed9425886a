package psgen

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"
)

// The bodies, as an administrator sees them, in parts. A line "# include: NAME"
// stands for another part, or for a block that depends on the script. What stands
// between "# if: FACTS" and "# end" is left out of scripts for which it is not true.
//
//go:embed body/*.ps1
var parts embed.FS

const (
	includePrefix  = "# include: "
	ifPrefix       = "# if: "
	ifEnd          = "# end\n"
	hashMark       = "{{sha256}}"
	bodyHashMark   = "{{body-sha256}}"
	byteOrderMark  = "\ufeff"
	bodyStart      = "[CmdletBinding("
	signatureStart = "\r\n# SIG # Begin signature block\r\n"
	signatureEnd   = "# SIG # End signature block"

	// dataHead begins the block of user data, which goes to the first blank line.
	dataHead = "# What was asked for. Everything that is specific to this script stands in this block, as constants."

	// maxColumn is the longest line that we write, where a constant can be split.
	maxColumn = 115
)

// A script is what a form of script adds to its body.
type script struct {
	form   Form
	facts  []string          // for which "# if:" lines ask
	words  []string          // old, new: for the marks {{…}} in bodies, as for strings.NewReplacer
	blocks map[string]string // by the name in "# include:"; each ends in a newline
}

// write composes the part that is named and what it includes, and writes the whole
// file at once.
func (s script) write(w io.Writer, part string) error {
	var b strings.Builder
	b.Grow(32 << 10)
	if err := s.include(&b, part); err != nil {
		return err
	}
	text, err := seal(b.String())
	if err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	_, err = w.Write(text)
	return err
}

// include writes a part without what does not hold.
func (s script) include(b *strings.Builder, part string) error {
	if block, ok := s.blocks[part]; ok {
		b.WriteString(block)
		return nil
	}
	text, err := parts.ReadFile("body/" + part)
	if err != nil {
		return fmt.Errorf("no such part of a script: %w", err)
	}
	words := strings.NewReplacer(slices.Concat(s.words, []string{"{{form}}", s.form.String(), "{{kind}}", s.form.Kind.Operation()})...)
	left := 0 // the depth of "# if:" that does not hold
	depth := 0
	for line := range strings.SplitAfterSeq(string(text), "\n") {
		condition, isIf := strings.CutPrefix(line, ifPrefix)
		included, isInclude := strings.CutPrefix(line, includePrefix)
		switch {
		case isIf:
			depth++
			if left == 0 && !s.holds(strings.TrimSpace(condition)) {
				left = depth
			}
		case line == ifEnd:
			if left == depth {
				left = 0
			}
			depth--
		case left > 0:
		case isInclude:
			if err := s.include(b, strings.TrimSpace(included)); err != nil {
				return err
			}
		default:
			b.WriteString(words.Replace(line))
		}
	}
	if depth != 0 {
		return fmt.Errorf("%s: %q and %q do not match", part, ifPrefix, ifEnd)
	}
	return nil
}

// holds reports whether one of the words of a condition is true: a fact, or several
// joined by "&".
func (s script) holds(condition string) bool {
	return slices.ContainsFunc(strings.Fields(condition), func(alternative string) bool {
		return !slices.ContainsFunc(strings.Split(alternative, "&"), func(fact string) bool { return !slices.Contains(s.facts, fact) })
	})
}

// seal gives the text its file form: one blank line between blocks, CRLF, a byte
// order mark, and in the header the hashes of everything after it.
func seal(text string) ([]byte, error) {
	for strings.Contains(text, "\n\n\n") {
		text = strings.ReplaceAll(text, "\n\n\n", "\n\n")
	}
	text = strings.ReplaceAll(strings.TrimRight(text, "\n")+"\n", "\n", "\r\n")
	at := strings.Index(text, "\n"+bodyStart) + 1
	if at == 0 || strings.Count(text[:at], hashMark) != 1 || strings.Count(text[:at], bodyHashMark) != 1 {
		return nil, fmt.Errorf("the body has no header with one %s and one %s", hashMark, bodyHashMark)
	}
	body := []byte(text[at:])
	header := strings.NewReplacer(hashMark, digest(body), bodyHashMark, digest(withoutData(body))).Replace(text[:at])
	return []byte(byteOrderMark + header + text[at:]), nil
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// DataBlock returns where the block of what was asked for begins and ends in a script,
// in bytes: the line that begins it and those after it, up to the first blank line. Both
// are 0 when there is none.
func DataBlock(script []byte) (begin, end int) {
	begin = bytes.Index(script, []byte("\r\n"+dataHead+"\r\n")) + len("\r\n")
	if begin < len("\r\n") {
		return 0, 0
	}
	length := bytes.Index(script[begin:], []byte("\r\n\r\n"))
	if length < 0 {
		return begin, len(script)
	}
	return begin, begin + length + len("\r\n")
}

// withoutData is what follows the header without the block of user data and the blank
// line behind it.
func withoutData(body []byte) []byte {
	begin, end := DataBlock(body)
	if begin == end {
		return body
	}
	return slices.Concat(body[:begin], bytes.TrimPrefix(body[end:], []byte("\r\n")))
}

// afterHeader is what follows the header of a script, without a signature block; nil
// when script has no such line.
func afterHeader(script []byte) []byte {
	at := bytes.Index(script, []byte("\n"+bodyStart))
	if at < 0 {
		return nil
	}
	return withoutSignature(script[at+1:])
}

// withoutSignature is a script as it was before it was signed: signing tools put their
// block after the last line, with or without a blank one.
func withoutSignature(script []byte) []byte {
	if end := signatureIndex(script); end >= 0 {
		return append(bytes.TrimRight(bytes.Clone(script[:end]), "\r\n"), "\r\n"...)
	}
	return script
}

// signatureIndex is where the signature block of a script begins; -1 where it has none.
// A block is comments to the end of the file: what PowerShell would run is no part of it.
func signatureIndex(script []byte) int {
	at := bytes.Index(script, []byte(signatureStart))
	if at < 0 {
		return -1
	}
	lines := strings.Split(strings.TrimSpace(string(script[at:])), "\r\n")
	if lines[len(lines)-1] != signatureEnd || slices.ContainsFunc(lines, func(l string) bool { return !strings.HasPrefix(l, "# ") }) {
		return -1
	}
	return at
}

// Hash returns the SHA-256 that the header of a generated script must hold: of its
// bytes from "[CmdletBinding(" to the end, a signature block aside. It is "" when script
// has no such line.
func Hash(script []byte) string {
	if rest := afterHeader(script); rest != nil {
		return digest(rest)
	}
	return ""
}

// BodyHash returns the SHA-256 of the same bytes without the block of what was asked
// for. It is the same for all scripts of one form and release.
func BodyHash(script []byte) string {
	if rest := afterHeader(script); rest != nil {
		return digest(withoutData(rest))
	}
	return ""
}
