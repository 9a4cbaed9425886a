package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// ours copies the collection, as it is committed, with files that are none of it, and packs it.
func ours(t *testing.T, version string, modified time.Time) (file, source string) {
	t.Helper()
	source = filepath.Join(t.TempDir(), "ansible")
	if err := os.CopyFS(source, os.DirFS("../../ansible")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"plugins/modules/__pycache__/x.pyc", "tests/output/log", "exgrant-exchange-0.0.1.tar.gz"} {
		path := filepath.Join(source, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("none of it"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Dir(path), modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	out := t.TempDir()
	if err := collection(out, version, source, at); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(out, "exgrant-exchange-"+strings.TrimPrefix(version, "v")+".tar.gz"), source
}

func TestCollectionAgain(t *testing.T) {
	var packed [2][]byte
	for i := range packed {
		file, _ := ours(t, "v1.2.3-rc.1", time.Now().Add(time.Duration(-i)*time.Hour))
		var err error
		if packed[i], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(packed[0], packed[1]) {
		t.Error("the same collection gives other bytes")
	}
}

// What we pack is what ansible-galaxy packs.
func TestCollectionAsGalaxy(t *testing.T) {
	bin := filepath.Dir(peers.Python(t, "ansible"))
	file, source := ours(t, "v0.2.0", time.Now())
	built := t.TempDir()
	if out, err := exec.Command(filepath.Join(bin, "ansible-galaxy"), "collection", "build", "--output-path", built, source).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	names, files, about := unpacked(t, file)
	wantNames, wantFiles, wantAbout := unpacked(t, filepath.Join(built, "exgrant-exchange-0.2.0.tar.gz"))
	if !reflect.DeepEqual(names, wantNames) {
		t.Errorf("packed %v\nansible-galaxy packs %v", names, wantNames)
	}
	if !reflect.DeepEqual(files, wantFiles) {
		t.Errorf("FILES.json: %v\nansible-galaxy: %v", files, wantFiles)
	}
	if !reflect.DeepEqual(about, wantAbout) {
		t.Errorf("MANIFEST.json: %v\nansible-galaxy: %v", about, wantAbout)
	}
}

// unpacked reads a collection's tarball: the kind of each entry but the two lists, FILES.json
// by name, and what MANIFEST.json says of the collection.
func unpacked(t *testing.T, file string) (entries map[string]byte, files map[string]any, about map[string]any) {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	compressed, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	entries, files = map[string]byte{}, map[string]any{}
	r := tar.NewReader(compressed)
	for {
		header, err := r.Next()
		if err == io.EOF {
			return entries, files, about
		}
		if err != nil {
			t.Fatal(err)
		}
		entries[strings.TrimSuffix(header.Name, "/")] = header.Typeflag
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		switch header.Name {
		case "FILES.json":
			var list struct{ Files []map[string]any }
			if err := json.Unmarshal(content, &list); err != nil {
				t.Fatal(err)
			}
			for _, item := range list.Files {
				files[item["name"].(string)] = item
			}
		case "MANIFEST.json":
			var manifest struct {
				About map[string]any `json:"collection_info"`
			}
			if err := json.Unmarshal(content, &manifest); err != nil {
				t.Fatal(err)
			}
			about = manifest.About
		}
	}
}
