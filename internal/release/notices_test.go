package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// The notices are about what is linked, and about all of it.
func TestNotices(t *testing.T) {
	peers.Program(t, "go")
	want, err := notices()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../THIRD-PARTY-NOTICES.txt")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("THIRD-PARTY-NOTICES.txt is not what is linked (go generate ./internal/release writes it)")
	}
	if !bytes.Contains(want, []byte("GNU GENERAL PUBLIC LICENSE")) {
		t.Error("the license that the LGPL adds to is not there")
	}
}

func TestNotesRefuse(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"has no license":    {"README.md": "MIT"},
		"is not known here": {"LICENSE": "You may use this on Sundays."},
	} {
		dir := t.TempDir()
		for file, text := range files {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if err := new(notes).add("example.com/m v1.0.0", "", dir); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: got error %v, want one that says %q", files, err, name)
		}
	}
}

// What a license asks to be kept is kept, each text once.
func TestNotesKeep(t *testing.T) {
	var n notes
	for _, module := range []string{"example.com/a v1.0.0", "example.com/b v1.0.0"} {
		dir := t.TempDir()
		for file, text := range map[string]string{"LICENSE.txt": "Apache License\n  Version 2.0\r\n", "NOTICE": "by " + module, "licenses.go": "package licenses"} {
			if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if err := n.add(module, "https://example.com", dir); err != nil {
			t.Fatal(err)
		}
	}
	text := string(n.write())
	for _, want := range []string{"by example.com/a v1.0.0\n", "by example.com/b v1.0.0\n",
		"example.com/a v1.0.0: LICENSE.txt\nexample.com/b v1.0.0: LICENSE.txt\n"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q stands there %d times, want once", want, strings.Count(text, want))
		}
	}
	if strings.Contains(text, "package licenses") {
		t.Error("a source file was taken for a license")
	}
}

func TestSource(t *testing.T) {
	got := source(linked{Path: "github.com/Azure/go-ntlmssp", Version: "v0.1.1-RC1"})
	if want := "https://proxy.golang.org/github.com/!azure/go-ntlmssp/@v/v0.1.1-!r!c1.zip"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTargets(t *testing.T) {
	for _, want := range []string{"linux", "darwin", "windows"} {
		for _, processor := range []string{"amd64", "arm64"} {
			if !slices.Contains(targets, want+"/"+processor) {
				t.Errorf("no programs for %s/%s", want, processor)
			}
		}
	}
}
