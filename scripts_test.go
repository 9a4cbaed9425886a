package exgrant

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/grantfile"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/psgen"
)

// The folder scripts holds what the program writes for the examples, made by the
// program itself.
//
//go:generate go run ./cmd/exgrant script grant -f examples/user-group.yaml --undo scripts/user-group.revoke.ps1 -o scripts/user-group.grant.ps1 --overwrite
//go:generate go run ./cmd/exgrant script status -f examples/user-group.yaml -o scripts/user-group.status.ps1 --overwrite
//go:generate go run ./cmd/exgrant script grant -f examples/security-group-ou.yaml --undo scripts/security-group-ou.revoke.ps1 -o scripts/security-group-ou.grant.ps1 --overwrite
//go:generate go run ./cmd/exgrant script grant -f examples/role-group.yaml --undo scripts/role-group.revoke.ps1 -o scripts/role-group.grant.ps1 --overwrite
//go:generate go run ./cmd/exgrant script grant -f examples/filter.yaml --undo scripts/filter.revoke.ps1 -o scripts/filter.grant.ps1 --overwrite
//go:generate go run ./cmd/exgrant script grant -f examples/whole-organization.yaml --undo scripts/whole-organization.revoke.ps1 -o scripts/whole-organization.grant.ps1 --overwrite
//go:generate go run ./cmd/exgrant script audit -o scripts/audit.ps1 --overwrite
//go:generate go run ./cmd/exgrant script office365 -o scripts/office365.ps1 --overwrite
//go:generate go run ./cmd/exgrant script fieldtest -o scripts/fieldtest.ps1 --overwrite

// TestScripts compares every file of scripts with what the generator prints for
// its example today.
func TestScripts(t *testing.T) {
	want := map[string]func(io.Writer) error{
		"audit.ps1":     psgen.Audit,
		"office365.ps1": psgen.Office365,
		"fieldtest.ps1": psgen.FieldTest,
	}
	examples, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, example := range examples {
		g := exampleGrant(t, example)
		name := strings.TrimSuffix(filepath.Base(example), ".yaml")
		want[name+".grant.ps1"] = func(w io.Writer) error { return psgen.Grant(w, g) }
		want[name+".revoke.ps1"] = func(w io.Writer) error { return psgen.Revoke(w, g) }
		if name == "user-group" {
			want[name+".status.ps1"] = func(w io.Writer) error { return psgen.Status(w, g) }
		}
	}
	for name, print := range want {
		var b bytes.Buffer
		if err := print(&b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := os.ReadFile(filepath.Join("scripts", name))
		if err != nil {
			t.Errorf("%v (go generate ./... writes it)", err)
		} else if !bytes.Equal(got, b.Bytes()) {
			t.Errorf("scripts/%s is not what the generator prints (go generate ./... writes it)", name)
		}
	}
	files, err := filepath.Glob("scripts/*.ps1")
	if err != nil || len(files) != len(want) {
		t.Errorf("%d scripts, %d expected: %v", len(files), len(want), err)
	}
}

func exampleGrant(t *testing.T, path string) exchange.Grant {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	grants, err := grantfile.Read(f, path)
	if err != nil {
		t.Fatal(err)
	}
	if len(grants) != 1 {
		t.Fatalf("%s holds %d grants; an example for scripts holds one", path, len(grants))
	}
	return grants[0]
}
