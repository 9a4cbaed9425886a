package psgen

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// signed is a script with something that looks like a signature.
func signed(script []byte) []byte {
	return append(bytes.Clone(script), "# SIG # Begin signature block\r\n# MII\r\n# SIG # End signature block\r\n"...)
}

func TestReadHeader(t *testing.T) {
	script := printed(t, printForm(Form{Kind: KindGrant, Assignee: exchange.User, Scope: exchange.Group}))
	h, err := ReadHeader(script)
	want := []Parameter{{"TimeoutMinutes", false}, {"AllowEmpty", true}, {"EnableCustomization", true}, {"ReportPath", false}}
	if err != nil || !slices.Equal(h.Parameters, want) || h.Kind != KindGrant || h.Form != "grant user group" || h.Signed {
		t.Errorf("%v %+v", err, h)
	}
	if h, err := ReadHeader(signed(script)); err != nil || !h.Signed {
		t.Errorf("signed: %+v, %v", h, err)
	}
	replace := func(old, new string) []byte { return bytes.Replace(script, []byte(old), []byte(new), 1) }
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
		"unix line ends":   {bytes.ReplaceAll(script, []byte("\r\n"), []byte("\n")), "line ends"},
		"no mark":          {script[3:], "byte order mark"},
		"another format":   {replace("script-format: 2", "script-format: 3"), "script-format"},
		"no hash":          {replace("    sha256: ", "    sha257: "), "changed since"},
		"two forms":        {replace("    form: grant user group\r\n", "    form: grant user group\r\n    form: audit\r\n"), "twice"},
		"another body":     {replace("    body-sha256: ", "    body-sha256: 0"), "body"},
	} {
		if h, err := ReadHeader(test.script); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %+v, %v, want %q", name, h, err, test.want)
		}
	}
}

// rehashed is a script whose header says what is so, after somebody changed it.
func rehashed(script []byte) []byte {
	old, _ := ReadHeader(script)
	sum, body := old.SHA256, old.BodySHA256
	if sum == "" {
		fields := map[string]string{}
		for _, m := range headerField.FindAllSubmatch(script, -1) {
			fields[string(m[1])] = string(m[2])
		}
		sum, body = fields["sha256"], fields["body-sha256"]
	}
	script = bytes.Replace(script, []byte("    sha256: "+sum), []byte("    sha256: "+Hash(script)), 1)
	return bytes.Replace(script, []byte(body), []byte(BodyHash(script)), 1)
}

// TestCheck: a script is what is written from its own data block, or the first line
// that is not is told.
func TestCheck(t *testing.T) {
	for _, f := range Forms() {
		script := printed(t, printForm(f))
		for _, s := range [][]byte{script, signed(script)} {
			kind, g, err := Check(s)
			if err != nil || kind != f.Kind {
				t.Errorf("%s: %s, %v", f, kind, err)
			}
			if f.Scope != "" {
				want := grantOf(f)
				if f.Kind == KindRevoke {
					want.InScope, want.OutOfScope = nil, nil
				}
				if diff := cmp.Diff(want, g); diff != "" {
					t.Errorf("%s: another grant:\n%s", f, diff)
				}
			}
		}
	}
	script := printed(t, printForm(Form{Kind: KindGrant, Assignee: exchange.User, Scope: exchange.Group}))
	change := func(old, new string) []byte { return bytes.Replace(script, []byte(old), []byte(new), 1) }
	line := 1 + strings.Count(string(script[:bytes.Index(script, []byte("    Open-ExgSession"))]), "\n")
	for name, test := range map[string]struct {
		script []byte
		line   int // that differs; 0 for another reason, -1 for another release, -2 for none of ours
	}{
		"an account, without new hashes":       {change(`CONTOSO\svc-reschedule`, `CONTOSO\boss`), 0},
		"code, without new hashes":             {change("    Open-ExgSession", "    Open-ExgSessioN"), 0},
		"code in the data block":               {rehashed(change("$Pin = @{}", "$Pin = @{}\r\n$x = Get-Date")), 0},
		"a call in a value":                    {rehashed(change(`'CONTOSO\svc-reschedule'`, `(Get-Date)`)), 0},
		"a value in double quotes":             {rehashed(change(`'CONTOSO\svc-reschedule'`, `"CONTOSO\$(Get-Date)"`)), 0},
		"another body":                         {rehashed(change("    Open-ExgSession", "    Open-ExgSessioN")), -1},
		"a variable that scripts do not have":  {rehashed(change("$Pin = @{}", "$Pin = @{}\r\n$Evil = 'x'")), 8},
		"an account, with new hashes":          {rehashed(change(`'CONTOSO\svc-reschedule'`, `'CONTOSO\boss'`)), -3},
		"another file":                         {[]byte("Get-Mailbox"), -2},
		"the name of another account":          {rehashed(change(`ApplicationImpersonation-svc`, `ApplicationImpersonation-abc`)), -3},
		"a header that says something else":    {change("A second run changes nothing", "A second run changes everything"), -4},
		"unix line ends":                       {bytes.ReplaceAll(script, []byte("\r\n"), []byte("\n")), 0},
		"what follows the end":                 {append(bytes.Clone(script), "Get-Date\r\n"...), 0},
		"what follows a signature's beginning": {append(signed(script), "Get-Date\r\n"...), -5},
	} {
		kind, g, err := Check(test.script)
		altered, release := (*AlteredError)(nil), (*ReleaseError)(nil)
		switch test.line {
		case -1:
			if !errors.As(err, &release) || release.BodySHA256 != BodyHash(test.script) || release.Release != "" {
				t.Errorf("%s: %v", name, err)
			}
		case -2:
			if err == nil || errors.As(err, &altered) || errors.As(err, &release) || kind != "" {
				t.Errorf("%s: %v", name, err)
			}
		case -3: // that is another grant, which has that name
			if err != nil || g.Name == "" {
				t.Errorf("%s: %+v, %v", name, g, err)
			}
		default:
			if !errors.As(err, &altered) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	var altered *AlteredError
	if _, _, err := Check(change("    Open-ExgSession", "    Open-ExgSessioN")); !errors.As(err, &altered) || altered.Line != line ||
		altered.Got != "    Open-ExgSessioN" || altered.Want != "    Open-ExgSession" {
		t.Errorf("line %d: %v", line, err)
	}
	if _, _, err := Check(change("Reschedule Users", "Executives")); !errors.As(err, &altered) || altered.Line != 0 || !strings.Contains(err.Error(), "was changed since the script was written") {
		t.Errorf("another group: %v", err)
	}

}

// TestReadConstants: what is printed is read back, and nothing else is read.
func TestReadConstants(t *testing.T) {
	variables := []entry{
		{"Grant", table{entries: []entry{{"name", "it''s \u2018x\u2019"}, {"deep", table{entries: []entry{{"list", list{"a", strings.Repeat("b", 200)}}, {"no", nil}}}}}}},
		{"Empty", list{}}, {"Yes", true}, {"Pin", table{plain: true, entries: []entry{{"DomainController", "DC"}}}},
		{"InScope, $OutOfScope", both{list{"a, b"}, list{"; }", "@{"}}},
	}
	block, err := constantsBlock(variables)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readConstants(strings.TrimSuffix(strings.TrimPrefix(block, dataHead+"\n"), "\n\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"InScope": list{"a, b"}, "OutOfScope": list{"; }", "@{"}}
	for _, v := range variables[:4] {
		want[v.name] = v.value
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(table{}, entry{})); diff != "" {
		t.Error(diff)
	}
	for _, evil := range []string{
		"$A = Get-Date", "$A = \"x\"", "$A = 'x' + 'y'", "$A = 'x'; Get-Date", "$A = @(Get-Date)", "$A = @('a' 'b')", "$A = @{ x = Get-Date }",
		"$A = [ordered]@{ x = 'y'; (Get-Date) = 'z' }", "Get-Date", "$A = 'x\u2019; Get-Date; \u2018y'", "$A = 'x", "$A = @('a', @('b', @('c', @('d', @('e', @('f', @('g')))))))",
		"$A = 'x'\n\n$B = 'y'", "$A = $true.x", "$A = 1", "$A.b = 'x'", "$A = 'x' # y", "$env:A = 'x'", "$A = 'x'\n$A = 'y'",
	} {
		if got, err := readConstants(evil); err == nil {
			t.Errorf("%q is read as %v", evil, got)
		}
	}
}

func FuzzReadConstants(f *testing.F) {
	f.Add("$Grant = [ordered]@{\n    name = 'x'\n}\n$A, $B = @('a'), @()")
	f.Fuzz(func(t *testing.T, text string) {
		variables, err := readConstants(text)
		if err != nil {
			return
		}
		for name, v := range variables {
			if name == "" {
				continue
			}
			if _, err := constantsBlock([]entry{{name, v}}); err != nil && !strings.Contains(err.Error(), "constant") && !strings.Contains(err.Error(), "U+") {
				t.Errorf("%q: %v", text, err)
			}
		}
	})
}
