//go:build unix

package ansible

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// forkMemory looks at the processes below pid until ended, and returns the largest
// proportional set size (KiB: what is shared counts by its share) of a fork of the
// controller, of a module's Python, of the program, and of all forks at one time.
// Only Linux tells; elsewhere it is empty.
func forkMemory(pid int, ended <-chan struct{}) map[string]int {
	most := map[string]int{}
	for {
		select {
		case <-ended:
			return most
		case <-time.After(time.Second):
		}
		together := 0
		family := families()
		for _, fork := range family[pid] {
			size := proportional(fork)
			together += size
			most["fork"] = max(most["fork"], size)
			for _, below := range descendants(family, fork) {
				name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", below))
				switch kind := strings.TrimSpace(string(name)); kind {
				case "python", "python3", "exgrant":
					size := proportional(below)
					most[kind] = max(most[kind], size)
					together += size
				}
			}
		}
		most["all forks and what they run"] = max(most["all forks and what they run"], together)
	}
}

// families returns the children of every process.
func families() map[int][]int {
	children := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, stat := range stats {
		var pid, parent int
		var state string
		text, _ := os.ReadFile(stat) // PID (NAME) STATE PARENT …
		before, after, _ := bytes.Cut(text, []byte(" ("))
		_, after, _ = bytes.Cut(after, []byte(") "))
		if _, err := fmt.Sscan(string(before)+" "+string(after), &pid, &state, &parent); err == nil {
			children[parent] = append(children[parent], pid)
		}
	}
	return children
}

func descendants(children map[int][]int, pid int) []int {
	var pids []int
	for _, child := range children[pid] {
		pids = append(append(pids, child), descendants(children, child)...)
	}
	return pids
}

// proportional returns the proportional set size of a process in KiB, 0 where it is gone.
func proportional(pid int) int {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	for line := range strings.Lines(string(text)) {
		var size int
		if _, err := fmt.Sscanf(line, "Pss: %d kB", &size); err == nil {
			return size
		}
	}
	return 0
}
