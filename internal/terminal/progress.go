package terminal

import (
	"fmt"
	"sync"
	"unicode"
)

// live is the one line at the bottom that says what is going on.
type live struct {
	mu    sync.Mutex
	shown bool
}

const (
	clearLine = "\r\x1b[K"
	wideRune  = 2 // columns that a wide character may take
)

// Progress shows what is going on, in a line that the next call replaces. Where out
// is no terminal it shows nothing. It may be called by several goroutines.
func (t *Terminal) Progress(text string) {
	if t.out == nil || !t.obeys(t.out) {
		return
	}
	t.live.mu.Lock()
	defer t.live.mu.Unlock()
	fmt.Fprint(t.out, clearLine+fit(text, Width(t.out)-1))
	t.live.shown = true
}

// Done takes the progress line away. It must be called before anything else is
// written.
func (t *Terminal) Done() {
	t.live.mu.Lock()
	defer t.live.mu.Unlock()
	if t.live.shown {
		fmt.Fprint(t.out, clearLine)
		t.live.shown = false
	}
}

// fit cuts a text to so many columns and leaves out what a terminal acts on.
func fit(text string, columns int) string {
	used := 0
	var out []rune
	for _, r := range text {
		if !unicode.IsPrint(r) {
			r = ' '
		}
		width := 1
		if r >= 0x1100 {
			width = wideRune
		}
		if used += width; used > columns {
			break
		}
		out = append(out, r)
	}
	return string(out)
}
