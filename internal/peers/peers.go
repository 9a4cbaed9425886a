// Package peers finds what the tests compare us with: the shared material beside
// the repository, and independent programs such as the PowerShell engine.
//
// A test whose peer is absent skips and says why. EXGRANT_REQUIRE_PEERS=1 turns
// every such skip into a failure, so that a run that counts cannot miss one.
package peers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// absent ends the test: a skip, or a failure where peers are required.
func absent(t testing.TB, format string, args ...any) {
	t.Helper()
	reason := fmt.Sprintf(format, args...)
	if os.Getenv("EXGRANT_REQUIRE_PEERS") == "1" {
		t.Fatalf("peer required (EXGRANT_REQUIRE_PEERS=1): %s", reason)
	}
	t.Skipf("peer absent: %s", reason)
}

// Shared returns the path of a file or folder of the shared material: below
// EXGRANT_SHARED, or below ../shared from the module root.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("EXGRANT_SHARED")
	if root == "" {
		root = filepath.Join(moduleRoot(t), "..", "shared")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		absent(t, "no shared material: %v", err)
	}
	return path
}

// moduleRoot is the folder of go.mod, found upwards from the test's folder.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test's folder")
		}
		dir = parent
	}
}

// ModuleRoot returns the folder of go.mod.
func ModuleRoot(t testing.TB) string {
	t.Helper()
	return moduleRoot(t)
}

// pwshPath is asked for once: the installer checks its tarball every time.
var pwshPath = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("EXGRANT_PWSH"); path != "" {
		return path, nil
	}
	root := os.Getenv("EXGRANT_SHARED")
	if root == "" {
		return "", nil
	}
	return installEngine(filepath.Join(root, "tools", "psengine", "install.sh"))
})

func installEngine(script string) (string, error) {
	out, err := exec.Command("sh", script).Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", script, err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1], nil
}

// Pwsh returns the path of the real PowerShell engine: EXGRANT_PWSH, or what the
// shared installer gives.
func Pwsh(t testing.TB) string {
	t.Helper()
	path, err := pwshPath()
	if err == nil && path == "" {
		path, err = installEngine(Shared(t, "tools", "psengine", "install.sh"))
	}
	if err != nil {
		absent(t, "no PowerShell engine: %v", err)
	}
	return path
}

// Program returns the path of a program on PATH.
func Program(t testing.TB, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		absent(t, "%v", err)
	}
	return path
}
