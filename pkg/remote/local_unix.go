//go:build !windows

package remote

import (
	"os/exec"
	"syscall"
)

// A processTree is a process with all that it starts: a process group.
type processTree struct{ cmd *exec.Cmd }

func newProcessTree(cmd *exec.Cmd) *processTree {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return &processTree{cmd}
}

func (t *processTree) started() {}

func (t *processTree) kill() {
	if t.cmd.Process != nil {
		_ = syscall.Kill(-t.cmd.Process.Pid, syscall.SIGKILL) // it may have ended
	}
}

func (t *processTree) close() {}
