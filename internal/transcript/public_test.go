package transcript

import (
	"path"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/exgrant/exgrant/pkg/fault"
)

// TestPublic classifies pieces that are not in the shared corpus. Each holds its
// class in its name and its source in its first line.
func TestPublic(t *testing.T) {
	for _, f := range readPieces(t, "testdata/public.txtar", 80) {
		t.Run(f.Name, func(t *testing.T) {
			source, text, _ := strings.Cut(string(f.Data), "\n")
			if !strings.HasPrefix(source, "https://") {
				t.Fatalf("no source in the first line: %q", source)
			}
			testClass(t, path.Dir(f.Name), text)
		})
	}
}

// TestForms classifies the forms that errors take between a server and whoever
// pastes them.
func TestForms(t *testing.T) {
	for _, f := range readPieces(t, "testdata/forms.txtar", 120) {
		t.Run(f.Name, func(t *testing.T) { testClass(t, path.Dir(f.Name), string(f.Data)) })
	}
}

func readPieces(t *testing.T, name string, least int) []txtar.File {
	t.Helper()
	archive, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files) < least {
		t.Fatalf("only %d pieces in %s", len(archive.Files), name)
	}
	return archive.Files
}

func testClass(t *testing.T, want, text string) {
	t.Helper()
	answers := mustExplain(t, text)
	if got := answers[0].Fault; got.ID != want {
		t.Errorf("%s by %s, want %s\n%+v", got.ID, got.Rule, want, answers[0].Evidence.Record)
	}
	for _, a := range answers[1:] {
		if isCostly(a.Fault.ID) && a.Fault.ID != want && a.Fault.ID != fault.AlreadyCustomized {
			t.Errorf("also %s by %s", a.Fault.ID, a.Fault.Rule)
		}
	}
}
