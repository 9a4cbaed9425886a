package clixml

import (
	"bytes"
	"errors"
	"io"
)

// A piece cuts an input where the reader can go on later: behind each whole
// element at the top, and behind the start and the end of <Objs>.
type piece struct {
	buffer []byte
	at     int // up to here it was looked at
	depth  int // of elements that are open there
	err    error
}

var errTooLong = errors.New("too long")

// next returns the next piece of at most max bytes. At the end it returns what is
// left, whole or not; then "" with the input's error.
func (p *piece) next(input io.Reader, max int64) (string, error) {
	for {
		if end := p.cut(); end > 0 {
			return p.remove(end, max)
		}
		if p.err != nil {
			if len(p.buffer) == 0 || p.err != io.EOF {
				return "", p.err
			}
			return p.remove(len(p.buffer), max)
		}
		if int64(len(p.buffer)) > max {
			return "", errTooLong
		}
		p.read(input)
	}
}

// read adds to the buffer as much as is in it, so that what is looked at again
// stays in proportion.
func (p *piece) read(input io.Reader) {
	const least = 64 << 10
	space := max(least, len(p.buffer))
	length := len(p.buffer)
	p.buffer = append(p.buffer, make([]byte, space)...)
	n, err := io.ReadAtLeast(input, p.buffer[length:], 1)
	p.buffer, p.err = p.buffer[:length+n], err
}

func (p *piece) remove(end int, max int64) (string, error) {
	if int64(end) > max {
		return "", errTooLong
	}
	text := string(p.buffer[:end])
	p.buffer = p.buffer[:copy(p.buffer, p.buffer[end:])]
	p.at, p.depth = 0, 0
	return text, nil
}

// cut looks on and returns where the piece ends, 0 when the buffer ends before it.
func (p *piece) cut() int {
	for {
		i := bytes.IndexByte(p.buffer[p.at:], '<')
		if i < 0 {
			p.at = len(p.buffer)
			return 0
		}
		p.at += i
		if next := p.buffer[p.at+1:]; len(next) > 0 && isSpace(next[0]) {
			p.at++ // the "<" of the line "#< CLIXML", not of a tag
			continue
		}
		markup, ok := wholeMarkup(p.buffer[p.at:])
		if !ok {
			return 0
		}
		p.at += len(markup)
		if p.count(markup) {
			return p.at
		}
	}
}

// count notes what a markup does to the depth, and says whether it ends a piece.
func (p *piece) count(markup []byte) bool {
	switch {
	case markup[1] == '?' || bytes.HasPrefix(markup, []byte("<!--")) || bytes.HasPrefix(markup, []byte("<![CDATA[")):
		return false
	case markup[1] == '!':
		return true // the reader refuses it
	case markup[1] == '/':
		p.depth--
	case markup[len(markup)-2] == '/':
	case p.depth == 0 && isObjs(markup):
		return true
	default:
		p.depth++
	}
	return p.depth <= 0
}

func isObjs(start []byte) bool {
	name := start[1:]
	for i := range name {
		if !isNameByte(name[i]) {
			name = name[:i]
			break
		}
	}
	return local(string(name)) == "Objs"
}

// wholeMarkup returns the tag, comment and so on that b begins with, if all of it
// is there.
func wholeMarkup(b []byte) ([]byte, bool) {
	for _, m := range [...]struct{ begin, end string }{{"<!--", "-->"}, {"<![CDATA[", "]]>"}, {"<?", "?>"}} {
		if bytes.HasPrefix(b, []byte(m.begin)) {
			i := bytes.Index(b[len(m.begin):], []byte(m.end))
			return b[:max(0, len(m.begin)+i+len(m.end))], i >= 0
		}
		if bytes.HasPrefix([]byte(m.begin), b) {
			return nil, false // cannot tell yet
		}
	}
	var quote byte
	for i, c := range b {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return b[:i+1], true
		}
	}
	return nil, false
}
