//go:build !windows

package winrsd

import (
	"os/exec"
	"syscall"
)

// A tree is a process with all that it starts.
type tree struct{ cmd *exec.Cmd }

func newTree(cmd *exec.Cmd) *tree {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return &tree{cmd}
}

// interrupt does what Ctrl-C does.
func (t *tree) interrupt() { _ = syscall.Kill(-t.cmd.Process.Pid, syscall.SIGINT) }

func (t *tree) kill() { _ = syscall.Kill(-t.cmd.Process.Pid, syscall.SIGKILL) }
