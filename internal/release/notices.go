package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// program is the package whose parts the notices are about.
const program = "github.com/exgrant/exgrant/cmd/exgrant"

// gpl is the license that the LGPL 3.0 adds to, and must be given with it (4 b).
//
//go:embed GPL-3.0.txt
var gpl []byte

// A linked is a module of which a program of ours contains a part.
type linked struct {
	Path, Version, Dir string
}

// A licenseKind is told from others by words that stand in no other's text.
type licenseKind struct {
	name  string // as SPDX writes it
	words *regexp.Regexp
}

// licenseKinds are the licenses that we know what to do about. The first whose words
// stand in a text is it.
var licenseKinds = []licenseKind{
	{"LGPL-3.0-only WITH LGPL-3.0-linking-exception", regexp.MustCompile(`special exception to the GNU Lesser General Public License version 3`)},
	{"MPL-2.0", regexp.MustCompile(`Mozilla Public License, version 2\.0`)},
	{"Apache-2.0", regexp.MustCompile(`Apache License\s+Version 2\.0`)},
	{"ISC", regexp.MustCompile(`Permission to use, copy, modify, and(/or)? distribute this software for any`)},
	{"MIT", regexp.MustCompile(`Permission is hereby granted, free of charge`)},
	{"BSD-3-Clause", regexp.MustCompile(`(?s)Redistribution and use in source and binary forms.*Neither the name`)},
	{"BSD-2-Clause", regexp.MustCompile(`Redistribution and use in source and binary forms`)},
}

// licenseOf names the license of a text. One that is not known is an error: somebody
// has to read it, and to see what it asks for.
func licenseOf(text []byte) (string, error) {
	for _, k := range licenseKinds {
		if k.words.Match(text) {
			return k.name, nil
		}
	}
	return "", errors.New("a license that is not known here: read it, and add it to licenseKinds")
}

// licenseFiles are the names of files that hold a license, or what one wants kept.
var licenseFiles = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)(\.(md|txt))?$`)

// notices is the text that goes with every program: each module that one of them
// contains, its license, and where its source is.
func notices() ([]byte, error) {
	modules, err := allLinked()
	if err != nil {
		return nil, err
	}
	root, err := goroot()
	if err != nil {
		return nil, err
	}
	var n notes
	if err := n.add("The Go standard library and runtime", "https://go.dev/dl/", root); err != nil {
		return nil, err
	}
	for _, m := range modules {
		if err := n.add(m.Path+" "+m.Version, source(m), m.Dir); err != nil {
			return nil, err
		}
	}
	n.texts = append(n.texts, noticeText{gpl, []string{gplName}})
	return n.write(), nil
}

const noticesHead = `What the programs of exgrant contain that others wrote

exgrant itself is under the MIT license (LICENSE). Its programs contain the
modules below, unchanged. The source of each is at the address beside its name:
an archive of the very version that was used. The texts of their licenses follow.

`

const gplName = `The GNU General Public License, version 3. The license of github.com/juju/errors
adds to it, and asks that it be given too; no part of exgrant is under it.`

// source is where the module's source is, in the form of the module proxy: capital
// letters are written small after an exclamation mark.
func source(m linked) string {
	escaped := func(s string) string {
		return regexp.MustCompile(`[A-Z]`).ReplaceAllStringFunc(s, func(c string) string { return "!" + strings.ToLower(c) })
	}
	return "https://proxy.golang.org/" + escaped(m.Path) + "/@v/" + escaped(m.Version) + ".zip"
}

// notes are what the notices say: a list, and the texts, each once.
type notes struct {
	list  bytes.Buffer
	texts []noticeText
}

// A noticeText is a text that goes with the program, and whose it is.
type noticeText struct {
	text []byte
	of   []string
}

// add reads what the licenses of a folder are.
func (n *notes) add(name, source, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var licenses []string
	for _, e := range entries {
		if e.IsDir() || !licenseFiles.MatchString(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		text = bytes.Trim(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")), "\n")
		n.addText(name+": "+e.Name(), text)
		if upper := strings.ToUpper(e.Name()); strings.HasPrefix(upper, "NOTICE") || strings.HasPrefix(upper, "PATENTS") {
			continue
		}
		license, err := licenseOf(text)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", name, e.Name(), err)
		}
		licenses = append(licenses, license)
	}
	if licenses == nil {
		return fmt.Errorf("%s has no license in %s", name, dir)
	}
	fmt.Fprintf(&n.list, "%s\n    %s\n    %s\n", name, strings.Join(licenses, ", "), source)
	return nil
}

// addText adds a text once, whoever has it.
func (n *notes) addText(of string, text []byte) {
	for i, t := range n.texts {
		if bytes.Equal(t.text, text) {
			n.texts[i].of = append(t.of, of)
			return
		}
	}
	n.texts = append(n.texts, noticeText{text, []string{of}})
}

func (n *notes) write() []byte {
	out := bytes.NewBufferString(noticesHead)
	out.Write(n.list.Bytes())
	rule := strings.Repeat("=", 79)
	for _, t := range n.texts {
		fmt.Fprintf(out, "\n\n%s\n%s\n%s\n\n%s\n", rule, strings.Join(t.of, "\n"), rule, bytes.Trim(t.text, "\n"))
	}
	return out.Bytes()
}

// allLinked lists the modules that any of the programs contains, by path.
func allLinked() ([]linked, error) {
	var all []linked
	for _, target := range targets {
		modules, err := linkedFor(target)
		if err != nil {
			return nil, err
		}
		all = append(all, modules...)
	}
	slices.SortFunc(all, func(a, b linked) int { return strings.Compare(a.Path, b.Path) })
	return slices.Compact(all), nil
}

// linkedFor lists the modules of the packages that the program for one system needs.
func linkedFor(target string) ([]linked, error) {
	system, processor, _ := strings.Cut(target, "/")
	list := exec.Command("go", "list", "-deps", "-json=Module", program)
	list.Env = append(os.Environ(), "GOOS="+system, "GOARCH="+processor, "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return nil, fmt.Errorf("go list for %s: %w: %s", target, err, exit.Stderr)
		}
		return nil, err
	}
	var modules []linked
	d := json.NewDecoder(bytes.NewReader(out))
	for {
		var p struct{ Module *linked }
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return modules, nil
		} else if err != nil {
			return nil, err
		}
		if p.Module != nil && p.Module.Version != "" { // our own has none
			modules = append(modules, *p.Module)
		}
	}
}

func goroot() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	return strings.TrimSpace(string(out)), err
}
