// Package textfile reads text files that people make: UTF-8, or UTF-16 as `>` and
// Out-File of Windows PowerShell write it, with or without a byte order mark.
//
// What is neither is refused rather than guessed at: a password or a name that was
// read wrongly is another one.
package textfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf16"
	"unicode/utf8"
)

// An EncodingError is a file that is no text in UTF-8 or UTF-16. It holds nothing of the
// file.
type EncodingError struct {
	Offset int // of the byte that does not fit, from 0
	NUL    bool
}

func (e *EncodingError) Error() string {
	what := "is neither UTF-8 nor UTF-16"
	if e.NUL {
		what = "is a NUL, which no text has"
	}
	return fmt.Sprintf("it is no text: byte %d %s", e.Offset+1, what)
}

// Hint returns what to do about it.
func (e *EncodingError) Hint() string {
	return "save it as UTF-8; in Windows PowerShell: Set-Content -Encoding UTF8"
}

// ErrTooLong says that there is more than the limit.
var ErrTooLong = errors.New("it is too long")

// Read reads all of r, at most limit bytes, and decodes it by [Decode] or [DecodeScript].
// The error is ErrTooLong, that of r, or that of decode.
func Read(r io.Reader, limit int, decode func([]byte) ([]byte, error)) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(data) > limit {
		return nil, ErrTooLong
	}
	return decode(data)
}

// Decode returns the text as UTF-8, without a byte order mark. It may be a part of data.
// The error is an *EncodingError.
func Decode(data []byte) ([]byte, error) {
	order, mark := Encoding(data)
	if order == nil {
		return checkUTF8(data, mark)
	}
	return decodeUTF16(data, mark, order)
}

// DecodeScript is Decode for a PowerShell script: in UTF-8 it stays as it is, mark
// included; in UTF-16 it becomes UTF-8 with a mark, as exgrant writes scripts.
func DecodeScript(data []byte) ([]byte, error) {
	text, err := Decode(data)
	if order, _ := Encoding(data); order != nil {
		return append([]byte(markUTF8), text...), err
	}
	return data, err
}

const markUTF8 = "\xEF\xBB\xBF"

// Encoding tells by its beginning how a text is written: it returns the byte order of
// UTF-16, nil for UTF-8, and how long the byte order mark is.
// Without a mark it is UTF-16 where most of the units that could hold ASCII do: text in
// UTF-8 has no NULs at all.
func Encoding(data []byte) (order binary.ByteOrder, mark int) {
	switch {
	case bytes.HasPrefix(data, []byte(markUTF8)):
		return nil, len(markUTF8)
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}):
		return binary.LittleEndian, 2
	case bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return binary.BigEndian, 2
	}
	var zero [2]int // at even and at odd places
	sample := data[:min(len(data), 4096)]
	for i, b := range sample {
		if b == 0 {
			zero[i%2]++
		}
	}
	half := len(sample) / 4 // half of the units
	switch {
	case zero[1] > half && zero[1] > zero[0]:
		return binary.LittleEndian, 0
	case zero[0] > half && zero[0] > zero[1]:
		return binary.BigEndian, 0
	}
	return nil, 0
}

func checkUTF8(data []byte, mark int) ([]byte, error) {
	for at := mark; at < len(data); {
		if data[at] == 0 {
			return nil, &EncodingError{Offset: at, NUL: true}
		}
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size <= 1 {
			return nil, &EncodingError{Offset: at}
		}
		at += size
	}
	return data[mark:], nil
}

func units(data []byte, order binary.ByteOrder) []uint16 {
	u := make([]uint16, len(data)/2)
	for i := range u {
		u[i] = order.Uint16(data[2*i:])
	}
	return u
}

func decodeUTF16(data []byte, mark int, order binary.ByteOrder) ([]byte, error) {
	all := units(data[mark:], order)
	text := make([]byte, 0, len(all))
	for i := 0; i < len(all); i++ {
		r := rune(all[i])
		if utf16.IsSurrogate(r) {
			second := rune(0)
			if i+1 < len(all) {
				second = rune(all[i+1])
			}
			if r = utf16.DecodeRune(r, second); r == utf8.RuneError {
				return nil, &EncodingError{Offset: mark + 2*i}
			}
			i++
		}
		if r == 0 {
			return nil, &EncodingError{Offset: mark + 2*i, NUL: true}
		}
		text = utf8.AppendRune(text, r)
	}
	if len(data)%2 != 0 {
		return nil, &EncodingError{Offset: len(data) - 1}
	}
	return text, nil
}
