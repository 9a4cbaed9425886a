package terminal

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestNobodySits(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	terminal := New(f, f, os.Getenv)
	if terminal.Interactive() || terminal.Colour(f) || Width(f) != 0 {
		t.Error("a file is taken for a terminal")
	}
	if _, err := terminal.Confirm(t.Context(), "?"); !errors.Is(err, errNobody) {
		t.Errorf("a question: %v", err)
	}
	if _, err := terminal.Password(t.Context(), "?"); !errors.Is(err, errNobody) {
		t.Errorf("a password: %v", err)
	}
	terminal.Progress("going on")
	terminal.Done()
	if info, err := f.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("%d bytes were written, %v", info.Size(), err)
	}
}
