package transcript

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMail(t *testing.T) {
	const head = "From: anna@contoso.test\r\nSubject: Exchange\r\nMIME-Version: 1.0\r\n"
	encoded := base64.StdEncoding.EncodeToString([]byte(dehydratedConsole))
	var lines strings.Builder
	for len(encoded) > 0 {
		n := min(len(encoded), 76)
		lines.WriteString(encoded[:n] + "\r\n")
		encoded = encoded[n:]
	}
	in64 := "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" + lines.String()
	printable := "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n" + string(quotedPrintable(dehydratedConsole))
	html := "Content-Type: text/html\r\n\r\n<p>" + strings.ReplaceAll(dehydratedConsole, "\n", "<br>\n") + "</p>"
	parts := func(kind, boundary string, parts ...string) string {
		return "Content-Type: multipart/" + kind + "; boundary=\"" + boundary + "\"\r\n\r\n--" + boundary + "\r\n" +
			strings.Join(parts, "\r\n--"+boundary+"\r\n") + "\r\n--" + boundary + "--\r\n"
	}
	picture := "Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n"
	want := mustParse(t, dehydratedConsole)
	for name, text := range map[string]string{
		"base64":                in64,
		"alternative":           parts("alternative", "b", printable, html),
		"HTML alone":            parts("alternative", "b", html),
		"Outlook's boundary":    parts("alternative", "----=_NextPart_000_0012_01DA.7B2C", printable, html),
		"attached picture":      parts("mixed", "a", parts("alternative", "b", in64, html), picture),
		"attached mail":         parts("mixed", "a", "Content-Type: message/rfc822\r\n\r\n"+head+printable),
		"cut":                   strings.TrimSuffix(parts("mixed", "a", in64), "\r\n--a--\r\n"),
		"no type that is known": "Content-Type: ;\r\n\r\n" + dehydratedConsole,
	} {
		answers := mustExplain(t, head+text)
		if len(answers) != 1 {
			t.Errorf("%s: %d answers", name, len(answers))
		}
		if diff := cmp.Diff(want.Record, answers[0].Evidence.Record); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	for name, text := range map[string]string{
		"headers of an answer": "server: IIS\r\ncontent-type: text/html\r\n\r\nx",
		"nothing in it":        head + "Content-Type: image/png\r\n\r\nx",
		"too deep":             head + strings.Repeat("Content-Type: message/rfc822\r\n\r\nFrom: a\r\n", maxDepth+1) + in64,
	} {
		if text, ok := mailText([]byte(text)); ok {
			t.Errorf("%s is a mail: %q", name, text)
		}
	}
}
