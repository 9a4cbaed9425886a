package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// A galaxy is what galaxy.yml says of a collection, in the order and with the names of
// collection_info in MANIFEST.json.
type galaxy struct {
	Namespace     string            `yaml:"namespace" json:"namespace"`
	Name          string            `yaml:"name" json:"name"`
	Version       string            `yaml:"version" json:"version"`
	Authors       []string          `yaml:"authors" json:"authors"`
	Readme        string            `yaml:"readme" json:"readme"`
	Tags          []string          `yaml:"tags" json:"tags"`
	Description   string            `yaml:"description" json:"description"`
	License       []string          `yaml:"license" json:"license"`
	LicenseFile   *string           `yaml:"license_file" json:"license_file"`
	Dependencies  map[string]string `yaml:"dependencies" json:"dependencies"`
	Repository    string            `yaml:"repository" json:"repository"`
	Documentation string            `yaml:"documentation" json:"documentation"`
	Homepage      string            `yaml:"homepage" json:"homepage"`
	Issues        string            `yaml:"issues" json:"issues"`

	BuildIgnore []string `yaml:"build_ignore" json:"-"`
}

// A listed is one entry of FILES.json, and of MANIFEST.json that which is about FILES.json.
type listed struct {
	Name   string  `json:"name"`
	Kind   string  `json:"ftype"` // dir or file
	Method *string `json:"chksum_type"`
	Sum    *string `json:"chksum_sha256"`
	Format int     `json:"format"`
}

func listedFile(name string, content []byte) listed {
	method, sum := "sha256", sha256.Sum256(content)
	digits := hex.EncodeToString(sum[:])
	return listed{Name: name, Kind: "file", Method: &method, Sum: &digits, Format: 1}
}

// collection packs the Ansible collection in the folder source, under a version, into
// folder, as ansible-galaxy collection build does, but for times and order: those of the
// disk leave no trace, so that the same collection gives the same bytes.
func collection(folder, version, source string, at time.Time) error {
	description, err := os.ReadFile(filepath.Join(source, "galaxy.yml"))
	if err != nil {
		return err
	}
	var about galaxy
	if err := yaml.UnmarshalWithOptions(description, &about, yaml.Strict()); err != nil {
		return fmt.Errorf("galaxy.yml: %w", err)
	}
	about.Version = strings.TrimPrefix(version, "v")
	file := filepath.Join(folder, fmt.Sprintf("%s-%s-%s.tar.gz", about.Namespace, about.Name, about.Version))

	files := []listed{{Name: ".", Kind: "dir", Format: 1}}
	var packing []entry
	err = filepath.WalkDir(source, func(p string, found fs.DirEntry, err error) error {
		if err != nil || p == source {
			return err
		}
		below, err := filepath.Rel(source, p)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(below)
		switch ignored, err := about.ignores(name); {
		case err != nil:
			return err
		case ignored && found.IsDir():
			return fs.SkipDir
		case ignored:
			return nil
		case found.IsDir():
			files = append(files, listed{Name: name, Kind: "dir", Format: 1})
			packing = append(packing, entry{name: name + "/"})
			return nil
		case !found.Type().IsRegular():
			return fmt.Errorf("%s is neither a file nor a folder", p)
		}
		content, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		files = append(files, listedFile(name, content))
		packing = append(packing, entry{name, content})
		return nil
	})
	if err != nil {
		return err
	}

	list, err := json.MarshalIndent(map[string]any{"files": files, "format": 1}, "", " ")
	if err != nil {
		return err
	}
	manifest, err := json.MarshalIndent(struct {
		About  galaxy `json:"collection_info"`
		List   listed `json:"file_manifest_file"`
		Format int    `json:"format"`
	}{about, listedFile("FILES.json", list), 1}, "", " ")
	if err != nil {
		return err
	}
	packed, err := tarball(append([]entry{{"MANIFEST.json", manifest}, {"FILES.json", list}}, packing...), at)
	if err != nil {
		return err
	}
	return os.WriteFile(file, packed, 0o666)
}

// ignores says whether a file of the source is none of the collection: what it names
// itself, and what ansible-galaxy never packs.
func (g galaxy) ignores(name string) (bool, error) {
	always := []string{"galaxy.yml", "MANIFEST.json", "FILES.json", ".git", "*.pyc", "__pycache__", "*.retry", g.Namespace + "-" + g.Name + "-*.tar.gz"}
	for _, pattern := range slices.Concat(always, g.BuildIgnore) {
		for _, n := range []string{name, path.Base(name)} {
			if match, err := path.Match(pattern, n); match || err != nil {
				return match, err
			}
		}
	}
	return false, nil
}

// An entry is one of a tarball: a folder where its name ends with a slash.
type entry struct {
	name    string
	content []byte
}

func tarball(entries []entry, at time.Time) ([]byte, error) {
	var out bytes.Buffer
	compressed, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(compressed)
	for _, e := range entries {
		mode := fs.FileMode(0o644)
		if strings.HasSuffix(e.name, "/") {
			mode = fs.ModeDir | 0o755
		}
		if err := w.WriteHeader(tarHeader(e.name, mode, int64(len(e.content)), at)); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}
	err = errors.Join(w.Close(), compressed.Close())
	return out.Bytes(), err
}
