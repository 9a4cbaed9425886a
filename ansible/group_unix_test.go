//go:build unix

package ansible

import (
	"os/exec"
	"syscall"
	"testing"
)

// ownGroup has a program and what it starts hear of Ctrl-C together, as in a terminal.
func ownGroup() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func interruptGroup(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
}
