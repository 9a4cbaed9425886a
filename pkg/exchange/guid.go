package exchange

// A GUID is an object's identity that no rename changes, in lower case with
// hyphens.
type GUID string

// IsGUID reports whether s has the form of a GUID with hyphens and without braces.
func IsGUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		hyphen := i == 8 || i == 13 || i == 18 || i == 23
		if hyphen != (s[i] == '-') || !hyphen && !isHex(s[i]) {
			return false
		}
	}
	return true
}
