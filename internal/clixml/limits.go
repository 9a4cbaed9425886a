package clixml

import "fmt"

// Limits bound what a document may cost. A limit of zero is the default's.
type Limits struct {
	// Depth is how deep elements of objects may lie in each other: 256 when zero. An
	// object within a property of an object is one deeper.
	Depth int
	// Size is how long the input may be, in bytes of UTF-8: 64 MiB when zero.
	Size int64
	// Nodes is how many elements the input may have: two million when zero. One costs
	// at most some 250 bytes of memory besides its text.
	Nodes int
	// References is how many of them may refer to an object (Ref): 100,000 when zero.
	References int
}

// maxAttributes is how many attributes one element may have. CLIXML knows five, and
// its root declares a namespace or two.
const maxAttributes = 16

func (l Limits) orDefault() Limits {
	if l.Depth == 0 {
		l.Depth = 256
	}
	if l.Size == 0 {
		l.Size = 64 << 20
	}
	if l.Nodes == 0 {
		l.Nodes = 2_000_000
	}
	if l.References == 0 {
		l.References = 100_000
	}
	return l
}

// A SyntaxError says where a document is no CLIXML.
type SyntaxError struct {
	Offset    int64  // in bytes of the input as UTF-8, its byte order mark included
	Element   string // the element in which it is wrong, "" outside of all
	Problem   string
	Truncated bool // the input just ends too early
}

func (e *SyntaxError) Error() string {
	if e.Element == "" {
		return fmt.Sprintf("CLIXML is wrong at byte %d: %s", e.Offset, e.Problem)
	}
	return fmt.Sprintf("CLIXML is wrong at byte %d, in <%s>: %s", e.Offset, e.Element, e.Problem)
}

// A LimitError says which of the Limits a document goes beyond.
type LimitError struct {
	Offset int64
	Limit  string // "depth", "size", "nodes", "references" or "attributes"
	Max    int64
}

func (e *LimitError) Error() string {
	return fmt.Sprintf("CLIXML goes beyond the limit at byte %d: its %s may be %d at most", e.Offset, e.Limit, e.Max)
}
