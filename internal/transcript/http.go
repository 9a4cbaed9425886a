package transcript

import (
	"strconv"
	"strings"

	"github.com/exgrant/exgrant/pkg/fault"
)

// statusLine is an answer's first line, as curl -i and traces show it ("< " before
// it with curl -v), or "HTTP 503" with what follows.
var statusLine = pattern(`^\s*(?:[<*] ?)?HTTP(?:/[0-9](?:\.[0-9])?)? ([1-5][0-9]{2})\b[^\n]*`)

// parseHTTP reads a status line with headers, and the body for what it is. An
// answer 100 or 401 of a handshake may come before the one that counts: the last
// status line of the head does.
func parseHTTP(text string) (fault.Evidence, bool) {
	status, rest, first := 0, text, ""
	for {
		m := statusLine().FindStringSubmatchIndex(rest)
		if m == nil {
			break
		}
		status, _ = strconv.Atoi(rest[m[2]:m[3]])
		first = strings.TrimSpace(rest[m[0]:m[1]])
		head, body, _ := strings.Cut(rest, "\n\n")
		if !strings.Contains(head, "\n") {
			head, body, _ = strings.Cut(rest, "\n")
		}
		rest = body
		if len(head) < m[1] {
			rest = rest[min(len(rest), m[1]):]
		}
	}
	if status == 0 {
		return fault.Evidence{}, false
	}
	e := fault.Evidence{}
	if strings.TrimSpace(rest) != "" {
		e = parse(rest)
	}
	e.HTTPStatus = status
	if e.Record.Message == "" {
		e.Record.Message = first
	}
	e.Text = text
	return e, true
}
