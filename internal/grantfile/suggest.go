package grantfile

import "strings"

// suggestion names the known key that a word was probably meant to be, or all of
// them.
func suggestion(word string, known []string) string {
	best, distance := "", 3
	for _, key := range known {
		d := editDistance(bare(word), bare(key))
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

// editDistance is the Levenshtein distance of a and b in bytes.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost = 1 + min(previous, row[j], row[j+1])
			}
			previous, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
