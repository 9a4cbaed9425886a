// Package transcript turns what people really paste into evidence: a console's
// text, wrapped and quoted as it may be, a mail, a log, an error record as JSON or
// CLIXML, a WSMan fault, an HTTP answer or one of Exchange Web Services.
//
// It takes apart; package fault says what each part means. Input of any length is
// read in windows of maxInput bytes, nesting is followed [maxDepth] deep, and no
// input makes it fail other than one that is empty.
package transcript

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/exgrant/exgrant/pkg/fault"
)

// maxInput is how much is looked at as one text, in bytes: one MiB. A document in
// JSON, XML or CLIXML that is longer is looked at in parts.
const maxInput = 1 << 20

// maxDepth bounds how deep JSON and XML are followed.
const maxDepth = 32

// MaxAnswers is how many different errors a [Reader] keeps.
const MaxAnswers = 64

// ErrEmpty says that there was nothing to explain: no input, or white space only.
var ErrEmpty = errors.New("nothing to explain: the input is empty")

// ErrNoError says that what there was is of exgrant itself, and tells of no error.
var ErrNoError = errors.New("nothing to explain: this run of exgrant had no error")

// An Answer is one error of what was read, and what it means.
type Answer struct {
	Fault    fault.Fault
	Rule     *fault.Rule
	Evidence fault.Evidence
	Source   string // the name of the input in which it was seen first
	Count    int    // how often it was seen

	key      string
	recorded bool // a record of an error shows it, not only a text
}

// A Reader reads one or more inputs and collects their errors. The zero value is
// ready; it is not safe for concurrent use.
type Reader struct {
	answers []Answer
	dropped int
	forms   map[uint64][]int // of texts that were looked at: which answers of the pool they have
	pool    []Answer
	log     bool           // the window is one of several
	places  map[string]int // in the pool, by an answer's key
	looked  int
	skipped int
	text    bool   // there was something that could tell of an error
	fine    bool   // there was a document of ours that tells of none
	last    []byte // the first window, for a text in which no error is known
	name    string
}

// Add reads an input to its end. The error is that of r.
func (x *Reader) Add(name string, r io.Reader) error {
	decoded := decodeReader(r)
	buffered := bufio.NewReaderSize(decoded, 64<<10)
	window := make([]byte, 0, 64<<10)
	first := true
	for {
		var err error
		window, err = fill(buffered, window)
		if err != nil && err != io.EOF {
			return fmt.Errorf("cannot read the error to explain: %w", err)
		}
		end := err == io.EOF
		n := len(window)
		if !end {
			n = cut(window)
		}
		x.addWindow(name, window[:n], first && end)
		if end {
			return nil
		}
		window = append(window[:0], window[n:]...)
		first = false
	}
}

// fill reads until the window is full or the input ends.
func fill(r io.Reader, window []byte) ([]byte, error) {
	for len(window) < maxInput {
		if len(window) == cap(window) {
			window = slices.Grow(window, min(maxInput, 2*cap(window)+1)-len(window))
		}
		n, err := r.Read(window[len(window):min(cap(window), maxInput)])
		window = window[:len(window)+n]
		if err != nil {
			return window, err
		}
	}
	return window, nil
}

// cut says where a full window ends: at the last empty line of its second half,
// else at its last line.
func cut(window []byte) int {
	half := len(window) / 2
	for _, mark := range []string{"\n\n", "\n\r\n", "\n"} {
		if i := bytes.LastIndex(window[half:], []byte(mark)); i >= 0 {
			return half + i + len(mark)
		}
	}
	return len(window)
}

// addWindow explains a part of an input; whole says that it is all of it.
func (x *Reader) addWindow(name string, data []byte, whole bool) {
	decoded := decode(data)
	if x.log = !whole; x.log {
		decoded = thin(decoded)
	}
	text := clean(decoded)
	if strings.TrimSpace(plain(text)) == "" {
		return
	}
	if whole && tellsOfNoError(plain(text)) {
		x.fine = true
		return
	}
	if !x.text {
		x.text, x.name = true, name
		x.last = bytes.Clone(data[:min(len(data), maxInput)])
	}
	answers := x.explain(text, whole)
	if whole {
		// A console may have cut the text in words: what is read without its breaks
		// counts where an earlier rule knows it. Each reading can only lose words.
		if joined := unwrap(newlines.Replace(decoded)); joined != "" {
			if second := x.explain(clean(joined), whole); rank(second[0]) < rank(answers[0]) {
				answers = second
			}
		}
	}
	for _, a := range answers {
		a.Source = name
		x.add(a)
	}
}

func (x *Reader) add(a Answer) {
	a.key = a.identity()
	for i := range x.answers {
		if x.answers[i].key == a.key {
			x.answers[i].Count += a.Count
			return
		}
	}
	if len(x.answers) == MaxAnswers {
		x.dropped++
		return
	}
	x.answers = append(x.answers, a)
}

// identity is equal for repeats of one error.
func (a Answer) identity() string {
	return a.Fault.ID + " " + a.Fault.Rule + " " + key(a.Fault.Message)
}

// Answers returns the errors that were read, the first cause first, and how many
// more there were. It is never empty without an error: a text in which nothing is
// known is one unknown error. The error is [ErrEmpty] or [ErrNoError].
func (x *Reader) Answers() (answers []Answer, more int, err error) {
	switch {
	case !x.text && x.fine:
		return nil, 0, ErrNoError
	case !x.text:
		return nil, 0, ErrEmpty
	}
	answers = slices.Clone(x.answers)
	if len(answers) == 0 {
		answers = []Answer{answer(parse(plain(clean(decode(x.last)))))}
		answers[0].Source = x.name
	}
	slices.SortStableFunc(answers, func(a, b Answer) int { return consequence(a, answers) - consequence(b, answers) })
	return answers, x.dropped, nil
}

// Skipped is how many parts of a log were not looked at, because the parts before
// them had too many forms.
func (x *Reader) Skipped() int { return x.skipped }

// consequence is greater for what follows from other errors: an answer of
// Enable-OrganizationCustomization is a step on the way to another command, and
// what fails because a variable is empty has its cause before.
func consequence(a Answer, all []Answer) int {
	switch {
	case len(all) == 1:
		return 0
	case a.Fault.ID == fault.AlreadyCustomized:
		if slices.ContainsFunc(all, func(b Answer) bool { return b.Fault.ID != fault.Other && b.Fault.ID != fault.AlreadyCustomized }) {
			return 1
		}
	case a.vague():
		// It says that something broke, and another one why.
		if slices.ContainsFunc(all, func(b Answer) bool {
			return !b.vague() && (strings.HasPrefix(b.Fault.ID, "connect_") || strings.HasPrefix(b.Fault.ID, "ews_") || b.Fault.ID == fault.AccessDenied)
		}) {
			return 1
		}
	case a.Rule.Name == unknownRule && emptyArgument().MatchString(a.Evidence.Record.FullyQualifiedErrorID):
		return 2
	}
	return 0
}

// vague says whether only the layer is known in which an error came up.
func (a Answer) vague() bool {
	return strings.HasPrefix(a.Rule.Name, "session-lost") || a.Rule.Name == "ews-layer" || a.Rule.Name == "winrm-text"
}

var emptyArgument = pattern(`^(?:ParameterArgument|InvokeMethodOnNull|ParameterBinding|CannotConvertArgument|VariableIsUndefined|NullArray|PropertyNotFound|ArgumentNull)`)

// unknownRule is the name of the rule of what no rule knows.
const unknownRule = "unknown"

// ranks are the places of the rules in their table, by name.
var ranks = sync.OnceValue(func() map[string]int {
	out := map[string]int{}
	for i, r := range fault.Rules() {
		out[r.Name] = i
	}
	return out
})

func rank(a Answer) int { return ranks()[a.Rule.Name] }

func answer(e fault.Evidence) Answer {
	f, rule := fault.Classify(e)
	return Answer{Fault: f, Rule: rule, Evidence: e, Count: 1, recorded: e.Record.FullyQualifiedErrorID != "" || e.Record.Category != ""}
}

func (a Answer) known() bool { return a.Rule.Name != unknownRule }

// parse reads a text as one error.
func parse(text string) fault.Evidence {
	if e := parseJSON(text); len(e) > 0 {
		return e[0]
	}
	if e, ok := parseHTTP(text); ok {
		return e
	}
	if e, ok := parseXML(text); ok {
		return e
	}
	return parseConsole(text)
}
