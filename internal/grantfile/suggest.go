package grantfile

import (
	"strings"

	"github.com/xrash/smetrics"
)

// suggestion names the known key that a word was probably meant to be, or all of
// them.
func suggestion(word string, known []string) string {
	best, distance := "", 3
	for _, key := range known {
		d := smetrics.WagnerFischer(bare(word), bare(key), 1, 1, 1)
		if d < distance && d < len(key) {
			best, distance = key, d
		}
	}
	if best == "" {
		return listed(known)
	}
	return "did you mean " + best + "?"
}

// bare is a key without what people vary: case, hyphens and underscores. It is cut
// to a length that no key has.
func bare(word string) string {
	word = strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(word))
	return word[:min(len(word), 40)]
}
