package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

var at = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// folder makes the same folder in another place and order, at another time.
func folder(t *testing.T, names []string, modified time.Time) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "exgrant-v1.0.0")
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("content of "+name), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestArchiveAgain(t *testing.T) {
	names := []string{"exgrant", "LICENSE", "completions/exgrant.bash", "completions/_exgrant"}
	for _, suffix := range []string{".tar.gz", ".zip"} {
		var files [2][]byte
		for i := range files {
			out := filepath.Join(t.TempDir(), "out"+suffix)
			if err := archive(out, folder(t, names, time.Now().Add(time.Duration(-i)*time.Hour)), at); err != nil {
				t.Fatal(err)
			}
			slices.Reverse(names)
			var err error
			if files[i], err = os.ReadFile(out); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("%s: the same content gives other bytes", suffix)
		}
	}
}

func TestArchiveContents(t *testing.T) {
	dir := folder(t, []string{"exgrant", "completions/exgrant.bash"}, time.Now())
	if err := os.Chmod(filepath.Join(dir, "exgrant"), 0o700); err != nil {
		t.Fatal(err)
	}
	program := "-rw-r--r--"
	if info, err := os.Stat(filepath.Join(dir, "exgrant")); err == nil && info.Mode()&0o100 != 0 {
		program = "-rwxr-xr-x" // Windows knows no such bit
	}
	want := []string{
		"drwxr-xr-x exgrant-v1.0.0/ ",
		"drwxr-xr-x exgrant-v1.0.0/completions/ ",
		"-rw-r--r-- exgrant-v1.0.0/completions/exgrant.bash content of completions/exgrant.bash",
		program + " exgrant-v1.0.0/exgrant content of exgrant",
	}
	for suffix, list := range map[string]func(string) ([]string, error){".tar.gz": listTar, ".zip": listZip} {
		out := filepath.Join(t.TempDir(), "out"+suffix)
		if err := archive(out, dir, at); err != nil {
			t.Fatal(err)
		}
		got, err := list(out)
		if err != nil {
			t.Fatal(err)
		}
		// A folder's name sorts before what is in it, and after files with lesser names.
		if strings.ReplaceAll(strings.Join(got, "\n"), `\`, "/") != strings.Join(want, "\n") {
			t.Errorf("%s:\n got %q\nwant %q", suffix, got, want)
		}
	}
}

func listTar(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	unzipped, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	var all []string
	for r := tar.NewReader(unzipped); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		if !h.ModTime.Equal(at) {
			return nil, fmt.Errorf("%s is of %s", h.Name, h.ModTime)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		all = append(all, fmt.Sprintf("%s %s %s", h.FileInfo().Mode(), h.Name, text))
	}
}

func listZip(file string) ([]string, error) {
	r, err := zip.OpenReader(file)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var all []string
	for _, f := range r.File {
		if !f.Modified.Equal(at) {
			return nil, fmt.Errorf("%s is of %s", f.Name, f.Modified)
		}
		in, err := f.Open()
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(in)
		if err := errors.Join(err, in.Close()); err != nil {
			return nil, err
		}
		all = append(all, fmt.Sprintf("%s %s %s", f.Mode(), f.Name, text))
	}
	return all, nil
}

func TestArchiveRefuses(t *testing.T) {
	dir := folder(t, []string{"a"}, time.Now())
	out := filepath.Join(t.TempDir(), "out.rar")
	if err := archive(out, dir, at); err == nil {
		t.Error("an archive of no known kind was written")
	}
	if _, err := os.Stat(out); !errors.Is(err, os.ErrNotExist) {
		t.Error("something is left of the archive that failed")
	}
	if err := os.Symlink("a", filepath.Join(dir, "b")); err != nil || peers.OnWine() {
		t.Skip("Windows wants a right for symbolic links, and Wine shows what they lead to")
	}
	if err := archive(filepath.Join(t.TempDir(), "out.zip"), dir, at); err == nil {
		t.Error("a link was packed")
	}
}
