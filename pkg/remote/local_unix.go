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

// interrupt does what Ctrl-C does.
func (t *processTree) interrupt() { t.signal(syscall.SIGINT) }

func (t *processTree) kill() { t.signal(syscall.SIGKILL) }

func (t *processTree) close() {}

func (t *processTree) signal(s syscall.Signal) {
	if t.cmd.Process != nil {
		_ = syscall.Kill(-t.cmd.Process.Pid, s) // it may have ended
	}
}
