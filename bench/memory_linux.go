package main

import (
	"os"
	"syscall"
)

// peakMemory returns the most memory that a process had, in bytes (getrusage(2):
// Linux counts in KiB).
func peakMemory(p *os.ProcessState) (int64, bool) {
	usage, ok := p.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0, false
	}
	return int64(usage.Maxrss) << 10, true
}
