package httptext

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// Whatever a server says, a line of it is short, valid, and nothing that a terminal obeys.
func TestLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, most := string(rapid.SliceOf(rapid.Byte()).Draw(t, "text")), rapid.IntRange(1, 40).Draw(t, "most")
		got := Line(s, most)
		if len(got) > most+len("…") || !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\x00\r\n\t\u202e\u0085") {
			t.Fatalf("%q", got)
		}
	})
	for text, want := range map[string]string{
		"two\r\n  lines":       "two lines",
		"\x1b[31mred":          "[31mred",
		strings.Repeat("é", 9): "éééé…",
		"":                     "",
	} {
		if got := Line(text, 9); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestTitle(t *testing.T) {
	for page, want := range map[string]string{
		"<html><TITLE>Not\n Found</TITLE>rest": "Not Found",
		"<title>never ends":                    "<title>never ends",
		"plain words":                          "plain words",
		"İ<title>a</title>":                    "İ<title>a</title>", // lower case has another length
	} {
		if got := Title(page, 40); got != want {
			t.Errorf("%q: %q, want %q", page, got, want)
		}
	}
}

func TestBody(t *testing.T) {
	answer := func(said int64, body string) *http.Response {
		return &http.Response{ContentLength: said, Body: io.NopCloser(strings.NewReader(body))}
	}
	for _, said := range []int64{-1, 5} {
		if got, err := Body(answer(said, "12345"), 5); err != nil || !bytes.Equal(got, []byte("12345")) {
			t.Errorf("%d: %q, %v", said, got, err)
		}
	}
	var long *TooLongError
	for _, said := range []int64{-1, 3, 6} {
		if got, err := Body(answer(said, "123456"), 5); !errors.As(err, &long) || long.Limit != 5 || got != nil {
			t.Errorf("%d: %q, %v", said, got, err)
		}
	}
	if got := Start(answer(-1, "the beginning")); got != "the beginning" {
		t.Errorf("%q", got)
	}
}
