package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/windows"
)

// A file that another program holds is said to be held; a name that no file can have is
// a wrong name.
func TestFileErrors(t *testing.T) {
	dir := t.TempDir()
	held := filepath.Join(dir, "held.json")
	name, err := windows.UTF16PtrFromString(held)
	if err != nil {
		t.Fatal(err)
	}
	const nobodyElse = 0
	handle, err := windows.CreateFile(name, windows.GENERIC_READ|windows.GENERIC_WRITE, nobodyElse, nil, windows.CREATE_NEW, windows.FILE_ATTRIBUTE_NORMAL, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer windows.CloseHandle(handle)
	if _, err := os.ReadFile(held); !isHeld(err) {
		t.Errorf("reading it: %v", err)
	}
	for path, test := range map[string]struct {
		text string
		code int
	}{
		held: {"another program has it open", exitFailed},
		filepath.Join(dir, strings.Repeat("1", 300)+".json"): {"cannot write", exitUsage},
		filepath.Join(dir, `a"b.json`):                       {"cannot write", exitUsage},
		filepath.Join(dir, "a|b.json"):                       {"cannot write", exitUsage},
		filepath.Join(dir, "none", "a.json"):                 {"there is no folder", exitUsage},
	} {
		err := publishAll([]outfile{{path, []byte("x")}}, true)
		var hinted *hintedError
		if !errors.As(err, &hinted) || hinted.code != test.code || !strings.Contains(err.Error(), test.text) || len(hinted.hints) == 0 {
			t.Errorf("%s: got %v, want %q and exit code %d", filepath.Base(path), err, test.text, test.code)
		}
	}
}
