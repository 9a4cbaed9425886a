package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"github.com/exgrant/exgrant/internal/testing/devtools"
)

// pageRows are about the page: how large it is, and how soon it can write a script. The
// peers are what somebody gets or starts instead: the program, and a PowerShell.
func pageRows(program string) []row {
	page := filepath.Join(filepath.Dir(program), "exgrant.html")
	built := sync.OnceValue(func() error {
		out, err := exec.Command("go", "run", "github.com/exgrant/exgrant/cmd/exgrant-page", "-o", page).CombinedOutput()
		if err != nil {
			return fmt.Errorf("exgrant-page: %w: %s", err, out)
		}
		return nil
	})
	return []row{
		{what: "the page: size", unit: mebibytes, expected: 4,
			ours: sizeOf("exgrant.html", func(context.Context) (string, error) { return page, built() }),
			peer: sizeOf("exgrant, as released", func(context.Context) (string, error) { return program, nil })},
		{what: "the page: from its address to ready", unit: milliseconds, expected: 0.4, most: 5,
			ours: side{"Chromium, from a file", func(context.Context) (func(context.Context) (float64, error), error) {
				chromium, err := exec.LookPath("chromium")
				if err != nil {
					return nil, err
				}
				return func(ctx context.Context) (float64, error) { return readyIn(ctx, chromium, page) }, built()
			}},
			peer: engine("pwsh prints one line", "-NoProfile", "-NonInteractive", "-Command", "'hi'")},
	}
}

// readyIn is how long a page needs in a browser that has just been started, and has
// compiled nothing yet.
func readyIn(ctx context.Context, chromium, page string) (float64, error) {
	if _, err := os.Stat(page); err != nil {
		return 0, err
	}
	tab, err := devtools.Open(ctx, chromium)
	if err != nil {
		return 0, err
	}
	defer tab.Close()
	return timed(func(context.Context) error {
		return tab.Navigate("file://"+page, "document.documentElement.hasAttribute('data-ready')")
	})(ctx)
}
