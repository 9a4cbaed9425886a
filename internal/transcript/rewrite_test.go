package transcript

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"html"
	"mime/quotedprintable"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// A rewriting is what happens to an error on its way into a support mailbox. It
// returns nil for a text that it cannot carry.
type rewriting struct {
	name  string
	apply func(corpusRecord) []byte
}

func eachLine(prefix func(int) string) func(corpusRecord) []byte {
	return func(r corpusRecord) []byte {
		var b strings.Builder
		for i, line := range strings.Split(r.pasted(), "\n") {
			fmt.Fprintf(&b, "%s%s\n", prefix(i), line)
		}
		return []byte(b.String())
	}
}

func inPage(page encoding.Encoding, languages ...string) func(corpusRecord) []byte {
	return func(r corpusRecord) []byte {
		for _, language := range languages {
			if r.Lang == language {
				if data, err := page.NewEncoder().Bytes([]byte(plainer.Replace(r.pasted()))); err == nil {
					return data
				}
			}
		}
		return nil
	}
}

// plainer replaces what the code pages of a console do not have: an editor does too.
var plainer = strings.NewReplacer("’", "'", "‘", "'", "“", `"`, "”", `"`, "…", "...", "«", `"`, "»", `"`, "\u00a0", " ", "✔", "v")

func quotedPrintable(s string) []byte {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.Bytes()
}

func utf16Bytes(s string, order binary.AppendByteOrder) []byte {
	var out []byte
	for _, u := range utf16.Encode([]rune(s)) {
		out = order.AppendUint16(out, u)
	}
	return out
}

// apostrophes are what a web page makes of them, beside the entities of HTML.
func webPage(r corpusRecord) string {
	s := strings.ReplaceAll(html.EscapeString(r.pasted()), "\n", "<br>\n")
	return "<html><head><style>p { color: red }</style></head><body><div style=\"font-family: monospace\"><p>" + s + "</p></div></body></html>"
}

var rewritings = []rewriting{
	{"quoted-printable", func(r corpusRecord) []byte { return quotedPrintable(r.pasted()) }},
	{"HTML", func(r corpusRecord) []byte { return []byte(webPage(r)) }},
	{"HTML, quoted-printable", func(r corpusRecord) []byte { return quotedPrintable(webPage(r)) }},
	{"a page's source", func(r corpusRecord) []byte { return []byte("<pre>" + html.EscapeString(r.pasted()) + "</pre>") }},
	{"Markdown, quoted", eachLine(func(int) string { return "> " })},
	{"quoted twice", eachLine(func(int) string { return "> > " })},
	{"Markdown, fenced", func(r corpusRecord) []byte { return []byte("Hello,\n\n```\n" + r.pasted() + "\n```\n") }},
	{"a log, one time", eachLine(func(int) string { return "2026-11-28 10:15:04,123 [12] ERROR Vendor.Job - " })},
	{"a log, in brackets", eachLine(func(int) string { return "[11/28/2026 10:15:04 AM] " })},
	{"a log, its times", eachLine(func(i int) string { return fmt.Sprintf("2026-11-28T10:15:04.%03dZ ", i) })},
	{"syslog", eachLine(func(i int) string { return fmt.Sprintf("Nov 28 10:15:%02d jump01 vendor[4711]: ", i%60) })},
	{"levels", eachLine(func(int) string { return "[ERROR] " })},
	{"carriage returns", func(r corpusRecord) []byte { return []byte(strings.ReplaceAll(r.pasted(), "\n", "\r\n")) }},
	{"colours", func(r corpusRecord) []byte {
		return []byte("\x1b[31;1m" + strings.ReplaceAll(r.pasted(), "\n", "\x1b[0m\n\x1b[31;1m") + "\x1b[0m")
	}},
	{"UTF-8 with its mark", func(r corpusRecord) []byte { return append([]byte{0xEF, 0xBB, 0xBF}, r.pasted()...) }},
	{"UTF-16", func(r corpusRecord) []byte {
		return append([]byte{0xFF, 0xFE}, utf16Bytes(r.pasted(), binary.LittleEndian)...)
	}},
	{"UTF-16, big endian", func(r corpusRecord) []byte {
		return append([]byte{0xFE, 0xFF}, utf16Bytes(r.pasted(), binary.BigEndian)...)
	}},
	{"windows-1252", inPage(charmap.Windows1252, "en", "de", "fr", "es", "it", "pt", "nl")},
	{"code page 850", inPage(charmap.CodePage850, "en", "de", "fr", "es", "it", "pt", "nl")},
	{"code page 437", inPage(charmap.CodePage437, "en", "de", "fr", "es", "it")},
	{"windows-1250", inPage(charmap.Windows1250, "pl", "cs", "hu")},
	{"code page 852", inPage(charmap.CodePage852, "pl", "cs", "hu")},
	{"windows-1251", inPage(charmap.Windows1251, "ru")},
	{"code page 866", inPage(charmap.CodePage866, "ru")},
	{"code page 932", inPage(japanese.ShiftJIS, "ja")},
	{"code page 936", inPage(simplifiedchinese.GBK, "zh")},
	{"UTF-8 read as windows-1252", func(r corpusRecord) []byte {
		s, err := charmap.Windows1252.NewDecoder().String(r.pasted())
		if err != nil || r.Lang == "ja" || r.Lang == "zh" || r.Lang == "ru" {
			return nil
		}
		return []byte(s)
	}},
}

// TestRewritten rewrites the whole corpus in each way: the answer must not change.
func TestRewritten(t *testing.T) {
	records := readCorpus(t)
	want := make([]string, len(records))
	for i, r := range records {
		want[i] = mustExplain(t, r.pasted())[0].Fault.ID
	}
	for n, w := range rewritings {
		t.Run(w.name, func(t *testing.T) {
			done := 0
			for i, r := range records {
				data := w.apply(r)
				if data == nil || racing && (i+n)%5 > 0 {
					continue
				}
				done++
				answers, err := explain(data)
				if err != nil {
					t.Errorf("%s: %v", r.ID, err)
					continue
				}
				if got := answers[0].Fault; got.ID != want[i] {
					t.Errorf("%s: %s by %s, want %s\n%s", r.ID, got.ID, got.Rule, want[i], shorter(data))
				}
				for _, a := range answers {
					if isCostly(a.Fault.ID) && a.Fault.ID != want[i] {
						t.Errorf("%s: also %s by %s", r.ID, a.Fault.ID, a.Fault.Rule)
					}
				}
			}
			if done == 0 && !racing {
				t.Error("no record was rewritten")
			}
		})
	}
}

// TestRewrappedCorpus wraps the whole corpus as consoles do, within words.
func TestRewrappedCorpus(t *testing.T) {
	for _, r := range readCorpus(t) {
		want := mustExplain(t, r.pasted())[0].Fault.ID
		for width := 47; width <= 140; width += 31 {
			text := wrap(r.pasted(), width, "")
			if got := mustExplain(t, text)[0].Fault; got.ID != want {
				t.Errorf("%s, width %d: %s by %s, want %s", r.ID, width, got.ID, got.Rule, want)
			}
		}
	}
}

func shorter(data []byte) string {
	if len(data) > 600 {
		data = data[:600]
	}
	return string(data)
}
