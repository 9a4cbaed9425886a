package remote

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// maxStderr is how much of standard error is kept, in bytes.
const maxStderr = 1 << 20

// An errorReader keeps what a PowerShell writes to standard error: text, or CLIXML
// where it was started with -EncodedCommand, one document or several, most of them
// about progress.
type errorReader struct {
	text []byte
}

// Write takes the next piece. It never fails.
func (e *errorReader) Write(p []byte) (int, error) {
	if room := maxStderr - len(e.text); room > 0 {
		e.text = append(e.text, p[:min(room, len(p))]...)
	}
	return len(p), nil
}

const clixmlHead = "#< CLIXML"

// records are the errors in it. Text that is no CLIXML is one error.
func (e *errorReader) records() []exchange.ErrorRecord {
	at := bytes.Index(e.text, []byte(clixmlHead))
	if at < 0 {
		return textRecord(string(e.text))
	}
	records := textRecord(string(e.text[:at]))
	d := clixml.NewDecoder(bytes.NewReader(e.text[at:]), clixml.Limits{})
	var lines strings.Builder // of an error that was written as text, in pieces
	for {
		v, err := d.Next()
		if err != nil {
			break // what was cut off has no end
		}
		if d.Stream() != "Error" {
			continue
		}
		if s, ok := v.(string); ok {
			lines.WriteString(s)
		} else if r, ok := psrp.ReadErrorRecord(v); ok {
			records = append(records, toErrorRecord(r))
		}
	}
	return append(records, textRecord(lines.String())...)
}

func textRecord(text string) []exchange.ErrorRecord {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "?")), " ")
	if text == "" {
		return nil
	}
	return []exchange.ErrorRecord{{Message: text}}
}

// summary is the first error in a line.
func (e *errorReader) summary() string {
	records := e.records()
	if len(records) == 0 {
		return ""
	}
	const most = 400
	text := records[0].Message
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " …"
	}
	return fmt.Sprintf("%q", text)
}
