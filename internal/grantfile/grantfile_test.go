package grantfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/opath"
	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the expected errors of testdata/bad.txtar")

func archive(t testing.TB, name string) *txtar.Archive {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func read(data []byte) ([]exchange.Grant, error) { return Read(bytes.NewReader(data), "grants.yaml") }

func TestReadAll(t *testing.T) {
	want := []exchange.Grant{
		{
			Name:             "Impersonation for rooms",
			Assignee:         exchange.NewSecurityGroup("CN=Room Service,OU=Groups,DC=contoso,DC=test"),
			Mailbox:          "svc-rooms@contoso.test",
			Scope:            exchange.Scope{Kind: exchange.OrganizationalUnit, Text: "contoso.test/Rooms"},
			DomainController: "dc01.contoso.test",
		},
		{
			Assignee: exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Calendar Impersonators",
				Members: []string{"CN=svc-a,DC=contoso,DC=test", `CONTOSO\svc-b`}, ViewOnlyConfiguration: true},
			Scope: exchange.Scope{Kind: exchange.RecipientFilter, Name: "Reschedule Mailboxes",
				Text: "RecipientTypeDetails -eq 'UserMailbox' -and CustomAttribute1 -eq 'Reschedule'"},
		},
		{
			Assignee: exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Plain", Members: []string{"CN=svc-a,DC=x", "b"}},
			Scope:    exchange.Scope{Kind: exchange.WholeOrganization},
		},
		{
			Assignee: exchange.NewUser("svc@contoso.test"),
			Mailbox:  "svc@contoso.test",
			Scope:    exchange.Scope{Kind: exchange.Existing, Text: "Rooms / all"},
		},
		{
			Name:       "yes",
			Assignee:   exchange.NewUser("svc-c"),
			Scope:      exchange.Scope{Kind: exchange.Group, Text: "Group, with comma", Name: "10"},
			OutOfScope: []string{"x' y", "@z"},
		},
	}
	for _, f := range archive(t, "good.txtar").Files {
		if f.Name != "all.yaml" {
			continue
		}
		got, err := read(f.Data)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

func TestReadQuoting(t *testing.T) {
	want := []string{
		"123", "Name -like 'VP*' -and HiddenFromAddressListsEnabled -eq $false",
		"Müller 東京", "Name -eq 'x'",
		"6f9c4e0e-4a57-4a40-8a8d-0a3a6fd1b1c5", `O'Brien’s "team" # 1`,
	}
	for _, f := range archive(t, "good.txtar").Files {
		if f.Name != "quoting.yaml" {
			continue
		}
		grants, err := read(f.Data)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range grants {
			got = append(got, g.Assignee.Identity, g.Scope.Text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
}

// examples are the files that the documentation shows.
func examples(t *testing.T) (out []txtar.File) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(peers.ModuleRoot(t), "examples", "*.yaml"))
	if err != nil || len(names) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, txtar.File{Name: name, Data: data})
	}
	return out
}

func TestReadGood(t *testing.T) {
	schema := compileSchema(t)
	for _, f := range append(archive(t, "good.txtar").Files, examples(t)...) {
		grants, err := read(f.Data)
		if err != nil {
			t.Errorf("%s: %v", f.Name, err)
			continue
		}
		if err := schema.Validate(fromYAML(t, f.Data)); err != nil {
			t.Errorf("%s: the schema refuses it: %v", f.Name, err)
		}
		checkWritten(t, grants)
		for name, changed := range map[string][]byte{
			"a byte order mark": append([]byte("\xef\xbb\xbf"), f.Data...),
			"CRLF":              bytes.ReplaceAll(f.Data, []byte("\n"), []byte("\r\n")),
		} {
			again, err := read(changed)
			if diff := cmp.Diff(grants, again); err != nil || diff != "" {
				t.Errorf("%s with %s: %v, -without +with\n%s", f.Name, name, err, diff)
			}
		}
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

// checkWritten demands that Read gives back what Write wrote of valid grants.
func checkWritten(t fataler, grants []exchange.Grant) {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, grants); err != nil {
		t.Fatalf("Write: %v", err)
	}
	again, err := read(b.Bytes())
	if err != nil {
		t.Fatalf("Read of what Write wrote: %v\n%s", err, b.Bytes())
	}
	if diff := cmp.Diff(grants, again, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("written and read: -before +after\n%s\n%s", diff, b.Bytes())
	}
}

func TestReadBad(t *testing.T) {
	schema := compileSchema(t)
	a := archive(t, "bad.txtar")
	files := a.Files
	a.Files = nil
	want := map[string]string{}
	for _, f := range files {
		if name, ok := strings.CutSuffix(f.Name, ".err"); ok {
			want[name] = string(f.Data)
		}
	}
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name, ".yaml")
		if !ok {
			continue
		}
		grants, err := read(f.Data)
		var all Errors
		if !errors.As(err, &all) || grants != nil {
			t.Errorf("%s: %v, %v; want Errors", name, grants, err)
			continue
		}
		var got strings.Builder
		for _, e := range all {
			fmt.Fprintln(&got, strings.TrimPrefix(e.Error(), "grants.yaml:"))
		}
		a.Files = append(a.Files, f, txtar.File{Name: name + ".err", Data: []byte(got.String())})
		if diff := cmp.Diff(want[name], got.String()); diff != "" && !*update {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
		if bytes.HasPrefix(f.Data, []byte("# schema cannot: ")) {
			continue
		}
		if err := schema.Validate(fromYAML(t, f.Data)); err == nil {
			t.Errorf("%s: the schema takes it", name)
		}
	}
	if *update {
		if err := os.WriteFile(filepath.Join("testdata", "bad.txtar"), txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(jsonSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fromYAML reads a file as an editor would that knows only YAML and the schema.
func fromYAML(t *testing.T, data []byte) any {
	t.Helper()
	var values map[string]any
	if err := yaml.Unmarshal(data, &values); err != nil {
		var other any
		if err := yaml.Unmarshal(data, &other); err != nil {
			t.Fatalf("%v\n%s", err, data)
		}
		return other
	}
	asJSON, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
	if err != nil {
		t.Fatalf("%v\n%s", err, asJSON)
	}
	return v
}

// The long ones would take minutes to hours if they reached the parser.
func TestReadBytes(t *testing.T) {
	const head = "apiVersion: exgrant/v1\ngrants:\n"
	const grant = "  - {user: a, scope: {group: g}}\n"
	tests := []struct{ name, in, want string }{
		{"nothing", "", "grants.yaml:1:1: is empty: it needs the keys apiVersion and grants"},
		{"UTF-16", "\xff\xfea\x00", "grants.yaml:1:1: is UTF-16: save the file as UTF-8"},
		{"UTF-16, the other one", "\xfe\xff\x00a", "grants.yaml:1:1: is UTF-16: save the file as UTF-8"},
		{"Latin-1", head + "  - user: M\xfcller\n", "grants.yaml:3:12: a byte that is not UTF-8: save the file as UTF-8"},
		{"column in characters", head + "  - user: Mü\xffller\n", "grants.yaml:3:13: a byte that is not UTF-8: save the file as UTF-8"},
		{"NUL", head + "  - user: a\x00\n", "grants.yaml:3:12: a control character (U+0000) cannot stand here"},
		{"escape", "\x1b[31m", "grants.yaml:1:1: a control character (U+001B) cannot stand here"},
		{"tab after CRLF", "apiVersion: exgrant/v1\r\n \tgrants: []", "grants.yaml:2:2: a tab cannot indent: use spaces"},
		{"too long", head + grant + strings.Repeat("#", MaxSize), "grants.yaml:1:1: is longer than 1048576 bytes"},
		{"too many", head + strings.Repeat(grant, maxGrants+1), "grants.yaml:3:3: grants: holds 10001 grants, at most 10000 are allowed"},
		{"unfinished flow", "{a: [" + strings.Repeat("[", 10), "grants.yaml:1:"},
		{"very deep flow", strings.Repeat("[", MaxSize), "grants.yaml:1:17: too many lists and mappings within each other"},
		{"very deep list", strings.Repeat("- ", MaxSize/2), "grants.yaml:1:33: too many lists and mappings within each other"},
		{"very many keys", strings.Repeat("a: b\n", MaxSize/5), "grants.yaml:65:2: more than 64 keys in one mapping (and 99 more)"},
		{"very many keys in a list", "a:\n- " + strings.Repeat("a:\n  ", MaxSize/6), "grants.yaml:66:4: more than 64 keys in one mapping (and 99 more)"},
		{"very many keys in braces", "{" + strings.Repeat("a: b, ", MaxSize/7) + "}", "grants.yaml:1:387: more than 64 keys in one mapping (and 99 more)"},
		{"very many empty lines", "a: |\n x" + strings.Repeat("\n", MaxSize/2), "grants.yaml:102:1: more than 100 empty lines in a row"},
		{"very many empty lines of Windows", "a: |\r\n x" + strings.Repeat("\r\n", MaxSize/4), "grants.yaml:102:1: more than 100 empty lines in a row"},
		{"very many empty lines with spaces", "a: |\n x" + strings.Repeat("\n ", MaxSize/4), "grants.yaml:102:1: more than 100 empty lines in a row"},
		{"many times many empty lines", strings.Repeat("- |\n  x"+strings.Repeat("\n", 99), MaxSize/110), "grants.yaml:1:1: \"- |"},
		{"carriage returns", "a: |\n x" + strings.Repeat("\r", MaxSize/2), "grants.yaml:2:3: a control character (U+000D) cannot stand here"},
		{"very many errors", head + strings.Repeat("  - x\n", 5000), `grants.yaml:3:5: grants[0] "x": must be a mapping with the keys name, user, group, roleGroup, mailbox, scope, domainController, verify, accept (and 99 more)`},
		{"very many anchors", strings.Repeat("- &a\n", 5000), "grants.yaml:1:3: anchors and aliases are not used: write the value itself, in quotes where it begins with & or * (and 99 more)"},
	}
	for _, test := range tests {
		grants, err := read([]byte(test.in))
		var all Errors
		if !errors.As(err, &all) || grants != nil || !strings.HasPrefix(err.Error(), test.want) {
			t.Errorf("%s: %v, %.300v; want %s", test.name, grants, err, test.want)
		}
	}
	if grants, err := read([]byte(head + grant + strings.Repeat("#", MaxSize-len(head+grant)))); err != nil || len(grants) != 1 {
		t.Errorf("a file of exactly MaxSize: %v, %v", grants, err)
	}
}

func TestReadFailingReader(t *testing.T) {
	grants, err := Read(iotest.ErrReader(io.ErrUnexpectedEOF), "grants.yaml")
	var all Errors
	if grants != nil || !errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &all) {
		t.Errorf("%v, %v", grants, err)
	}
}

func TestErrors(t *testing.T) {
	_, err := read([]byte("apiVersion: exgrant/v1\ngrants: [{usr: a, scop: b}]\n"))
	var one *Error
	if !errors.As(err, &one) {
		t.Fatalf("%v", err)
	}
	want := &Error{"grants.yaml", 2, 11, "grants[0].usr", "", "is not a key here: did you mean user?"}
	if diff := cmp.Diff(want, one); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !strings.HasSuffix(err.Error(), "did you mean user? (and 1 more)") {
		t.Errorf("%v", err)
	}
}

func TestWrite(t *testing.T) {
	grants := []exchange.Grant{
		{
			Name: "n", Assignee: exchange.NewUser(`CONTOSO\svc`), Mailbox: "svc@contoso.test", Scope: exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users", Name: "s"},
			DomainController: "dc01", InScope: []string{"anna", "true"}, OutOfScope: []string{"CN=boss,DC=x"}, Accept: []string{"Old Grant"},
		},
		{
			Assignee: exchange.Assignee{Kind: exchange.RoleGroup, Identity: "r", Members: []string{"O'Brien"}, ViewOnlyConfiguration: true},
			Scope:    exchange.Scope{Kind: exchange.WholeOrganization},
		},
	}
	const want = `apiVersion: exgrant/v1
grants:
  - name: 'n'
    user: CONTOSO\svc
    mailbox: svc@contoso.test
    scope:
      group: Reschedule Users
      name: s
    domainController: dc01
    verify:
      inScope:
        - anna
        - 'true'
      outOfScope:
        - 'CN=boss,DC=x'
    accept:
      - Old Grant
  - roleGroup:
      name: r
      members:
        - 'O''Brien'
      viewOnlyConfiguration: true
    scope:
      wholeOrganization: true
`
	var b strings.Builder
	if err := Write(&b, grants); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	checkWritten(t, grants)
}

func TestWriteRefuses(t *testing.T) {
	var b strings.Builder
	if err := Write(&b, nil); err == nil || b.Len() > 0 {
		t.Errorf("no grants: %v, %q", err, b.String())
	}
	if err := Write(&b, []exchange.Grant{{}}); err == nil || b.Len() > 0 {
		t.Errorf("an invalid grant: %v, %q", err, b.String())
	}
	r, w := io.Pipe()
	r.Close()
	valid := exchange.Grant{Assignee: exchange.NewUser("a"), Scope: exchange.Scope{Kind: exchange.WholeOrganization}}
	if err := Write(w, []exchange.Grant{valid}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("a closed pipe: %v", err)
	}
}

func TestWriteRoundTrip(t *testing.T) {
	text := rapid.OneOf(
		rapid.SampledFrom([]string{"true", "null", "~", "123", "1e3", ".inf", "0x1F", "- a", "a: b", "a #b", "&a", "{a}", "[a", "'", `"`, "|", ">", "%a", "@a", "`a", "CN=a,DC=b", `C\a`, "...", "---", "<<", "!x", "=", "2026-11-24", "1_000", "0o7", "+1", "é"}),
		rapid.StringN(1, 40, -1),
	).Filter(func(s string) bool { return exchange.CheckIdentity(s) == nil })
	name := text.Filter(func(s string) bool { return exchange.CheckName(s) == nil })
	filter := rapid.Map(rapid.StringN(0, 20, -1).Filter(func(s string) bool { return exchange.CheckText(s) == nil }), func(s string) string {
		f, err := opath.MemberOf(s)
		if err != nil {
			panic(err)
		}
		return f
	})
	rapid.Check(t, func(t *rapid.T) {
		g := exchange.Grant{
			Mailbox:          rapid.OneOf(rapid.Just(""), text).Draw(t, "mailbox"),
			Name:             rapid.OneOf(rapid.Just(""), name).Draw(t, "name"),
			DomainController: rapid.OneOf(rapid.Just(""), text).Draw(t, "domain controller"),
			InScope:          rapid.SliceOfN(text, 0, 3).Draw(t, "in scope"),
			OutOfScope:       rapid.SliceOfN(text, 0, 3).Draw(t, "out of scope"),
		}
		switch rapid.IntRange(0, 2).Draw(t, "assignee") {
		case 0:
			g.Assignee = exchange.NewUser(text.Draw(t, "user"))
		case 1:
			g.Assignee = exchange.NewSecurityGroup(text.Draw(t, "group"))
		case 2:
			g.Assignee = exchange.Assignee{Kind: exchange.RoleGroup, Identity: name.Draw(t, "role group"), Members: rapid.SliceOfN(text, 1, 3).Draw(t, "members"), ViewOnlyConfiguration: rapid.Bool().Draw(t, "view only")}
		}
		switch rapid.IntRange(0, 4).Draw(t, "scope") {
		case 0:
			g.Scope = exchange.Scope{Kind: exchange.Group, Text: text.Draw(t, "group"), Name: rapid.OneOf(rapid.Just(""), name).Draw(t, "scope name")}
		case 1:
			g.Scope = exchange.Scope{Kind: exchange.OrganizationalUnit, Text: text.Draw(t, "ou")}
		case 2:
			g.Scope = exchange.Scope{Kind: exchange.RecipientFilter, Text: filter.Draw(t, "filter"), Name: rapid.OneOf(rapid.Just(""), name).Draw(t, "scope name")}
		case 3:
			g.Scope = exchange.Scope{Kind: exchange.WholeOrganization}
		case 4:
			g.Scope = exchange.Scope{Kind: exchange.Existing, Text: text.Draw(t, "existing")}
		}
		if g.Validate() != nil {
			t.Skip("two of its texts are the same")
		}
		checkWritten(t, []exchange.Grant{g})
	})
}

func TestSchemaIsJSON(t *testing.T) {
	var schema struct {
		Schema string `json:"$schema"`
	}
	if err := json.Unmarshal(jsonSchema, &schema); err != nil || schema.Schema != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("%q, %v", schema.Schema, err)
	}
}

func TestSuggestion(t *testing.T) {
	known := []string{"name", "user", "roleGroup", "outOfScope"}
	tests := []struct{ word, want string }{
		{"User", "did you mean user?"},
		{"role-group", "did you mean roleGroup?"},
		{"rolegruop", "did you mean roleGroup?"},
		{"out_of_scop", "did you mean outOfScope?"},
		{"members", "the keys are name, user, roleGroup, outOfScope"},
		{"", "the keys are name, user, roleGroup, outOfScope"},
		{strings.Repeat("x", 1000), "the keys are name, user, roleGroup, outOfScope"},
	}
	for _, test := range tests {
		if got := suggestion(test.word, known); got != test.want {
			t.Errorf("suggestion(%.20q) = %q, want %q", test.word, got, test.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"good.txtar", "bad.txtar"} {
		for _, file := range archive(f, name).Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		grants, err := read(data)
		if err == nil {
			if len(grants) == 0 {
				t.Fatal("neither grants nor an error")
			}
			checkWritten(t, grants)
			return
		}
		var all Errors
		if !errors.As(err, &all) || grants != nil || len(all) > maxErrors {
			t.Fatalf("%v, %v", grants, err)
		}
		for _, e := range all {
			if e.Line < 1 || e.Column < 1 || e.Rule == "" {
				t.Fatalf("%+v", e)
			}
		}
	})
}
