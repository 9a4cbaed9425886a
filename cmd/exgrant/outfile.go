package main

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// An outfile is a file to write and its whole content.
type outfile struct {
	path string
	data []byte
}

// A staging holds files that are written in full, each beside its target under
// another name, so that nothing is left of them unless publish gives them theirs.
type staging struct {
	overwrite bool
	files     []stagedFile
}

type stagedFile struct {
	target string
	temp   string // "" for a target that is written directly: a device or a pipe
	isNew  bool   // nothing was there when it was staged
	data   []byte
}

// stage writes files beside their targets. Without overwrite a target that
// exists is an error; devices and pipes have nothing to lose and are written by
// publish. The caller must discard the staging.
func stage(files []outfile, overwrite bool) (*staging, error) {
	s := &staging{overwrite: overwrite}
	for _, f := range files {
		if err := s.add(f); err != nil {
			s.discard()
			return nil, err
		}
	}
	return s, nil
}

func (s *staging) add(f outfile) error {
	target := f.path
	info, err := os.Stat(target)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := os.Lstat(target); err == nil {
			return usageErrorf("cannot write %s: it is a link to nothing", target).withHint("remove the link")
		}
		return s.write(stagedFile{target: target, isNew: true, data: f.data}, 0o666)
	case err != nil:
		return cannotWrite(target, err)
	case info.IsDir():
		return usageErrorf("cannot write %s: it is a folder", target).
			withHint("name a file in it: %s", filepath.Join(target, "NAME.ps1"))
	case info.Mode()&(fs.ModeDevice|fs.ModeCharDevice) == fs.ModeDevice:
		return usageErrorf("cannot write %s: it is a disk", target).withHint("name a file")
	case !info.Mode().IsRegular():
		s.files = append(s.files, stagedFile{target: target, data: f.data})
		return nil
	case !s.overwrite:
		return exists(target)
	}
	if err := whileHeld(target); err != nil {
		return cannotWrite(target, err)
	}
	if target, err = filepath.EvalSymlinks(target); err != nil {
		return cannotWrite(f.path, err)
	}
	return s.write(stagedFile{target: target, data: f.data}, info.Mode().Perm())
}

func (s *staging) write(f stagedFile, mode fs.FileMode) error {
	f.temp = filepath.Join(filepath.Dir(f.target), ".exgrant-"+rand.Text()+".tmp")
	if err := writeNew(f.temp, f.data, mode); err != nil {
		return cannotWrite(f.target, err)
	}
	s.files = append(s.files, f)
	return nil
}

// writeNew creates a file and writes it to the disk; on an error it leaves none.
func writeNew(path string, data []byte, mode fs.FileMode) (err error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			err = errors.Join(err, os.Remove(path))
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	return f.Sync()
}

// publish gives every file its name. When one fails, those that are new are
// removed again; one that replaced an older file stays.
func (s *staging) publish() error {
	for i, f := range s.files {
		if err := s.publishFile(f); err != nil {
			for _, done := range s.files[:i] {
				if done.isNew {
					err = errors.Join(err, os.Remove(done.target))
				}
			}
			return err
		}
	}
	return nil
}

func (s *staging) publishFile(f stagedFile) error {
	if f.temp == "" {
		return writeDevice(f.target, f.data)
	}
	if s.overwrite {
		if err := os.Rename(f.temp, f.target); err != nil {
			return cannotWrite(f.target, err)
		}
		return nil
	}
	// A link fails when the name was taken meanwhile; a rename would replace it.
	err := os.Link(f.temp, f.target)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = writeNew(f.target, f.data, 0o666) // a file system without links
	}
	if errors.Is(err, fs.ErrExist) {
		return exists(f.target)
	}
	if err != nil {
		return cannotWrite(f.target, err)
	}
	return nil
}

func writeDevice(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return cannotWrite(path, err)
	}
	if _, err := f.Write(data); err != nil {
		return errors.Join(cannotWrite(path, err), f.Close())
	}
	if err := f.Close(); err != nil {
		return cannotWrite(path, err)
	}
	return nil
}

// discard removes what publish did not use. It may be called at any time.
func (s *staging) discard() {
	for _, f := range s.files {
		if f.temp != "" {
			_ = os.Remove(f.temp) // gone after a rename
		}
	}
}

func exists(path string) error {
	return usageErrorf("%s exists already", path).withHint("--overwrite replaces it")
}

func cannotWrite(path string, err error) error {
	var (
		pathError *fs.PathError
		linkError *os.LinkError
	)
	reason := err
	if errors.As(err, &pathError) {
		reason = pathError.Err
	} else if errors.As(err, &linkError) {
		reason = linkError.Err
	}
	switch dir := filepath.Dir(path); {
	case !isFolder(dir) && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)):
		return usageErrorf("cannot write %s: there is no folder %s", path, dir).withHint("create it first")
	case isBadName(err), isFolder(dir) && errors.Is(err, fs.ErrNotExist): // a folder that has no room for the name
		return usageErrorf("cannot write %s: %w", path, reason).withHint("choose another name")
	case isHeld(err):
		return failuref("cannot write %s: another program has it open: %w", path, reason).withHint("close it there, or choose another name")
	}
	return failuref("cannot write %s: %w", path, reason)
}

// sameOutput reports whether two paths are one place.
func sameOutput(a, b string) bool {
	if filepath.Clean(a) == filepath.Clean(b) {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
