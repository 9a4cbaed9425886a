package negotiate

import (
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
)

// A challenge is one of WWW-Authenticate (RFC 9110 11.6.1).
type challenge struct {
	scheme string // as written
	token  string // what follows it, of schemes that have a token: base64
}

// parseChallenges reads the challenges of all WWW-Authenticate headers. What is no
// challenge is left out.
func parseChallenges(header http.Header) []challenge {
	var list []challenge
	for _, line := range header.Values("Www-Authenticate") {
		for _, part := range splitUnquoted(line) {
			scheme, rest, spaced := strings.Cut(part, " ")
			rest = strings.TrimSpace(rest)
			switch {
			case scheme == "" || !isToken(scheme) || spaced && strings.HasPrefix(rest, "="):
				// a parameter of the challenge before it
			case strings.Contains(strings.TrimRight(rest, "="), "="):
				list = append(list, challenge{scheme: scheme}) // with a parameter
			default:
				list = append(list, challenge{scheme, rest})
			}
		}
	}
	return list
}

// splitUnquoted splits at the commas that are not within quotes.
func splitUnquoted(line string) []string {
	var parts []string
	quoted, start := false, 0
	for i := 0; i < len(line); i++ {
		switch {
		case quoted && line[i] == '\\':
			i++
		case line[i] == '"':
			quoted = !quoted
		case line[i] == ',' && !quoted:
			parts = append(parts, strings.TrimSpace(line[start:i]))
			start = i + 1
		}
	}
	return append(parts, strings.TrimSpace(line[start:]))
}

// isToken reports whether s can be a scheme's name (RFC 9110 5.6.2, the characters
// that occur).
func isToken(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	})
}

// offers reports whether a scheme is among those offered.
func offers(offered []string, scheme string) bool {
	return slices.ContainsFunc(offered, func(o string) bool { return strings.EqualFold(o, scheme) })
}

// Offered lists the ways to log on that an answer's WWW-Authenticate offers, as
// written, each once.
func Offered(header http.Header) []string { return schemesOf(parseChallenges(header)) }

// schemesOf lists the schemes of challenges, each once.
func schemesOf(challenges []challenge) []string {
	var list []string
	for _, c := range challenges {
		if !offers(list, c.scheme) {
			list = append(list, c.scheme)
		}
	}
	return list
}

// serverToken returns the token of a scheme; nil when there is none.
func serverToken(header http.Header, scheme string) ([]byte, error) {
	for _, c := range parseChallenges(header) {
		if c.token == "" || !strings.EqualFold(c.scheme, scheme) {
			continue
		}
		token, err := base64.StdEncoding.DecodeString(c.token)
		if err != nil {
			return nil, malformed("a token of the server that is no base64")
		}
		return token, nil
	}
	return nil, nil
}
