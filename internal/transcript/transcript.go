// Package transcript turns what people really paste into evidence: a console's
// text, wrapped and quoted as it may be, an error record as JSON or CLIXML, a
// WSMan fault, an HTTP answer or one of Exchange Web Services.
//
// It only takes apart; package fault decides. Input is bounded: [MaxInput] bytes
// are looked at, nesting is followed [maxDepth] deep, and no input makes it fail
// other than one that is empty.
package transcript

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/exgrant/exgrant/pkg/fault"
)

// MaxInput is how much of the input is read, in bytes: one MiB.
const MaxInput = 1 << 20

// maxDepth bounds how deep JSON and XML are followed.
const maxDepth = 32

// ErrEmpty says that there was nothing to explain: no input, or white space only.
var ErrEmpty = errors.New("nothing to explain: the input is empty")

// Read reads at most [MaxInput] bytes and parses them; truncated says that there
// was more. The error is [ErrEmpty] or that of r.
func Read(r io.Reader) (e fault.Evidence, truncated bool, err error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxInput+1))
	if err != nil {
		return fault.Evidence{}, false, fmt.Errorf("cannot read the error to explain: %w", err)
	}
	if len(data) > MaxInput {
		data, truncated = data[:MaxInput], true
	}
	e, err = Parse(data)
	return e, truncated, err
}

// Parse takes apart what was pasted: UTF-8, or UTF-16 with or without its mark.
// The error is [ErrEmpty].
func Parse(data []byte) (fault.Evidence, error) {
	if len(data) > MaxInput {
		data = data[:MaxInput]
	}
	text := clean(decode(data))
	if strings.TrimSpace(text) == "" {
		return fault.Evidence{}, ErrEmpty
	}
	return parse(text), nil
}

func parse(text string) fault.Evidence {
	if e, ok := parseJSON(text); ok {
		return e
	}
	if e, ok := parseCLIXML(text); ok {
		return e
	}
	if e, ok := parseHTTP(text); ok {
		return e
	}
	if e, ok := parseXML(text); ok {
		return e
	}
	return parseConsole(text)
}

// decode makes UTF-8 of what Windows writes: `> file` of Windows PowerShell is
// UTF-16 with a mark, some tools leave the mark away.
func decode(data []byte) string {
	switch {
	case bytes.HasPrefix(data, []byte{0xEF, 0xBB, 0xBF}):
		data = data[3:]
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return decodeUTF16(data[2:], binary.LittleEndian)
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return decodeUTF16(data[2:], binary.BigEndian)
	case len(data) >= 4 && data[0] != 0 && data[1] == 0 && data[2] != 0 && data[3] == 0:
		return decodeUTF16(data, binary.LittleEndian)
	case len(data) >= 4 && data[0] == 0 && data[1] != 0 && data[2] == 0 && data[3] != 0:
		return decodeUTF16(data, binary.BigEndian)
	}
	return strings.ToValidUTF8(string(data), string(utf8.RuneError))
}

func decodeUTF16(data []byte, order binary.ByteOrder) string {
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return string(utf16.Decode(units))
}

var (
	escapes  = pattern(`\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)`)
	newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n", `\r\n`, "\n", "\u2028", "\n", "\u2029", "\n")
)

// clean removes colours and control characters and makes every line end "\n",
// also one that was posted as the four characters \r\n.
func clean(s string) string {
	s = newlines.Replace(escapes().ReplaceAllString(s, ""))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r), r == '\ufeff', r == '\u200b':
			return -1
		}
		return r
	}, s)
}
