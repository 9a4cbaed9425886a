// Command exgrant-page builds the web page on which an administrator fills in a form
// and reads and downloads the script: one HTML file without a server, which contacts
// nobody. The scripts are those of the program exgrant, by the same code as
// WebAssembly.
//
//	go run ./cmd/exgrant-page -o exgrant.html
//
// It needs Go and this module's sources, since it compiles the generator.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
)

// generatorPackage is the program that becomes WebAssembly.
const generatorPackage = "github.com/exgrant/exgrant/cmd/exgrant-page/wasm"

func main() {
	out := flag.String("o", "", "write the page to this `FILE`")
	flag.Parse()
	if *out == "" || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "usage: exgrant-page -o FILE")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	page, err := build(ctx)
	if err == nil {
		err = os.WriteFile(*out, page, 0o666)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "exgrant-page:", err)
		os.Exit(1)
	}
	fmt.Fprintf(os.Stderr, "wrote %s (%d KB)\n", *out, len(page)>>10)
}

// forBrowsers is what the go command builds, and lists, the generator for.
var forBrowsers = []string{"GOOS=js", "GOARCH=wasm", "GOWASM=", "CGO_ENABLED=0", "GOFLAGS=", "GOEXPERIMENT="}

// build compiles the generator and puts the page together.
func build(ctx context.Context) ([]byte, error) {
	places, err := output(ctx, "env", "GOROOT", "GOMOD")
	if err != nil {
		return nil, err
	}
	root, module, _ := strings.Cut(strings.TrimSpace(places), "\n")
	runtime, err := os.ReadFile(filepath.Join(root, "lib", "wasm", "wasm_exec.js"))
	if err != nil {
		return nil, fmt.Errorf("this Go has no runtime for WebAssembly: %w", err)
	}
	licenses, err := linkedNotices(ctx, filepath.Dir(module))
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "exgrant-page")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "generator.wasm")
	if _, err := output(ctx, "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", program, generatorPackage); err != nil {
		return nil, err
	}
	generator, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	return assemble(string(runtime), generator, licenses)
}

// output runs the go command to its end and returns what it prints.
func output(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), forBrowsers...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
