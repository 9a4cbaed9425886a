package transcript

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/pkg/fault"
)

// explain finds the errors of a text that clean has seen. Whole says that it is all
// there is: then it is an error, known or not.
func (x *Reader) explain(text string, whole bool) []Answer {
	if found := parseJSON(plain(text)); len(found) > 0 {
		return answersOf(found)
	}
	if found, rest, ok := parseCLIXML(plain(text)); ok {
		if len(found) > 0 {
			return answersOf(found)
		}
		return x.explain(unquote(strings.ReplaceAll(rest, "<Objs ", "<Objs_")), whole)
	}
	if e, ok := parseHTTP(plain(text)); ok {
		return answersOf([]fault.Evidence{e})
	}
	var answers []Answer
	entries := split(text)
	for _, e := range entries {
		if len(entries) > maxEntries {
			answers = append(answers, x.once(e.text, func() []Answer { return x.explainEntry(e) })...)
		} else {
			answers = append(answers, x.explainEntry(e)...)
		}
	}
	answers = slices.DeleteFunc(answers, func(a Answer) bool { return !a.known() && !a.recorded })
	if whole && !slices.ContainsFunc(answers, Answer.known) {
		if a := answer(parse(plain(text))); a.known() || len(answers) == 0 {
			return []Answer{a}
		}
	}
	return merged(withoutHints(answers))
}

func answersOf(found []fault.Evidence) []Answer {
	answers := make([]Answer, len(found))
	for i, e := range found {
		answers[i] = answer(e)
	}
	return answers
}

// marked says whether a text looks like an error, and not only speaks of one.
func (a Answer) marked() bool {
	return a.recorded || a.Evidence.Record.Activity != "" || errorMark().MatchString(a.Evidence.Text+a.Evidence.Record.Message)
}

var errorMark = pattern(`(?i)about_Remote_Troubleshooting|exception|\berror\b|fail(?:ed|ure)|fehler|échoué|erreur|failed|non riuscita|失败|失敗|エラー|сбой|ошибк|오류`)

// merged joins neighbours that say the same, one of them shorter: what a program
// wrote of an error, and the answer in which it stands.
func merged(answers []Answer) []Answer {
	var out []Answer
	for _, a := range answers {
		if n := len(out); n > 0 && out[n-1].Fault.ID == a.Fault.ID && (holds(out[n-1], a) || holds(a, out[n-1])) {
			continue
		}
		out = append(out, a)
	}
	return out
}

func holds(a, b Answer) bool {
	message := squeeze(b.Fault.Message)
	return message != "" && !b.recorded && strings.Contains(squeeze(a.Fault.Message+a.Evidence.Text), message) && a.Fault.Message != b.Fault.Message
}

// withoutHints drops what only a rule of words knows in a text without the marks of
// an error, when the paste has a real one: prose about Kerberos is no refusal.
func withoutHints(answers []Answer) []Answer {
	strong := func(a Answer) bool { return a.known() && !(a.Rule.Weak && !a.marked()) }
	if !slices.ContainsFunc(answers, strong) {
		return answers
	}
	return slices.DeleteFunc(answers, func(a Answer) bool { return a.known() && !strong(a) })
}

// An entry is a part of a text that can be an error by itself.
type entry struct {
	text string // with the marks of clean
	id   string // FullyQualifiedErrorId, where it has one
}

// maxEntries is how many entries a text has that a person pastes; one with more is a
// log, of which equal lines are looked at once.
const maxEntries = 200

// explainEntry looks at an entry as a whole and, when it is no record, at its
// paragraphs and lines: a log or a mail may hold several errors there.
func (x *Reader) explainEntry(e entry) []Answer {
	parts := withoutCarriers(paragraphs(e.text, x.log || len(e.text) > maxEntry))
	if e.id == "" && (x.log || len(parts) > maxParts) {
		return x.explainLog(parts)
	}
	whole := e.answer()
	if whole.recorded || len(parts) < 2 {
		return []Answer{whole}
	}
	var known []Answer
	classes := map[string]bool{}
	for _, part := range parts {
		if a := answer(parse(part)); a.known() {
			classes[a.Fault.ID] = true
			known = append(known, a)
		}
	}
	switch {
	case len(known) == 0:
		known = []Answer{whole}
	case len(classes) == 1 && whole.known() && !(classes[whole.Fault.ID] && strings.ContainsRune(e.text, boundary)):
		known = []Answer{whole} // one error in several paragraphs
	}
	return known
}

// withoutCarriers leaves out a web server's status from whose handling a Python
// program came to the fault in the next part: what Exchange says wins over what
// carried it.
func withoutCarriers(parts []string) []string {
	var out []string
	for i, part := range parts {
		if i+1 < len(parts) && carrier().MatchString(part) && strings.Contains(parts[i+1], "WSManFault") {
			continue
		}
		out = append(out, part)
	}
	return out
}

var carrier = pattern(`HTTPError: 500 [^\n]*\s+During handling of the above exception, another exception occurred:\s*$`)

// explainLog looks at the lines of a log, each by itself, those of one form once.
func (x *Reader) explainLog(lines []string) []Answer {
	var out []Answer
	at := map[string]int{}
	for _, line := range lines {
		if !suspicious(line) {
			continue
		}
		for _, a := range x.once(line, func() []Answer { return []Answer{answer(parse(line))} }) {
			if !a.known() {
				continue
			}
			if i, ok := at[a.key]; ok {
				out[i].Count += a.Count
				continue
			}
			at[a.key] = len(out)
			out = append(out, a)
		}
	}
	return out
}

// maxParts and maxEntry, in bytes, are how many paragraphs and how long an error is
// that a person pastes; what has more is a log.
const (
	maxParts = 60
	maxEntry = 16 << 10
)

// seed is of this process: the hashes stay in it.
var seed = maphash.MakeSeed()

// maxForms and maxPool bound the memory for a log: its lines by their form, and what
// they were found to be.
const (
	maxForms  = 1 << 16
	maxPool   = 4 * MaxAnswers
	maxLooked = 3000 // forms that are looked at: a log whose every line is another one tells enough by them
)

// once explains the first of several texts of one form, and repeats that answer for
// the others.
func (x *Reader) once(text string, explain func() []Answer) []Answer {
	form := maphash.String(seed, key(text))
	if known, ok := x.forms[form]; ok {
		out := make([]Answer, 0, len(known))
		for _, i := range known {
			if i < 0 {
				x.dropped++
				continue
			}
			out = append(out, x.pool[i])
		}
		return out
	}
	if x.looked++; x.looked > maxLooked {
		x.skipped++
		return nil
	}
	answers := explain()
	if x.forms == nil {
		x.forms, x.places = map[uint64][]int{}, map[string]int{}
	}
	places := make([]int, 0, len(answers))
	for i := range answers {
		answers[i].key = answers[i].identity()
		if answers[i].known() || answers[i].recorded {
			places = append(places, x.place(answers[i]))
		}
	}
	if len(x.forms) < maxForms {
		x.forms[form] = places
	}
	return answers
}

// place returns where in the pool an answer is, and -1 where there is no more room.
func (x *Reader) place(a Answer) int {
	if i, ok := x.places[a.key]; ok {
		return i
	}
	if len(x.pool) == maxPool {
		return -1
	}
	x.places[a.key] = len(x.pool)
	x.pool = append(x.pool, a)
	return len(x.pool) - 1
}

// suspicious says whether a line of a log can tell of an error at all.
func suspicious(text string) bool {
	lower := strings.ToLower(text)
	for _, word := range suspects {
		if strings.Contains(lower, word) {
			return true
		}
	}
	return strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
}

var suspects = []string{
	"err", "exception", "fail", "denied", "refused", "reject", "cannot", "can't", "unable", "could not", "couldn't", "not ", "n't", "invalid", "unauthorized", "forbidden",
	"timed out", "timeout", "exceed", "x509", "tls", "kdc", "krb", "0x8", "http/", "enable-organizationcustomization", "already", "busy", "<", "categoryinfo", "fullyqualified", "microsoft.exchange", "responsecode", "wsman", "401", "403", "503",
}

// answer classifies the entry as one error.
func (e entry) answer() Answer {
	if e.id == "" {
		return answer(parse(plain(e.text)))
	}
	return answer(consoleEvidence(plain(e.text), e.id))
}

// split cuts a text into entries: behind each FullyQualifiedErrorId, the last line
// of an error that names anything of its own, and before lines that begin an error.
func split(text string) []entry {
	var entries []entry
	add := func(text, id string) {
		if strings.TrimSpace(plain(text)) != "" {
			entries = append(entries, entry{text, id})
		}
	}
	for {
		m := errorIDLabel().FindStringIndex(text)
		if m == nil {
			break
		}
		id, length := readErrorID(text[m[1]:])
		end := m[1] + length
		starts := startsOf(text[:m[0]])
		last := starts[len(starts)-1]
		for i, start := range starts[:len(starts)-1] {
			add(text[start:starts[i+1]], "")
		}
		add(text[last:end], id)
		text = text[end:]
	}
	starts := append(startsOf(text), len(text))
	for i, start := range starts[:len(starts)-1] {
		add(text[start:starts[i+1]], "")
	}
	return entries
}

// start is a line with which an error begins: the cmdlet's own, a warning, what a
// script caught, an answer of a web server, a trace's element.
var start = pattern(`^\s*(?:[A-Z][A-Za-z]{1,20}-[A-Z][A-Za-z0-9]{1,60} ?:(?: |$)|(?i:warning|error|fatal|exception) ?: |Exception calling |(?:PS|>>)? ?>? ?TerminatingError\(|(?:[<*] )?HTTP/[0-9](?:\.[0-9])? [1-5][0-9][0-9]\b|<\?xml |<Trace |<(?:[A-Za-z][A-Za-z0-9]{0,9}:)?Envelope\b)`)

// startsOf returns where the errors of a text begin: at its start at least.
func startsOf(text string) []int {
	starts := []int{0}
	at := 0
	ended, answering := false, false
	for line := range strings.SplitAfterSeq(text, "\n") {
		bare := plain(strings.TrimSuffix(line, "\n"))
		isStatus := statusLine().MatchString(bare)
		switch {
		case at > 0 && prompt().MatchString(bare):
			starts, answering = append(starts, at), false
		case at > 0 && start().MatchString(bare) && (ended || !strings.HasPrefix(bare, " ")):
			// A web server's answer is one with its body, and with those of a handshake.
			if !answering || !isStatus && !strings.HasPrefix(strings.TrimSpace(bare), "<") {
				starts, answering = append(starts, at), false
			}
		}
		answering = answering || isStatus
		ended = strings.TrimSpace(bare) == "" || strings.HasSuffix(strings.TrimSpace(bare), ".")
		at += len(line)
	}
	return starts
}

// paragraphs cuts an entry where an empty line or a log's mark stands and a new
// sentence can begin; of a log at each of its marks.
func paragraphs(text string, log bool) []string {
	var parts []string
	var b strings.Builder
	flush := func() {
		if strings.TrimSpace(b.String()) != "" {
			parts = append(parts, b.String())
		}
		b.Reset()
	}
	empty, previous := false, ""
	for line := range strings.SplitSeq(text, "\n") {
		bare := plain(line)
		trimmed := strings.TrimSpace(bare)
		if trimmed == "" {
			empty = true
			continue
		}
		if (empty && follows(bare, previous)) || (strings.ContainsRune(line, boundary) && !continued(bare) && (log || endsSentence(previous) || len(previous) < shortLine)) {
			flush()
		}
		b.WriteString(bare)
		b.WriteByte('\n')
		empty, previous = false, trimmed
	}
	flush()
	return parts
}

// shortLine is a line's length below which no console or mail wraps, in bytes.
const shortLine = 40

// follows says whether a line behind an empty one begins something new.
func follows(line, previous string) bool {
	if continued(line) || !endsSentence(previous) {
		return false
	}
	return line[0] < 'a' || line[0] > 'z' || strings.HasSuffix(previous, ".")
}

// continued says whether a line goes on with an error that began above it.
func continued(line string) bool {
	for _, start := range []string{" ", "\t", "+", "-", "At ", "CategoryInfo", "FullyQualified", "PSComputerName", "~", "During handling", "The above exception", "Caused by"} {
		if strings.HasPrefix(line, start) {
			return true
		}
	}
	return false
}

func endsSentence(line string) bool {
	return line == "" || strings.ContainsAny(line[len(line)-1:], ".!?:)]}>\"'") || line[len(line)-1] >= 0x80
}
