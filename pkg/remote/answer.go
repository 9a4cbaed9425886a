package remote

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const (
	// maxAnswer is the longest line that is taken, in bytes: an object with a list of
	// 50,000 names has 6 million. Of noise, less is looked at.
	maxAnswer = 16 << 20
	// maxSilence is how much it may write without an answer in it, in bytes.
	maxSilence = 64 << 20
	// maxWords is how much of the noise is kept, for the error when the PowerShell ends.
	maxWords = 2 << 10
)

// The kinds of answers.
const (
	answerHello   = "HELLO"   // it runs
	answerObject  = "OBJECT"  // one object of the output
	answerError   = "ERROR"   // one error
	answerFailed  = "FAILED"  // the error that ended the command
	answerWarning = "WARNING" // the text
	answerEnd     = "END"     // of the command
	answerIdle    = "IDLE"    // nothing runs: what was waited for has been lost
	answerReport  = "REPORT"  // a piece of a script's report
	answerExit    = "EXIT"    // a script's exit code
	answerAsk     = "ASK"     // a script's command that somebody is to be asked about
)

// An answer is one line of commands.ps1.
type answer struct {
	kind  string
	value any // as package clixml gives it
	size  int // of it, in bytes of CLIXML
}

// text is an answer whose value is a text.
func (a answer) text() string {
	s, _ := a.value.(string)
	return s
}

// record is an answer that is an error, and at what stage it came.
func (a answer) record() (stage string, r exchange.ErrorRecord, err error) {
	o, err := toObject(a.value)
	return o.Text("Stage"), exchange.ErrorRecord{FullyQualifiedErrorID: o.Text("FullyQualifiedErrorId"), ExceptionType: o.Text("ExceptionType"),
		Category: o.Text("Category"), Reason: o.Text("Reason"), Activity: o.Text("Activity"), TargetName: o.Text("TargetName"), Message: o.Text("Message")}, err
}

// An answerReader finds the answers of commands.ps1 in a PowerShell's standard output, in
// any code page that has ASCII. All else there is noise, also before an answer in its
// line. What is missing or damaged is an error, which stays.
type answerReader struct {
	nonce string

	line    []byte
	tooLong bool // the rest of the line is thrown away
	since   int  // bytes since the last answer
	words   []byte
	number  int // of the last answer
	waiting []answer
	err     error
}

// Write takes the next piece of output. It never fails.
func (r *answerReader) Write(p []byte) (int, error) {
	if r.since += len(p); r.since > maxSilence && r.err == nil {
		r.err = &excessError{fmt.Sprintf("the PowerShell wrote more than %d MiB without an answer in it", maxSilence>>20)}
	}
	for rest := p; len(rest) > 0; {
		piece, after, ended := bytes.Cut(rest, []byte{'\n'})
		if r.tooLong = r.tooLong || len(r.line)+len(piece) > maxAnswer; !r.tooLong {
			r.line = append(r.line, piece...)
		}
		if ended {
			r.endLine()
		}
		rest = after
	}
	return len(p), nil
}

func (r *answerReader) endLine() {
	noise, text, found := bytes.Cut(r.line, []byte(r.nonce+" "))
	r.noise(noise)
	if found && r.err == nil {
		r.err = r.take(strings.TrimSpace(string(text)))
	}
	r.line, r.tooLong = r.line[:0], false
}

// noise keeps the last of what is no answer.
func (r *answerReader) noise(text []byte) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		return
	}
	r.words = append(append(r.words, text...), ' ')
	if over := len(r.words) - maxWords; over > 0 {
		r.words = append(r.words[:0], r.words[over:]...)
	}
}

// take reads an answer: NUMBER KIND LENGTH BASE64. One that comes again is known by its
// number.
func (r *answerReader) take(text string) error {
	r.since = 0
	fields := strings.Split(text, " ")
	if len(fields) != 4 {
		return &garbledError{fmt.Sprintf("an answer is damaged: %.60q", text)}
	}
	number, err := strconv.Atoi(fields[0])
	length, lengthErr := strconv.Atoi(fields[2])
	xml, dataErr := base64.StdEncoding.DecodeString(fields[3])
	switch {
	case errors.Join(err, lengthErr, dataErr) != nil || len(xml) != length:
		return &garbledError{fmt.Sprintf("an answer is damaged: %.60q", text)}
	case number <= r.number:
		return nil
	case number != r.number+1:
		return &garbledError{fmt.Sprintf("answers %d to %d are missing", r.number+1, number-1)}
	}
	values, err := clixml.Decode(xml, clixml.Limits{})
	if err != nil || len(values) > 1 {
		return errors.Join(&garbledError{fmt.Sprintf("answer %d cannot be read", number)}, err)
	}
	a := answer{kind: fields[1], size: len(xml)}
	if len(values) == 1 {
		a.value = values[0]
	}
	r.number = number
	r.waiting = append(r.waiting, a)
	return nil
}

// next takes the next answer, if one is there.
func (r *answerReader) next() (a answer, ok bool, err error) {
	if len(r.waiting) == 0 {
		return answer{}, false, r.err
	}
	a = r.waiting[0]
	if r.waiting = r.waiting[1:]; len(r.waiting) == 0 {
		r.waiting = nil
	}
	return a, true, nil
}

// lastWords is what the PowerShell wrote last that was no answer.
func (r *answerReader) lastWords() string {
	r.noise(r.line)
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(r.words), "?")), " ")
}
