package psgen

import (
	"io"
	"testing"
)

func BenchmarkGrant(b *testing.B) {
	for b.Loop() {
		if err := Grant(io.Discard, groupGrant()); err != nil {
			b.Fatal(err)
		}
	}
}
