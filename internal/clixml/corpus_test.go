package clixml

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/exgrant/exgrant/internal/peers"
)

func corpus(t testing.TB) map[string][]byte {
	files := make(map[string][]byte)
	for _, p := range []string{"*.xml", "IIS/*.xml"} {
		names, err := filepath.Glob(filepath.Join(peers.Shared(t, "corpus", "clixml"), p))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[filepath.Base(name)] = data
		}
	}
	if len(files) != 95 {
		t.Fatalf("%d files, want 95", len(files))
	}
	return files
}

func TestCorpusDecodes(t *testing.T) {
	for name, data := range corpus(t) {
		values, err := Decode(data, Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, err := Encode(values...); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	var docs [][]byte
	n := 0
	for _, data := range corpus(b) {
		s := []byte(toUTF8(data))
		n += len(s)
		docs = append(docs, s)
	}
	b.SetBytes(int64(n))
	b.ReportAllocs()
	for b.Loop() {
		for _, d := range docs {
			if _, err := Decode(d, Limits{}); err != nil {
				b.Fatal(err)
			}
		}
	}
}
