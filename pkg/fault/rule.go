package fault

import (
	"slices"
	"strings"
	"sync"
)

// A Rule maps evidence to a fault. A rule matches when each of its match fields
// that is not empty matches; a list matches when one of its entries does. In
// Types and Cmdlets an empty entry stands for evidence that shows none.
type Rule struct {
	Name string // unique, readable: "dehydrated-type"
	ID   string // the fault: [Dehydrated] and so on

	// Categories are failure categories of the server: whole, such as
	// "WSMan-InvalidShellID", or an area with its dash, such as "AuthZ-".
	Categories []string
	// Types are short names of .NET exceptions, the outermost that says something.
	Types []string
	// ErrorIDs are parts of the FullyQualifiedErrorId between commas.
	ErrorIDs []string
	// Cmdlets are the cmdlets that failed, by activity or task class.
	Cmdlets []string
	// WSManCodes are fault codes of WS-Management, WinHTTP, SSPI or Win32.
	WSManCodes []uint32
	// HTTPStatuses are status codes; 4 and 5 stand for all of 4xx and 5xx.
	HTTPStatuses []int
	// EWSCodes are response codes of Exchange Web Services; "Error*" is any.
	EWSCodes []string
	// Layer is the part that must have reported the error, if that matters.
	Layer Layer
	// Text is a regular expression over message and text, after white space is
	// collapsed and typographic quotes are made plain. It stays within what Go's
	// RE2 and .NET understand in the same way.
	Text string
	// Unless is an expression like Text; where it matches, the rule does not.
	Unless string
	// Weak marks a rule that rests on single words: where the words alone are there,
	// in a text with other errors, it says nothing.
	Weak bool

	Meaning string // what is wrong, in a few words, where that of the ID says too little
	Who     string // who can do something about it, where it is not who the ID says

	Hint   string // what to do next, in a sentence or two
	Retry  string // [RetryNever] and so on
	Source string // an https address where the rule's fact is to be found
}

// A Layer is a part of the way to Exchange that can report an error.
type Layer string

// The layers that rules tell apart.
const (
	LayerAny      Layer = ""
	LayerRemoting Layer = "remoting" // PowerShell's client: a session that does not open, or breaks
	LayerWSMan    Layer = "wsman"    // a WSMan fault, by its code or its element
	LayerEWS      Layer = "ews"      // Exchange Web Services
)

// Rules returns a copy of the table, in its order. The last rule matches
// everything.
func Rules() []Rule {
	rules := slices.Concat(table, []Rule{unknown()})
	for i := range rules {
		rules[i] = rules[i].clone()
	}
	return rules
}

func (r Rule) clone() Rule {
	r.Categories = slices.Clone(r.Categories)
	r.Types = slices.Clone(r.Types)
	r.ErrorIDs = slices.Clone(r.ErrorIDs)
	r.Cmdlets = slices.Clone(r.Cmdlets)
	r.WSManCodes = slices.Clone(r.WSManCodes)
	r.HTTPStatuses = slices.Clone(r.HTTPStatuses)
	r.EWSCodes = slices.Clone(r.EWSCodes)
	return r
}

// A matcher is a rule with its expressions compiled.
type matcher struct {
	Rule
	text, unless *expression
}

// matchers compiles the table once: it never changes.
var matchers = sync.OnceValue(func() []matcher {
	out := make([]matcher, len(table))
	for i, r := range table {
		out[i] = matcher{Rule: r}
		if r.Text != "" {
			out[i].text = compile(r.Text)
		}
		if r.Unless != "" {
			out[i].unless = compile(r.Unless)
		}
	}
	return out
})

// matches compares the cheap fields first and the text last.
func (m *matcher) matches(c *clues) bool {
	return (len(m.Categories) == 0 || c.hasCategory(m.Categories)) &&
		(len(m.Types) == 0 || c.hasType(m.Types)) &&
		(len(m.ErrorIDs) == 0 || c.hasErrorID(m.ErrorIDs)) &&
		(len(m.Cmdlets) == 0 || c.hasCmdlet(m.Cmdlets)) &&
		(len(m.WSManCodes) == 0 || c.hasCode(m.WSManCodes)) &&
		(len(m.HTTPStatuses) == 0 || c.hasStatus(m.HTTPStatuses)) &&
		(len(m.EWSCodes) == 0 || c.hasEWSCode(m.EWSCodes)) &&
		(m.Layer == LayerAny || c.hasLayer(m.Layer)) &&
		(m.text == nil || c.says(m.text)) &&
		(m.unless == nil || !c.says(m.unless))
}

func (c *clues) hasCategory(categories []string) bool {
	return slices.ContainsFunc(categories, func(want string) bool {
		if strings.HasSuffix(want, "-") {
			return len(c.category) >= len(want) && strings.EqualFold(c.category[:len(want)], want)
		}
		return strings.EqualFold(c.category, want)
	})
}

func (c *clues) hasType(types []string) bool {
	return slices.ContainsFunc(types, func(want string) bool { return sameType(c.exception, want) })
}

// sameType compares a type's short name with one that was seen. PowerShell shows
// of a name over 40 characters the first and the last 15, "..." between them.
func sameType(seen, want string) bool {
	if head, tail, cut := strings.Cut(seen, "..."); cut && want != "" {
		return len(head)+len(tail) >= 30 && len(want) > len(head)+len(tail) &&
			strings.HasPrefix(want, head) && strings.HasSuffix(want, tail)
	}
	return strings.EqualFold(seen, want)
}

func (c *clues) hasErrorID(ids []string) bool {
	return slices.ContainsFunc(ids, func(want string) bool {
		return slices.ContainsFunc(c.errorIDs, func(seen string) bool { return strings.EqualFold(seen, want) })
	})
}

func (c *clues) hasCmdlet(cmdlets []string) bool {
	return slices.ContainsFunc(cmdlets, func(want string) bool { return strings.EqualFold(c.cmdlet, want) })
}

func (c *clues) hasCode(codes []uint32) bool {
	return slices.ContainsFunc(codes, func(want uint32) bool { return slices.Contains(c.codes, want) })
}

func (c *clues) hasStatus(statuses []int) bool {
	return slices.ContainsFunc(statuses, func(want int) bool {
		return c.status == want || want < 10 && c.status/100 == want
	})
}

func (c *clues) hasEWSCode(codes []string) bool {
	return c.ewsCode != "" && slices.ContainsFunc(codes, func(want string) bool {
		return want == "Error*" || strings.EqualFold(c.ewsCode, want)
	})
}

func (c *clues) hasLayer(l Layer) bool {
	switch l {
	case LayerRemoting:
		return c.remoting
	case LayerWSMan:
		return c.wsman
	case LayerEWS:
		return c.ews
	default:
		return true
	}
}
