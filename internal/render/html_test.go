package render

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/exgrant/exgrant/pkg/report"
)

func html(t testing.TB, reports ...*report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := HTML(&b, reports); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestHTML(t *testing.T) {
	golden(t, "report.html", html(t, sampleReport()))
	golden(t, "several.html", html(t, several()...))
	golden(t, "diagnosis.html", html(t, sampleDiagnosis()))
}

// markup is a page without its text: every tag with its attributes, but for the
// address of a link, and whether there is text between.
func markup(t interface{ Fatal(...any) }, page string) []string {
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var tags []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return tags
		}
		if err != nil {
			t.Fatal(err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			tag := token.Name.Local
			for _, a := range token.Attr {
				if a.Name.Local == "href" && strings.HasPrefix(a.Value, "https://") {
					a.Value = "https:"
				}
				tag += " " + a.Name.Local + "=" + a.Value
			}
			tags = append(tags, tag)
		case xml.EndElement:
			tags = append(tags, "/"+token.Name.Local)
		case xml.Comment:
			tags = append(tags, "comment")
		}
	}
}

// Whatever a server or a person says is text: the page's tags are the same.
func TestHTMLOfAnything(t *testing.T) {
	said := func(text string) []*report.Report {
		r := sampleReport()
		r.Tool, r.Operator = "exgrant "+text, "a"+text
		r.Grant.Name, r.Grant.Assignee.Name, r.Grant.Scope.Given, r.Grant.Scope.Filter = "n"+text, "a"+text, text, "f"+text
		r.Steps[1].Text, r.Steps[1].Command, r.Steps[1].Fault.Message = "t"+text, "c"+text, "m"+text
		r.Steps[1].Fault.Hint, r.Steps[1].Fault.Source, r.Steps[2].GUID = "h"+text, "https://x.test/"+text, "g"+text
		r.Findings[1].Text, r.Findings[1].Objects, r.Proof[1].Mailbox, r.Proof[1].EWSCode = text, []string{text}, text, text
		r.Inverse[0].Identity = text
		return []*report.Report{r, r}
	}
	want := markup(t, html(t, said("plain")...))
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, "</style><script>", "<!--", "-->", "</title>", "&lt;b&gt;",
			"\x00\x1b[31m", "\u202eevil\u202c", "javascript:alert(1)", "' onmouseover='x", "{{.}}", "\xff",
		})).Draw(t, "text")
		var b bytes.Buffer
		if err := HTML(&b, said(text)); err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(b.Bytes()) {
			t.Fatal("not UTF-8")
		}
		for _, r := range b.String() {
			if r != '\n' && !strings.ContainsRune(graphic(string(r)), r) {
				t.Fatalf("%U is in the page", r)
			}
		}
		if diff := cmp.Diff(want, markup(t, b.String())); diff != "" {
			t.Fatalf("%q changes the page's tags (-want +got):\n%s", text, diff)
		}
	})
}

// The page asks nobody for anything.
func TestHTMLStandsAlone(t *testing.T) {
	page := html(t, several()...)
	for _, tag := range markup(t, page) {
		name, attributes, _ := strings.Cut(tag, " ")
		switch name {
		case "script", "img", "link", "iframe", "object", "embed", "base", "form", "svg":
			t.Errorf("the page has a %s", name)
		}
		for _, refused := range []string{"src=", "style=", "on", "javascript:"} {
			if strings.HasPrefix(attributes, refused) || strings.Contains(attributes, " "+refused) || refused == "javascript:" && strings.Contains(attributes, refused) {
				t.Errorf("the page has %s", tag)
			}
		}
	}
	if strings.Contains(htmlStyle, "url(") || strings.Contains(htmlStyle, "@import") {
		t.Error("the style asks for something")
	}
}
