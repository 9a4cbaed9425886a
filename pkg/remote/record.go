package remote

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

const (
	// maxLine is the longest line that is looked at, in bytes. What is of us is far
	// shorter; a longer one is noise.
	maxLine = 1 << 20
	// maxRecord bounds a report, in bytes of base64. That of an audit of 50,000 holders
	// has 30 million.
	maxRecord = 128 << 20
	// recordLine is the length of a record's lines but the last (design of the scripts).
	recordLine = 76
	// maxLastWords is how much of the noise is kept, for the error when no record came.
	maxLastWords = 2 << 10
)

// A recordReader finds, in the standard output of a PowerShell, what bootstrap.ps1
// and the script say to this program: lines that hold the run's marker. Output may
// be in any code page that has ASCII, or in UTF-16; whatever else it holds is noise.
// It keeps neither lines nor noise.
type recordReader struct {
	marker string
	step   func(exchange.Step)

	line    []byte
	tooLong bool // the rest of the line is thrown away
	words   []byte

	inside  bool
	records int
	lines   [][]byte
	size    int

	said
	err error
}

// said is what bootstrap.ps1 said, beside the record.
type said struct {
	failure *stageError
	asked   []Question
	end     *struct {
		Code   int    `json:"code"`
		SHA256 string `json:"sha256"`
	}
}

func newRecordReader(marker string, step func(exchange.Step)) *recordReader {
	if step == nil {
		step = func(exchange.Step) {}
	}
	return &recordReader{marker: marker, step: step}
}

// Write takes the next piece of output. It never fails.
func (r *recordReader) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		piece, after, ended := bytes.Cut(rest, []byte{'\n'})
		r.keep(piece)
		if ended {
			r.endLine()
		}
		rest = after
	}
	return len(p), nil
}

func (r *recordReader) keep(piece []byte) {
	if r.tooLong || len(r.line)+len(piece) > maxLine {
		r.tooLong = true
		return
	}
	r.line = append(r.line, piece...)
}

// endLine looks at a whole line. UTF-16 is seen as ASCII with a NUL beside each
// character.
func (r *recordReader) endLine() {
	line := r.line
	if bytes.IndexByte(line, 0) >= 0 {
		line = bytes.ReplaceAll(line, []byte{0}, nil)
	}
	line = bytes.TrimSpace(line)
	switch {
	case r.tooLong, len(line) == 0:
	case bytes.Contains(line, []byte("-----BEGIN EXGRANT RECORD "+r.marker+"-----")):
		r.inside = true
		r.records++
		r.lines, r.size = nil, 0
	case bytes.Contains(line, []byte("-----END EXGRANT RECORD "+r.marker+"-----")):
		r.inside = false
	case bytes.Contains(line, []byte("-----EXGRANT "+r.marker+" ")):
		r.told(line)
	case r.inside && isBase64(line):
		r.take(line)
	default:
		r.words = append(append(r.words, line...), '\n')
		if over := len(r.words) - maxLastWords; over > 0 {
			r.words = append(r.words[:0], r.words[over:]...)
		}
	}
	r.line, r.tooLong = r.line[:0], false
}

func (r *recordReader) take(line []byte) {
	if r.size += len(line); r.size > maxRecord {
		r.fail(fmt.Errorf("the script's record is longer than %d bytes", maxRecord))
		return
	}
	r.lines = append(r.lines, bytes.Clone(line))
}

func (r *recordReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func isBase64(line []byte) bool {
	for _, c := range line {
		switch {
		case c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '+', c == '/', c == '=':
		default:
			return false
		}
	}
	return true
}

// told reads a line of bootstrap.ps1: -----EXGRANT MARKER KIND BASE64-----.
func (r *recordReader) told(line []byte) {
	_, text, _ := strings.Cut(string(line), "-----EXGRANT "+r.marker+" ")
	text, _, whole := strings.Cut(text, "-----")
	kind, data, _ := strings.Cut(text, " ")
	body, err := base64.StdEncoding.DecodeString(data)
	if err == nil && whole {
		err = r.understand(kind, body)
	}
	if err != nil || !whole {
		r.fail(fmt.Errorf("a line of the bootstrap is damaged: %.60q", line))
	}
}

func (r *recordReader) understand(kind string, body []byte) error {
	switch kind {
	case "STEP":
		var step exchange.Step
		if err := json.Unmarshal(body, &step); err != nil {
			return err
		}
		r.step(step)
	case "ASK":
		var q Question
		if err := json.Unmarshal(body, &q); err != nil {
			return err
		}
		r.asked = append(r.asked, q)
	case "FAILED":
		f := new(stageError)
		if err := json.Unmarshal(body, f); err != nil {
			return err
		}
		r.failure = f
	case "END":
		return json.Unmarshal(body, &r.end)
	default:
		return fmt.Errorf("it is of kind %q", kind)
	}
	return nil
}

// errNoRecord says that the output is not that of a whole run: it ended too early, or
// some of it was lost on the way.
var errNoRecord = errors.New("the PowerShell ended before the script did")

// report is the record of a run whose output has ended. Exactly one is accepted,
// whole and as the script wrote it.
func (r *recordReader) report() (*exchange.Report, error) {
	if len(r.line) > 0 {
		r.endLine()
	}
	switch {
	case r.err != nil:
		return nil, r.err
	case r.failure != nil:
		return nil, r.failure
	case r.end == nil:
		return nil, fmt.Errorf("%w%s", errNoRecord, r.lastWords())
	case r.records > 1:
		return nil, fmt.Errorf("the output holds %d records of the script, not one", r.records)
	}
	text := r.recordText()
	sum := sha256.Sum256(text)
	switch {
	case r.inside || !strings.EqualFold(hex.EncodeToString(sum[:]), strings.ReplaceAll(r.end.SHA256, "-", "")):
		return nil, fmt.Errorf("%w: the script's record did not arrive as it was written", errNoRecord)
	case r.records == 0:
		return nil, fmt.Errorf("the script ended with exit code %d and gave no record%s", r.end.Code, r.lastWords())
	}
	return readRecord(text)
}

// recordText is the record without what got between its lines: those are of one
// length, but for the last.
func (r *recordReader) recordText() []byte {
	text := make([]byte, 0, r.size)
	for i, line := range r.lines {
		if len(line) == recordLine || i == len(r.lines)-1 {
			text = append(text, line...)
		}
	}
	return text
}

func readRecord(text []byte) (*exchange.Report, error) {
	body := make([]byte, base64.StdEncoding.DecodedLen(len(text)))
	n, err := base64.StdEncoding.Decode(body, text)
	if err != nil {
		return nil, fmt.Errorf("the script's record: %w", err)
	}
	report := new(exchange.Report)
	switch err := json.Unmarshal(body[:n], report); {
	case err != nil:
		return nil, fmt.Errorf("the script's record is no report: %w", err)
	case report.Schema != exchange.ReportSchema:
		return nil, fmt.Errorf("the script's record says schema %.40q, not %q", report.Schema, exchange.ReportSchema)
	}
	return report, nil
}

// lastWords is what the PowerShell wrote last.
func (r *recordReader) lastWords() string {
	if len(bytes.TrimSpace(r.words)) == 0 {
		return ""
	}
	return fmt.Sprintf("; its last words: %q", strings.Join(strings.Fields(strings.ToValidUTF8(string(r.words), "?")), " "))
}
