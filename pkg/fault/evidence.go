package fault

import (
	"fmt"
	"strconv"
	"strings"
)

// A Clue is what decided: a field of an error, and what stands in it.
type Clue struct {
	Field string `json:"field"` // as PowerShell, WSMan, HTTP or EWS call it
	Text  string `json:"text"`
}

// Clues tells by what the rule matches the evidence: one clue for each of its match
// fields, in the order in which they are compared. It is empty for the rule of what
// no rule knows.
func Clues(e Evidence, r Rule) []Clue {
	c := newClues(e)
	var out []Clue
	add := func(field, text string) {
		if text != "" {
			out = append(out, Clue{field, text})
		}
	}
	if len(r.Categories) > 0 {
		add("FailureCategory", c.category)
	}
	if len(r.Types) > 0 {
		add("exception", c.exception)
	}
	if len(r.ErrorIDs) > 0 {
		for _, id := range c.errorIDs {
			if (&clues{errorIDs: []string{id}}).hasErrorID(r.ErrorIDs) {
				add("FullyQualifiedErrorId", id)
			}
		}
	}
	if len(r.Cmdlets) > 0 {
		add("cmdlet", c.cmdlet)
	}
	for _, code := range c.codes {
		if (&clues{codes: []uint32{code}}).hasCode(r.WSManCodes) {
			add("code", fmt.Sprintf("%d (0x%08X)", code, code))
		}
	}
	if len(r.HTTPStatuses) > 0 {
		add("HTTP status", strconv.Itoa(c.status))
	}
	if len(r.EWSCodes) > 0 {
		add("ResponseCode", c.ewsCode)
	}
	if r.Text != "" {
		add("text", c.match(compile(r.Text), newPassage(normalise(bound(shownText(e.Record.Message, e.Text))))))
	}
	if len(out) == 0 && r.Layer != LayerAny {
		add("reported by", string(r.Layer))
	}
	return out
}

// match returns the words that an expression matches, and a little around them.
func (c *clues) match(x *expression, shown passage) string {
	for _, p := range []passage{shown, c.text} {
		if p.text == "" {
			continue
		}
		if at := x.re.FindStringIndex(p.text); at != nil {
			return strings.TrimSpace(bound(p.text[at[0]:min(at[1], at[0]+maxClue)]))
		}
	}
	return ""
}

// maxClue is how much of a text a clue shows, in bytes.
const maxClue = 160
