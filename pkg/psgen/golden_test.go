package psgen

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/pkg/exchange"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

// golden compares got with testdata/name, or writes it under -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v (run the test with -update to write it)", err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got), -update writes it:\n%s", path, diff)
	}
}

// printed is what a generator function writes.
func printed(t testing.TB, write func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// groupGrant is the grant of the documentation: one user, scoped to a group.
func groupGrant() exchange.Grant {
	return exchange.Grant{
		Assignee: exchange.NewUser(`CONTOSO\svc-reschedule`),
		Scope:    exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"},
	}
}

func roleGroupGrant() exchange.Grant {
	return exchange.Grant{
		Assignee: exchange.Assignee{
			Kind:                  exchange.RoleGroup,
			Identity:              "Reschedule Impersonation",
			Members:               []string{`CONTOSO\svc-reschedule`},
			ViewOnlyConfiguration: true,
		},
		Scope: exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"},
	}
}

// A kind is one kind of script for one grant.
type kind struct {
	name  string
	print func(io.Writer) error
}

// kinds returns every kind of script for a grant.
func kinds(g exchange.Grant) []kind {
	return []kind{
		{"grant-full", func(w io.Writer) error { return Grant(w, g, Full) }},
		{"grant-minimal", func(w io.Writer) error { return Grant(w, g, Minimal) }},
		{"revoke-full", func(w io.Writer) error { return Revoke(w, g, Full) }},
		{"revoke-minimal", func(w io.Writer) error { return Revoke(w, g, Minimal) }},
		{"status", func(w io.Writer) error { return Status(w, g) }},
		{"audit", Audit},
	}
}

func TestGoldens(t *testing.T) {
	for name, g := range map[string]exchange.Grant{"user": groupGrant(), "rolegroup": roleGroupGrant()} {
		for _, k := range kinds(g) {
			if k.name == "audit" && name != "user" {
				continue // an audit has no grant
			}
			script := printed(t, k.print)
			if again := printed(t, k.print); !bytes.Equal(script, again) {
				t.Errorf("%s for %s is not the same twice", k.name, name)
			}
			golden(t, k.name+"-"+name+".ps1", script)
		}
	}
}
