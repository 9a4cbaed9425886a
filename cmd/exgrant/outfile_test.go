package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
)

func publishAll(files []outfile, overwrite bool) error {
	s, err := stage(files, overwrite)
	if err != nil {
		return err
	}
	defer s.discard()
	return s.publish()
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestPublishNeverReplacesUnasked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.ps1")
	if err := publishAll([]outfile{{path, []byte("first")}}, false); err != nil {
		t.Fatal(err)
	}
	if err := publishAll([]outfile{{path, []byte("second")}}, false); err == nil {
		t.Error("replaced a file without overwrite")
	}
	if got, _ := os.ReadFile(path); string(got) != "first" {
		t.Errorf("content %q", got)
	}
	if err := publishAll([]outfile{{path, []byte("third")}}, true); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "third" {
		t.Errorf("content %q", got)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

// Of many that want the same name exactly one gets it, and nothing else is left.
func TestPublishRace(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.ps1")
	var won atomic.Int32
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			if publishAll([]outfile{{path, bytes.Repeat([]byte{byte('a' + i)}, 4096)}}, false) == nil {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("%d writers succeeded, want 1", won.Load())
	}
	got, err := os.ReadFile(path)
	if err != nil || len(got) != 4096 || len(bytes.Trim(got, string(got[:1]))) != 0 {
		t.Errorf("a mixed file: %d bytes, %v", len(got), err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("left behind: %v", got)
	}
}

func TestPublishAllOrNone(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first.ps1"), filepath.Join(dir, "second.ps1")
	s, err := stage([]outfile{{first, []byte("1")}, {second, []byte("2")}}, false)
	if err != nil {
		t.Fatal(err)
	}
	defer s.discard()
	if err := os.WriteFile(second, []byte("somebody else's"), 0o666); err != nil { // between staging and publishing
		t.Fatal(err)
	}
	if err := s.publish(); err == nil {
		t.Error("published over a file that came meanwhile")
	}
	s.discard()
	if got := names(t, dir); len(got) != 1 || got[0] != "second.ps1" {
		t.Errorf("left behind: %v", got)
	}
}

func TestStageKeepsLinksAndModes(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links and modes are Unix's, not those of Windows")
	}
	dir := t.TempDir()
	real, link, dangling := filepath.Join(dir, "real.ps1"), filepath.Join(dir, "link.ps1"), filepath.Join(dir, "dangling.ps1")
	if err := errors.Join(os.WriteFile(real, []byte("old"), 0o640), os.Chmod(real, 0o640),
		os.Symlink("real.ps1", link), os.Symlink("nowhere", dangling)); err != nil {
		t.Fatal(err)
	}
	if err := publishAll([]outfile{{link, []byte("new")}}, true); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info.Mode(), err)
	}
	if info, err := os.Stat(real); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if got, _ := os.ReadFile(real); string(got) != "new" {
		t.Errorf("content %q", got)
	}
	if err := publishAll([]outfile{{dangling, []byte("x")}}, true); err == nil {
		t.Error("wrote through a link to nothing")
	}
}

// A real full disk: a file system in memory that is smaller than the file.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("mounting a small file system needs root, and no Windows")
	}
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("no small file system: %v: %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	}()
	err := publishAll([]outfile{
		{filepath.Join(dir, "small.ps1"), []byte("x")},
		{filepath.Join(dir, "big.ps1"), make([]byte, 1<<20)},
	}, false)
	var hinted *hintedError
	if !errors.As(err, &hinted) || hinted.code != exitFailed {
		t.Errorf("got %v, want a failure with exit code %d", err, exitFailed)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("left on the disk: %v", got)
	}
}
