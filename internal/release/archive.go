package main

import (
	"archive/tar"
	"archive/zip"
	"compress/flate"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// archive packs the folder dir into a .tar.gz or .zip. The bytes depend on the names
// and contents of the files, on which of them can be executed, on the time and on the
// version of Go alone: owners, masks, times and the order on the disk leave no trace.
func archive(file, dir string, at time.Time) error {
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	switch {
	case strings.HasSuffix(file, ".tar.gz"):
		err = writeTar(out, dir, at)
	case strings.HasSuffix(file, ".zip"):
		err = writeZip(out, dir, at)
	default:
		err = fmt.Errorf("%s is neither .tar.gz nor .zip", file)
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(file))
	}
	return nil
}

// A packed is one entry of an archive.
type packed struct {
	name string // with slashes, below the folder's own name; a folder ends with a slash
	path string
	mode fs.FileMode
	size int64
}

// contents calls add for dir and all in it, in the order of the names.
func contents(dir string, add func(packed) error) error {
	root := filepath.Base(dir)
	return filepath.WalkDir(dir, func(p string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		e := packed{name: path.Join(root, filepath.ToSlash(below)), path: p, mode: 0o644}
		info, err := entry.Info()
		switch {
		case err != nil:
			return err
		case info.IsDir():
			e.name, e.mode = e.name+"/", fs.ModeDir|0o755
		case !info.Mode().IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder", p)
		default:
			e.size = info.Size()
			if info.Mode()&0o111 != 0 {
				e.mode = 0o755
			}
		}
		return add(e)
	})
}

func (e packed) copyTo(w io.Writer) error {
	if e.mode.IsDir() {
		return nil
	}
	f, err := os.Open(e.path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}

func writeTar(out io.Writer, dir string, at time.Time) error {
	compressed, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	w := tar.NewWriter(compressed)
	err = contents(dir, func(e packed) error {
		if err := w.WriteHeader(tarHeader(e.name, e.mode, e.size, at)); err != nil {
			return err
		}
		return e.copyTo(w)
	})
	return errors.Join(err, w.Close(), compressed.Close())
}

// tarHeader is that of a file or folder that root owns.
func tarHeader(name string, mode fs.FileMode, size int64, at time.Time) *tar.Header {
	header := &tar.Header{Format: tar.FormatUSTAR, Typeflag: tar.TypeReg, Name: name, Size: size, Mode: int64(mode.Perm()), ModTime: at}
	if mode.IsDir() {
		header.Typeflag = tar.TypeDir
	}
	return header
}

func writeZip(out io.Writer, dir string, at time.Time) error {
	w := zip.NewWriter(out)
	w.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) {
		return flate.NewWriter(out, flate.BestCompression)
	})
	err := contents(dir, func(e packed) error {
		header := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: at}
		header.SetMode(e.mode)
		if e.mode.IsDir() {
			header.Method = zip.Store
		}
		entry, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		return e.copyTo(entry)
	})
	return errors.Join(err, w.Close())
}
