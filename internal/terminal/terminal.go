// Package terminal talks with the person in front of the program: questions,
// passwords, progress. All of it goes to standard error, since standard output is
// for results, and nothing of it happens where nobody sits.
package terminal

import (
	"os"

	"golang.org/x/term"
)

// A Terminal is where a person may sit. Where in or out is no terminal, nobody
// does. It is for one goroutine at a time, but for Progress.
type Terminal struct {
	in, out *os.File
	getenv  func(string) string
	live    live
}

// New returns the terminal that reads from in and writes to out. getenv gives the
// environment: NO_COLOR (no-color.org) and TERM.
func New(in, out *os.File, getenv func(string) string) *Terminal {
	return &Terminal{in: in, out: out, getenv: getenv}
}

// Nobody returns a terminal in front of which nobody sits.
func Nobody() *Terminal { return &Terminal{getenv: func(string) string { return "" }} }

// Interactive reports whether there is somebody who can be asked.
func (t *Terminal) Interactive() bool {
	return t.in != nil && term.IsTerminal(int(t.in.Fd())) && term.IsTerminal(int(t.out.Fd()))
}

// Width returns how many columns a file's terminal has, 0 when it is none or does
// not say.
func Width(f interface{ Fd() uintptr }) int {
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil || columns < 0 {
		return 0
	}
	return columns
}

// Colour reports whether text for a file may be coloured.
func (t *Terminal) Colour(f interface{ Fd() uintptr }) bool {
	return t.getenv("NO_COLOR") == "" && t.obeys(f)
}

// obeys reports whether a file is a terminal that acts on control sequences.
func (t *Terminal) obeys(f interface{ Fd() uintptr }) bool {
	return term.IsTerminal(int(f.Fd())) && t.getenv("TERM") != "dumb" && controlSequences(f.Fd())
}
