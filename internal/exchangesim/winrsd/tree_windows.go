package winrsd

import "os/exec"

// A tree is a process. On Windows what it starts is not ended with it.
type tree struct{ cmd *exec.Cmd }

func newTree(cmd *exec.Cmd) *tree { return &tree{cmd} }

func (t *tree) interrupt() { _ = t.cmd.Process.Kill() }

func (t *tree) kill() { _ = t.cmd.Process.Kill() }
