package main

import (
	"bytes"
	"os"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// recodings are what programs make of a text in UTF-8 when they save it.
var recodings = map[string]encoding.Encoding{
	"utf-8-mark":    unicode.UTF8BOM,
	"utf-16":        unicode.UTF16(unicode.LittleEndian, unicode.UseBOM),
	"utf-16-bare":   unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM),
	"utf-16be-bare": unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM),
	"latin-1":       charmap.ISO8859_1,
}

// recode writes a text as another program would have saved it:
//
//	recode ENCODING FILE NEW
func recode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: recode ENCODING FILE NEW")
	}
	text := []byte(ts.ReadFile(args[1]))
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	switch args[0] {
	case "nul":
		text = append([]byte("a\x00"), text...)
	case "control":
		text = append([]byte("a\x1b"), text...)
	default:
		var err error
		text, err = recodings[args[0]].NewEncoder().Bytes(text)
		ts.Check(err)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), text, 0o600))
}

// redirect writes what Windows PowerShell's > makes of the last output, where the
// console's code page is 850: also, for grep, as UTF-8 under the name with .txt.
//
//	redirect FILE.json
func redirect(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: redirect FILE")
	}
	text, err := charmap.CodePage850.NewDecoder().Bytes([]byte(ts.ReadFile("stdout")))
	ts.Check(err)
	text = bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")) // a line at a time
	written, err := recodings["utf-16"].NewEncoder().Bytes(text)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), written, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(strings.TrimSuffix(args[0], ".json")+".txt"), text, 0o600))
}

// replace writes a file with another text in the place of one, as an editor would:
//
//	replace OLD NEW FILE NEWFILE
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 4 {
		ts.Fatalf("usage: replace OLD NEW FILE NEWFILE")
	}
	text := ts.ReadFile(args[2])
	if !strings.Contains(text, args[0]) {
		ts.Fatalf("%s does not hold %q", args[2], args[0])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), []byte(strings.ReplaceAll(text, args[0], args[1])), 0o600))
}
