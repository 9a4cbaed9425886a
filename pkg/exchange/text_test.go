package exchange

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/opath"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCheckTextAccepts(t *testing.T) {
	for _, s := range []string{
		"", " ", "CONTOSO\\svc-reschedule", "Müller, Änne", "東京", "김철수", "علي", "דוד", "नमस्ते", "e\u0301",
		"O'Brien ‘’‚‛ “”„ «»", "$(Get-Date) `n {0} %PATH% @'", "a\u00a0b", "日本\u3000語", "\ufffd", "🎉", "\u0600", "𐐀",
	} {
		if err := CheckText(s); err != nil {
			t.Errorf("CheckText(%q): %v", s, err)
		}
	}
}

func TestCheckTextRefuses(t *testing.T) {
	tests := []struct{ in, want string }{
		{"ab\x00", "a NUL character (U+0000) at byte 2"},
		{"\t", "a control character (U+0009) at byte 0"},
		{"a\r\nb", "a control character (U+000D) at byte 1"},
		{"\x7f", "a control character (U+007F) at byte 0"},
		{"é\u0085", "a control character (U+0085) at byte 2"},
		{"\u202eabc", "a bidirectional control character (U+202E) at byte 0"},
		{"\u200f", "a bidirectional control character (U+200F) at byte 0"},
		{"\u2066", "a bidirectional control character (U+2066) at byte 0"},
		{"\u061c", "a bidirectional control character (U+061C) at byte 0"},
		{"\u2028", "a line or paragraph separator (U+2028) at byte 0"},
		{"\u200b", "an invisible character (U+200B) at byte 0"},
		{"\ufeffx", "an invisible character (U+FEFF) at byte 0"},
		{"\u00ad", "an invisible character (U+00AD) at byte 0"},
		{"\u3164", "an invisible character (U+3164) at byte 0"},
		{"\U000e0041", "an invisible character (U+E0041) at byte 0"},
		{"❤\ufe0f", "an invisible character (U+FE0F) at byte 3"},
		{"a\xff", "a byte that is not UTF-8 at byte 1"},
		{"\xc3", "a byte that is not UTF-8 at byte 0"},
		{"x\xed\xa0\x80", "a lone surrogate at byte 1"},
		{"\xed\xbf\xbf", "a lone surrogate at byte 0"},
	}
	for _, test := range tests {
		err := CheckText(test.in)
		var e *TextError
		if !errors.As(err, &e) || e.Error() != test.want {
			t.Errorf("CheckText(%q) = %v, want %s", test.in, err, test.want)
		}
		if got, err := Quote(test.in); got != "" || !errors.As(err, &e) {
			t.Errorf("Quote(%q) = %q, %v; want a *TextError", test.in, got, err)
		}
	}
}

func TestQuote(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "''"},
		{"abc", "'abc'"},
		{"O'Brien", "'O''Brien'"},
		{"‘’‚‛'", "'‘‘’’‚‚‛‛'''"},
		{"“$x`n”", "'“$x`n”'"},
	}
	for _, test := range tests {
		if got, err := Quote(test.in); err != nil || got != test.want {
			t.Errorf("Quote(%q) = %s, %v; want %s", test.in, got, err, test.want)
		}
	}
}

// Every character of the two first planes that CheckText lets through must come
// back from the engine as it went in, alone and next to quotes.
func TestQuoteOnTheEngine(t *testing.T) {
	peers.Pwsh(t)
	var want []string
	var all strings.Builder
	for r := rune(1); r < 0x20000; r++ {
		if CheckText(string(r)) != nil {
			continue
		}
		all.WriteRune(r)
		if r%64 == 63 && all.Len() > 0 {
			want = append(want, all.String()+"'"+all.String()+"’")
			all.Reset()
		}
	}
	var script strings.Builder
	for _, s := range want {
		literal, err := Quote(s)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&script, literal)
	}
	r := engine.Run(t, peers.Job{Command: script.String()})
	if len(r.Output) != len(want) || len(r.Errors) > 0 {
		t.Fatalf("%d of %d texts, errors %v", len(r.Output), len(want), r.Errors)
	}
	for i := range want {
		if diff := cmp.Diff(want[i], r.Output[i].Text); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

func FuzzQuote(f *testing.F) {
	f.Add("O'Brien ‘’‚‛")
	f.Add("\xed\xa0\x80")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := Quote(s)
		if (err == nil) != (CheckText(s) == nil) {
			t.Fatalf("Quote(%q): %v", s, err)
		}
		if err != nil {
			return
		}
		if !utf8.ValidString(got) {
			t.Fatalf("Quote(%q) = %q: not UTF-8", s, got)
		}
		if back, ok := unquote(got); !ok || back != s {
			t.Fatalf("Quote(%q) = %s, which reads %q, %v", s, got, back, ok)
		}
	})
}

// unquote reads a single-quoted string as PowerShell's tokenizer does: any two
// single-quote characters in a row are one, the second of them; one alone ends it.
func unquote(s string) (string, bool) {
	var out []rune
	letters := []rune(s)
	if len(letters) == 0 || !isSingleQuote(letters[0]) {
		return "", false
	}
	for i := 1; i < len(letters); i++ {
		if !isSingleQuote(letters[i]) {
			out = append(out, letters[i])
			continue
		}
		if i+1 == len(letters) {
			return string(out), true
		}
		if i++; !isSingleQuote(letters[i]) {
			return "", false
		}
		out = append(out, letters[i])
	}
	return "", false
}

func TestUTF16Len(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		want := 0
		for _, r := range s {
			want++
			if r > 0xffff {
				want++
			}
		}
		if got := utf16Len(s); got != want {
			t.Fatalf("utf16Len(%q) = %d, want %d", s, got, want)
		}
	})
}

// A filter becomes a PowerShell literal; the engine must read the filter back from
// it, byte for byte.
func TestFilterInPowerShellLiteral(t *testing.T) {
	peers.Pwsh(t)
	var want []string
	for _, dn := range []string{"CN=O'Brien", "CN=’ -or Name -like ’*", "CN=‘’‚‛''\"“”„`$x$(1)", "CN=@'\\\"%#{}", "CN=東京 Büro"} {
		filter, err := opath.MemberOf(dn)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, filter)
	}
	texts := rapid.StringOf(rapid.Rune().Filter(func(r rune) bool { return CheckText(string(r)) == nil }))
	for i := range 500 {
		filter, err := opath.MemberOf("CN=" + texts.Example(i))
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, filter)
	}
	literals := make([]string, len(want))
	for i, filter := range want {
		literal, err := Quote(filter)
		if err != nil {
			t.Fatal(err)
		}
		literals[i] = literal
	}
	r := engine.Run(t, peers.Job{Command: "@(\n" + strings.Join(literals, "\n") + "\n)"})
	got := make([]string, len(r.Output))
	for i, o := range r.Output {
		got[i] = o.Text
	}
	if diff := cmp.Diff(want, got); diff != "" || len(r.Errors) > 0 {
		t.Errorf("errors %v; -want +got\n%s", r.Errors, diff)
	}
}
