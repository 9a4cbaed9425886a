package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"unicode/utf16"

	"github.com/exgrant/exgrant/internal/clixml"
)

// What the engine and pypsrp do with the documents that they are told.
var (
	//go:embed clixml.ps1
	clixmlEngine string
	//go:embed clixml.py
	clixmlPython string
)

// Figures of a pass over the documents.
const (
	passSeconds = 0
	passBytes   = 1 // allocated
)

// clixmlRows compares reading documents that Exchange servers wrote.
func clixmlRows() []row {
	documents, size, err := readDocuments()
	if err != nil {
		return []row{{what: "CLIXML", ours: absent("clixml.Decode", err), peer: absent("PSSerializer::Deserialize", err)}}
	}
	rate := func(seconds float64) string { return fmt.Sprintf("%.1f MB/s", float64(size)/1e6/seconds) }
	names := make([]string, len(documents))
	for i, d := range documents {
		names[i] = d.path
	}
	what := fmt.Sprintf("CLIXML of %d Exchange documents", len(documents))
	ours := func(figure int) side { return ownPass(documents, figure) }
	deserialize := func(figure int) side {
		return working("PSSerializer::Deserialize", figure, pwsh, engineScript(clixmlEngine, names)...)
	}
	return []row{
		{what: what, unit: rate, ours: ours(passSeconds), peer: deserialize(passSeconds), expected: 4},
		{what: what + ", allocated", unit: kibibytes, ours: ours(passBytes), peer: deserialize(passBytes), expected: 2, most: 3},
		{what: what, unit: rate, ours: ours(passSeconds), peer: working("pypsrp", passSeconds, python, append([]string{"-c", clixmlPython}, names...)...),
			expected: 20, most: 2},
	}
}

// engineScript are the arguments with which the engine runs a script over files.
func engineScript(script string, files []string) []string {
	quoted := make([]string, len(files))
	for i, f := range files {
		quoted[i] = "'" + strings.ReplaceAll(f, "'", "''") + "'"
	}
	var encoded []byte
	for _, unit := range utf16.Encode([]rune("$Files = " + strings.Join(quoted, ", ") + "\n" + script)) {
		encoded = append(encoded, byte(unit), byte(unit>>8))
	}
	return []string{"-NoProfile", "-NonInteractive", "-EncodedCommand", base64.StdEncoding.EncodeToString(encoded)}
}

type documentFile struct {
	path string
	text []byte // UTF-8
}

// readDocuments returns the documents, and how many characters they have.
func readDocuments() (documents []documentFile, size int, err error) {
	for _, pattern := range []string{"*.xml", "IIS/*.xml"} {
		paths, _ := filepath.Glob(shared("corpus", "clixml", filepath.FromSlash(pattern))) // the pattern is right
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				return nil, 0, err
			}
			text := toUTF8(data)
			if values, err := clixml.Decode(text, clixml.Limits{}); err != nil || slices.ContainsFunc(values, isUnknown) {
				continue // a web.config or the like
			}
			documents = append(documents, documentFile{path, text})
			size += len(utf16.Encode([]rune(string(text))))
		}
	}
	if len(documents) == 0 {
		return nil, 0, fmt.Errorf("no documents in %s", shared("corpus", "clixml"))
	}
	return documents, size, nil
}

func isUnknown(v any) bool {
	_, is := v.(*clixml.Unknown)
	return is
}

func toUTF8(data []byte) []byte {
	if !bytes.HasPrefix(data, []byte{0xFF, 0xFE}) {
		return data
	}
	units := make([]uint16, 0, len(data)/2)
	for i := 2; i+1 < len(data); i += 2 {
		units = append(units, uint16(data[i])|uint16(data[i+1])<<8)
	}
	return []byte(string(utf16.Decode(units)))
}

// ownPass reads all documents once.
func ownPass(documents []documentFile, figure int) side {
	pass := func(context.Context) error {
		for _, d := range documents {
			if _, err := clixml.Decode(d.text, clixml.Limits{}); err != nil {
				return fmt.Errorf("%s: %w", d.path, err)
			}
		}
		return nil
	}
	run := bestOf(5, timed(pass)) // a pass is short beside what else a machine does
	if figure == passBytes {
		run = allocated(pass)
	}
	return side{"clixml.Decode", func(context.Context) (func(context.Context) (float64, error), error) { return run, nil }}
}

// bestOf measures several times and returns the least.
func bestOf(n int, run func(context.Context) (float64, error)) func(context.Context) (float64, error) {
	return func(ctx context.Context) (float64, error) {
		best := math.Inf(1)
		for range n {
			figure, err := run(ctx)
			if err != nil {
				return 0, err
			}
			best = min(best, figure)
		}
		return best, nil
	}
}

// allocated measures how many bytes something allocates, freed or not.
func allocated(run func(context.Context) error) func(context.Context) (float64, error) {
	return func(ctx context.Context) (float64, error) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := run(ctx)
		runtime.ReadMemStats(&after)
		return float64(after.TotalAlloc - before.TotalAlloc), err
	}
}
