package psgen

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
)

func TestReadHeader(t *testing.T) {
	g := exchange.Grant{Assignee: exchange.NewUser(`CONTOSO\svc`), Scope: exchange.Scope{Kind: exchange.WholeOrganization}}
	print := func(f func(io.Writer) error) []byte {
		var b bytes.Buffer
		if err := f(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	full := print(func(w io.Writer) error { return Grant(w, g, Full) })
	for kind, script := range map[string][]byte{
		"grant":          full,
		"grant-minimal":  print(func(w io.Writer) error { return Grant(w, g, Minimal) }),
		"revoke":         print(func(w io.Writer) error { return Revoke(w, g, Full) }),
		"revoke-minimal": print(func(w io.Writer) error { return Revoke(w, g, Minimal) }),
		"status":         print(func(w io.Writer) error { return Status(w, g) }),
		"audit":          print(Audit),
	} {
		h, err := ReadHeader(script)
		if err != nil || h.Kind != kind || h.Signed {
			t.Errorf("%s: %+v, %v", kind, h, err)
		}
		_, record := h.Parameter("recordmarker")
		if record == strings.HasSuffix(kind, "-minimal") {
			t.Errorf("%s: parameters %+v", kind, h.Parameters)
		}
	}
	h, err := ReadHeader(full)
	want := []Parameter{{"DomainController", false}, {"TimeoutMinutes", false}, {"UpdateScope", true}, {"AllowEmpty", true},
		{"ReportPath", false}, {"AsJson", true}, {"RecordMarker", false}}
	if err != nil || !slices.Equal(h.Parameters, want) {
		t.Errorf("%v %+v", err, h.Parameters)
	}
	signed := append(bytes.Clone(full), "# SIG # Begin signature block\r\n# MII\r\n# SIG # End signature block\r\n"...)
	if h, err := ReadHeader(signed); err != nil || !h.Signed {
		t.Errorf("signed: %+v, %v", h, err)
	}

	replace := func(old, new string) []byte { return bytes.Replace(full, []byte(old), []byte(new), 1) }
	for name, test := range map[string]struct {
		script []byte
		want   string
	}{
		"another file":     {[]byte("Get-Mailbox"), "no script of exgrant"},
		"a changed body":   {replace("Invoke-ExgProcedure", "Invoke-ExgProcedurE"), "changed since"},
		"a changed value":  {replace(`CONTOSO\svc`, `CONTOSO\svd`), "changed since"},
		"a using":          {replace("#Requires", "using module evil\r\n#Requires"), "before the parameters"},
		"a line after":     {replace("#>\r\n[Cmd", "#>\r\nusing module evil\r\n[Cmd"), "before the parameters"},
		"a second comment": {replace(".SYNOPSIS", "#>\r\nusing module evil\r\n<#"), "before the parameters"},
		"unix line ends":   {bytes.ReplaceAll(full, []byte("\r\n"), []byte("\n")), "line ends"},
		"no mark":          {full[3:], "byte order mark"},
		"another format":   {replace("script-format: 1", "script-format: 2"), "script-format"},
		"no hash":          {replace("sha256: ", "sha257: "), "changed since"},
		"two kinds":        {replace("    kind: grant\r\n", "    kind: grant\r\n    kind: audit\r\n"), "twice"},
	} {
		if h, err := ReadHeader(test.script); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %+v, %v, want %q", name, h, err, test.want)
		}
	}
}
