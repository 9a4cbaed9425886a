package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"strings"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
	//go:embed page.js
	pageJS string
)

// assemble puts the page together: one file that needs nothing from outside. Runtime
// is Go's wasm_exec.js, generator the compiled program, notices the licenses of what is
// in both. The same arguments give the same bytes.
func assemble(runtime string, generator []byte, notices string) ([]byte, error) {
	packed, err := pack(generator)
	if err != nil {
		return nil, err
	}
	// An element ends at its closing tag, whatever stands before it.
	for name, text := range map[string]string{"page.js": pageJS, "wasm_exec.js": runtime} {
		if strings.Contains(text, "</script") || strings.Contains(text, "<!--") {
			return nil, fmt.Errorf("%s cannot stand in a page: it holds a tag", name)
		}
	}
	// Nothing is let in from outside, and of what stands here only these three elements
	// are run or applied (CSP level 3; 'wasm-unsafe-eval' allows WebAssembly alone).
	policy := fmt.Sprintf("default-src 'none'; script-src %s %s 'wasm-unsafe-eval'; style-src %s; base-uri 'none'; form-action 'none'",
		hash(runtime), hash(pageJS), hash(pageCSS))
	page := strings.NewReplacer("{{.Policy}}", policy, "{{.Style}}", pageCSS, "{{.Runtime}}", runtime,
		"{{.Script}}", pageJS, "{{.Generator}}", packed, "{{.Notices}}", html.EscapeString(notices)).Replace(pageHTML)
	return []byte(page), nil
}

// pack compresses the generator as the browser's DecompressionStream takes it, in
// base64.
func pack(generator []byte) (string, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := z.Write(generator); err != nil {
		return "", err
	}
	if err := z.Close(); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(b.Bytes()), nil
}

// hash is the source expression of an element's text (CSP level 3, section 2.3.1).
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
