package textfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

// encodings are the ways in which people's programs write a text.
var encodings = map[string]func(string) []byte{
	"UTF-8":                func(s string) []byte { return []byte(s) },
	"UTF-8 with mark":      func(s string) []byte { return []byte(markUTF8 + s) },
	"UTF-16LE with mark":   func(s string) []byte { return append([]byte{0xFF, 0xFE}, encode(s, binary.LittleEndian)...) },
	"UTF-16BE with mark":   func(s string) []byte { return append([]byte{0xFE, 0xFF}, encode(s, binary.BigEndian)...) },
	"UTF-16LE without one": func(s string) []byte { return encode(s, binary.LittleEndian) },
	"UTF-16BE without one": func(s string) []byte { return encode(s, binary.BigEndian) },
}

func encode(s string, order binary.AppendByteOrder) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return b
}

func TestDecode(t *testing.T) {
	for name, encode := range encodings {
		for _, text := range []string{"Passw0rd!", "x", "Jürgen Großmann", "grants:\r\n  - user: Zoë\r\n", "{\"a\": \"\U0001F511 Ā\"}", "a\u4e00b"} {
			got, err := Decode(encode(text))
			if err != nil || string(got) != text {
				t.Errorf("%s: %q became %q, %v", name, text, got, err)
			}
		}
		if got, err := Decode(nil); err != nil || len(got) != 0 {
			t.Errorf("nothing became %q, %v", got, err)
		}
	}
	// With a mark no letter is doubtful.
	for name, encode := range encodings {
		if strings.HasSuffix(name, "with mark") {
			rapid.Check(t, func(t *rapid.T) {
				text := strings.ReplaceAll(rapid.String().Draw(t, "text"), "\x00", "")
				if got, err := Decode(encode(text)); err != nil || string(got) != text {
					t.Errorf("%s: %q became %q, %v", name, text, got, err)
				}
			})
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, test := range map[string]struct {
		data   string
		offset int
		nul    bool
	}{
		"Latin-1":                {"J\xfcrgen", 1, false},
		"code page 850":          {"Gro\xe1mann", 3, false},
		"half a letter":          {"Zo\xc3", 2, false},
		"a NUL":                  {"pass\x00word", 4, true},
		"a NUL at an odd place":  {"pas\x00word", 3, true},
		"a NUL at the end":       {"password\x00", 8, true},
		"UTF-16 with a NUL":      {"\xff\xfea\x00\x00\x00b\x00", 4, true},
		"UTF-16 of odd length":   {"\xff\xfea\x00b", 4, false},
		"half a surrogate pair":  {"\xff\xfea\x00\x3d\xd8", 4, false},
		"the other half":         {"\xff\xfe\x11\xdda\x00", 2, false},
		"a surrogate in UTF-8":   {"a\xed\xa0\x80", 1, false},
		"UTF-8 mark, Latin-1":    {markUTF8 + "\xe4", 3, false},
		"UTF-32LE":               {"\xff\xfe\x00\x00a\x00\x00\x00", 2, true},
		"UTF-32BE":               {"\x00\x00\xfe\xff\x00\x00\x00a", 0, true},
		"a part that is no text": {"PK\x03\x04\x00\x00\x08\x00", 4, true},
	} {
		got, err := Decode([]byte(test.data))
		var e *EncodingError
		if !errors.As(err, &e) || e.Offset != test.offset || e.NUL != test.nul {
			t.Errorf("%s: got %q, %v; want an error at %d, NUL %v", name, got, err, test.offset, test.nul)
		}
	}
}

func TestDecodeScript(t *testing.T) {
	for name, encode := range encodings {
		script := encode("# a script\r\n'ü'\r\n")
		want := markUTF8 + "# a script\r\n'ü'\r\n"
		if name == "UTF-8" {
			want = string(script)
		}
		if got, err := DecodeScript(script); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := DecodeScript([]byte("\xfc")); err == nil {
		t.Error("what is no text is a script")
	}
}

func TestRead(t *testing.T) {
	if got, err := Read(strings.NewReader("abc"), 3, Decode); err != nil || string(got) != "abc" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := Read(strings.NewReader("abcd"), 3, Decode); !errors.Is(err, ErrTooLong) {
		t.Errorf("%v", err)
	}
	failing := io.MultiReader(strings.NewReader("ab"), failingReader{})
	if _, err := Read(failing, 3, Decode); !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
}

var errBroken = errors.New("broken")

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, errBroken }

// Nothing is read behind the line, and what is behind it does not count.
func TestReadLine(t *testing.T) {
	for name, encode := range encodings {
		for _, end := range []string{"\n", "\r\n", ""} {
			for _, line := range []string{"Passw0rd!", "Zoë", "x", "Ċ\u0a00b", ""} {
				if (line == "" || line == "Ċ\u0a00b") && strings.Contains(name, "without") {
					continue
				}
				rest := encode("y\n")
				if end == "" {
					rest = nil
				}
				r := bytes.NewReader(append(encode(line+end), rest...))
				got, err := ReadLine(r, 64)
				if err != nil || got != line {
					t.Errorf("%s, end %q: %q became %q, %v", name, end, line, got, err)
				}
				if left, _ := io.ReadAll(r); !bytes.Equal(left, rest) {
					t.Errorf("%s, end %q: %q: left %q, want %q", name, end, line, left, rest)
				}
			}
		}
	}
	if _, err := ReadLine(strings.NewReader("abcd\n"), 3); !errors.Is(err, ErrTooLong) {
		t.Errorf("%v", err)
	}
	if got, err := ReadLine(strings.NewReader("abc"), 3); err != nil || got != "abc" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := ReadLine(io.MultiReader(strings.NewReader("a"), failingReader{}), 3); !errors.Is(err, errBroken) {
		t.Errorf("%v", err)
	}
	var e *EncodingError
	if _, err := ReadLine(strings.NewReader("\xe4\nabc"), 64); !errors.As(err, &e) {
		t.Errorf("%v", err)
	}
}

func FuzzDecode(f *testing.F) {
	for _, encode := range encodings {
		f.Add(encode("Passw0rd!\r\n"))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := Decode(data)
		if err == nil && (bytes.IndexByte(text, 0) >= 0 || !bytes.Equal(text, bytes.ToValidUTF8(text, nil))) {
			t.Errorf("%q is no text", text)
		}
		_, _ = ReadLine(bytes.NewReader(data), 16)
	})
}
