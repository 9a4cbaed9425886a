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
	archive, err := txtar.ParseFile("testdata/public.txtar")
	if err != nil {
		t.Fatal(err)
	}
	if len(archive.Files) < 40 {
		t.Fatalf("only %d pieces", len(archive.Files))
	}
	for _, f := range archive.Files {
		t.Run(f.Name, func(t *testing.T) {
			source, text, _ := strings.Cut(string(f.Data), "\n")
			if !strings.HasPrefix(source, "https://") {
				t.Fatalf("no source in the first line: %q", source)
			}
			got, _ := fault.Classify(mustParse(t, text))
			if want := path.Dir(f.Name); got.ID != want {
				t.Errorf("%s by %s, want %s\n%+v", got.ID, got.Rule, want, mustParse(t, text).Record)
			}
		})
	}
}
