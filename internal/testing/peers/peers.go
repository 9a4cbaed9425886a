// Package peers finds what the tests compare us with: the shared material beside
// the repository, and independent programs such as the PowerShell engine; and it
// runs that engine (Engine, RunProcess, Check, AST).
//
// A test whose peer is absent skips and says why. EXGRANT_REQUIRE_PEERS=1 turns
// every such skip into a failure, so that a run that counts cannot miss one.
package peers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// absent ends the test: a skip, or a failure where peers are required. On Wine none
// can be: what needs them runs with the peers outside, by the test scripts.
func absent(t testing.TB, format string, args ...any) {
	t.Helper()
	reason := fmt.Sprintf(format, args...)
	if OnWine() {
		t.Skipf("peer absent on Wine: %s", reason)
	}
	if os.Getenv("EXGRANT_REQUIRE_PEERS") == "1" {
		t.Fatalf("peer required (EXGRANT_REQUIRE_PEERS=1): %s", reason)
	}
	t.Skipf("peer absent: %s", reason)
}

// ModuleRoot returns the folder of go.mod, found upwards from the test's folder.
func ModuleRoot(t testing.TB) string {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod above the test's folder")
		}
		dir = parent
	}
}

// Shared returns the path of a file or folder of the shared material: below
// EXGRANT_SHARED, or below ../shared from the module root.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	path, err := shared(elem...)
	if err != nil {
		absent(t, "no shared material: %v", err)
	}
	return path
}

func shared(elem ...string) (string, error) {
	root := os.Getenv("EXGRANT_SHARED")
	if root == "" {
		module, err := moduleRoot()
		if err != nil {
			return "", err
		}
		root = filepath.Join(module, "..", "shared")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	_, err := os.Stat(path)
	return path, err
}

// Pwsh returns the path of the real PowerShell engine: EXGRANT_PWSH, which must be a
// program that runs here, or what the shared installer gives.
func Pwsh(t testing.TB) string {
	t.Helper()
	path, err := installedPwsh()
	if err != nil {
		absent(t, "no PowerShell engine: %v", err)
	}
	return path
}

// installedPwsh asks once for each test program: the installer checks its tarball
// every time.
var installedPwsh = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("EXGRANT_PWSH"); path != "" {
		return exec.LookPath(path)
	}
	script, err := shared("tools", "psengine", "install.sh")
	if err != nil {
		return "", err
	}
	out, err := exec.Command("sh", script).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", script, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1], nil
})

// Program returns the path of a program on PATH.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		absent(t, "%v", err)
	}
	return path
}
