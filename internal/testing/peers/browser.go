package peers

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/testing/devtools"
)

// Browse runs headless Chromium to its end, with a profile of its own and no
// network, and returns what it wrote on standard output. The arguments end with the
// address of a page:
//
//	peers.Browse(t, "--window-size=800,600", "--screenshot=/tmp/page.png", "file:///tmp/page.html")
func Browse(t testing.TB, args ...string) string {
	t.Helper()
	chromium := Program(t, "chromium")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, chromium, append(devtools.Arguments(t.TempDir()), args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Run(); err != nil {
		t.Fatalf("chromium %s: %v: %s", strings.Join(args, " "), err, tail(stderr.String(), 1000))
	}
	return stdout.String()
}
