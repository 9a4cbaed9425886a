package clixml

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
)

// toUTF8 returns a document as UTF-8. Export-Clixml of Windows PowerShell writes
// UTF-16 with its mark.
func toUTF8(data []byte) string {
	order := byteOrder(data)
	if order == nil {
		return string(data)
	}
	var text strings.Builder
	text.Grow(len(data)/2 + len(data)/16)
	// A strings.Builder and a bytes.Reader do not fail.
	_, _ = io.Copy(&text, &utf8Reader{input: bytes.NewReader(data)})
	return text.String()
}

// byteOrder returns the order of UTF-16's mark, nil where there is none.
func byteOrder(mark []byte) binary.ByteOrder {
	switch {
	case bytes.HasPrefix(mark, []byte{0xFF, 0xFE}):
		return binary.LittleEndian
	case bytes.HasPrefix(mark, []byte{0xFE, 0xFF}):
		return binary.BigEndian
	}
	return nil
}

// A utf8Reader gives an input as UTF-8, whether it is that or UTF-16 with a mark.
// A lone surrogate in UTF-16 comes out as the three bytes of WTF-8, which are no
// UTF-8: no XML has one.
type utf8Reader struct {
	input   io.Reader
	started bool
	order   binary.ByteOrder // nil: UTF-8
	raw     []byte           // UTF-16 that is not converted yet
	ready   []byte           // UTF-8 that was not read yet
	err     error
}

func (u *utf8Reader) Read(p []byte) (int, error) {
	if !u.started {
		u.start()
	}
	if u.order == nil && len(u.ready) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		return u.input.Read(p)
	}
	for len(u.ready) == 0 {
		if u.err != nil {
			return 0, u.err
		}
		u.convert()
	}
	n := copy(p, u.ready)
	u.ready = u.ready[n:]
	return n, nil
}

// start looks at the mark.
func (u *utf8Reader) start() {
	u.started = true
	mark := make([]byte, 2)
	n, err := io.ReadFull(u.input, mark)
	if err == io.ErrUnexpectedEOF {
		err = io.EOF
	}
	u.err = err
	if u.order = byteOrder(mark[:n]); u.order == nil {
		u.ready = mark[:n]
	}
}

// convert reads UTF-16 and makes UTF-8 of all but what may be half of a pair.
func (u *utf8Reader) convert() {
	length := len(u.raw)
	u.raw = append(u.raw, make([]byte, 16<<10)...)
	n, err := u.input.Read(u.raw[length:])
	u.raw, u.err = u.raw[:length+n], err
	out := make([]byte, 0, len(u.raw))
	i := 0
	for ; i+1 < len(u.raw); i += 2 {
		unit := rune(u.order.Uint16(u.raw[i:]))
		if unit >= 0xD800 && unit < 0xDC00 && i+3 >= len(u.raw) && err == nil {
			break
		}
		out = appendCharacter(out, unit)
	}
	if err != nil && i < len(u.raw) {
		out = append(out, 0xFF) // half of a code unit at the end
		i = len(u.raw)
	}
	u.raw = append(u.raw[:0], u.raw[i:]...)
	u.ready = out
}
