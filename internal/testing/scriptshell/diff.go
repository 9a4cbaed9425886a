package scriptshell

import (
	"fmt"
	"strings"
)

// Diff shows the lines that only one of two texts has, as often as it has them
// more: enough for sorted snapshots.
func Diff(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	lines := append(missing("- ", a, b), missing("+ ", b, a)...)
	if len(lines) == 0 {
		return ""
	}
	return fmt.Sprintln(strings.Join(lines, "\n"))
}

// missing returns the lines of one list that the other does not have.
func missing(mark string, list, other []string) []string {
	count := map[string]int{}
	for _, line := range other {
		count[line]++
	}
	var out []string
	for _, line := range list {
		if count[line]--; count[line] < 0 {
			out = append(out, mark+line)
		}
	}
	return out
}
