// Package httptext reads what a web server says: bounded, and in a form that is fit to be
// shown. A server may be anybody's, and its text may be of any length and hold what a
// terminal would obey.
package httptext

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Line is a text as one line of so many bytes at most, "…" aside, without what cannot be
// seen or a terminal would obey.
func Line(s string, most int) string {
	if len(s) > 4*most {
		s = s[:4*most]
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r':
			return ' '
		case !strconv.IsPrint(r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	s = strings.Join(strings.Fields(s), " ")
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// Title is the title of an HTML page, or the first words of another text, as a Line.
func Title(page string, most int) string {
	lower := strings.ToLower(page)
	if _, rest, ok := strings.Cut(lower, "<title>"); ok && len(lower) == len(page) {
		start := len(page) - len(rest)
		if end := strings.Index(rest, "</title>"); end >= 0 {
			page = page[start : start+end]
		}
	}
	return Line(page, most)
}

// Start is the beginning of an answer's body, as much as Title needs.
func Start(r *http.Response) string {
	start := make([]byte, 8<<10)
	n, _ := io.ReadFull(r.Body, start)
	return string(start[:n])
}

// A TooLongError says that a body has more bytes than were allowed. The rest was not
// read.
type TooLongError struct{ Limit int }

func (e *TooLongError) Error() string { return fmt.Sprintf("more than %d bytes", e.Limit) }

// Body reads a whole body. It reads no more than the limit, and says with a
// *TooLongError that there is more; every other error is of the connection.
func Body(r *http.Response, limit int) ([]byte, error) {
	if r.ContentLength > int64(limit) {
		return nil, &TooLongError{limit}
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(r.Body, int64(limit)+1))
	if body.Len() > limit {
		return nil, &TooLongError{limit}
	}
	return body.Bytes(), err
}
