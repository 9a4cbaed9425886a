package clixml

import (
	"io"
	"unicode/utf8"
)

// Decode reads all values at the top of data: those of <Objs>, or of bare elements
// such as the data of a PSRP message. Several documents may stand one behind the
// other, with a line "#< CLIXML" before each as powershell.exe writes it. Data is
// UTF-8 with or without its mark, or UTF-16 with one; a byte that is neither becomes
// U+FFFD.
//
// The strings of the values share the memory of one copy of data: clone those that
// outlive the rest by far. Data itself is not kept.
//
// The error is a *[SyntaxError] or a *[LimitError]; what was read before it comes
// with it, the value in which it lies as far as it was read.
func Decode(data []byte, limits Limits) ([]any, error) {
	limits = limits.orDefault()
	if int64(len(data)) > limits.Size {
		return nil, &LimitError{Offset: limits.Size, Limit: "size", Max: limits.Size}
	}
	r := &reader{}
	r.limits = limits
	r.take(toUTF8(data), 0)
	var values []any
	for i, ok := r.top(); ok; i, ok = r.top() {
		values = append(values, i.value)
	}
	return values, r.end()
}

// take makes text what is read next; it lies at base in the input.
func (r *reader) take(text string, base int64) {
	r.text, r.at, r.base, r.length = replaceInvalid(text), 0, base, len(text)
}

// replaceInvalid puts U+FFFD in the place of each byte that is not UTF-8, as .NET
// does: powershell.exe writes its standard error in the console's code page.
func replaceInvalid(text string) string {
	if utf8.ValidString(text) {
		return text
	}
	out := make([]byte, 0, len(text)+len(text)/8)
	for _, c := range text { // gives U+FFFD for such a byte
		out = utf8.AppendRune(out, c)
	}
	return string(out)
}

// end says what is wrong with an input that ends here.
func (r *reader) end() error {
	if r.open != nil {
		r.failEnd(r.open.name)
	}
	r.finish()
	return r.err
}

// A Decoder reads values one after the other from an input of any length, and
// holds no more than one of them in memory, and what has a RefId, to which a later
// value of the same document may refer. It is not safe for concurrent use.
type Decoder struct {
	reader
	input  io.Reader
	piece  piece
	stream string
}

// NewDecoder returns a Decoder. The limits hold for the whole input.
func NewDecoder(input io.Reader, limits Limits) *Decoder {
	d := &Decoder{input: &utf8Reader{input: input}}
	d.limits = limits.orDefault()
	return d
}

// Next returns the next value at the top, as Decode does; io.EOF behind the last
// one. The error of the input, a *[SyntaxError] or a *[LimitError] stays: all later
// calls return it. With a *SyntaxError comes what was read of the value in which it
// lies, nil if there was none.
func (d *Decoder) Next() (any, error) {
	if d.err != nil {
		return nil, d.err
	}
	for {
		i, ok := d.top()
		if ok {
			d.stream = i.stream
			return i.value, d.err
		}
		if d.err != nil {
			return nil, d.err
		}
		d.fill()
	}
}

// Stream returns the stream of the value that Next returned last: "Error",
// "Warning", "progress" and so on, as powershell.exe writes it, or "".
func (d *Decoder) Stream() string { return d.stream }

// fill takes the next piece of the input, and notes its end or its error.
func (d *Decoder) fill() {
	base := d.base + int64(d.length)
	text, err := d.piece.next(d.input, d.limits.Size-base)
	d.take(text, base)
	switch {
	case d.err != nil || text != "":
	case err == io.EOF:
		if d.err = d.end(); d.err == nil {
			d.err = io.EOF
		}
	case err == errTooLong:
		d.err = &LimitError{Offset: d.limits.Size, Limit: "size", Max: d.limits.Size}
	default:
		d.err = err
	}
}
