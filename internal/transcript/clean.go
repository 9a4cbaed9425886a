package transcript

import (
	"html"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// boundary stands where a log began a new entry; plain removes it.
const boundary = '\x1e'

// plain is a text without the marks that clean left in it.
func plain(s string) string { return strings.ReplaceAll(s, string(boundary), "") }

var (
	escapes  = pattern(`\x1b(?:\[[0-9;?]*[A-Za-z]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)`)
	newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n", `\r\n`, "\n", "\u2028", "\n", "\u2029", "\n")
	// letterCode is a letter as JSON writes it.
	letterCode = pattern(`\\u([0-9a-fA-F]{4})`)
	// brokenLine is a line's end as JSON writes it, before what begins a line.
	brokenLine = pattern(`\\n([ +\-A-Z\\"<]|$)`)

	blockTag  = pattern(`(?i)<(?:br ?/?|/?p|/?div|/?pre|/?tr|/?li|/?ul|/?ol|/?table|/?body|/?html|/?blockquote|/?h[1-6]|hr ?/?)(?: [^<>]{0,400})?>`)
	inlineTag = pattern(`(?i)</?(?:span|font|b|i|u|a|em|strong|code|td|th|tbody|thead|head|meta|title|center|o:p|img|kbd|samp|tt|small|sup|sub|col|colgroup)(?: [^<>]{0,400})?/?>`)
	styleTag  = pattern(`(?is)<(?:style|script)\b.*?</(?:style|script)>`)
	machine   = pattern(`<(?:[A-Za-z][A-Za-z0-9-]{0,15}:)?(?:Envelope|Objs|WSManFault|ResponseCode|Fault)\b`)
	entity    = pattern(`&(?:lt|gt|amp|quot|apos|nbsp|rsquo|lsquo|ldquo|rdquo|hellip|#[0-9]{1,6}|#[xX][0-9a-fA-F]{1,5});`)
)

// clean removes what carried the text: colours and control characters, a web page's
// or mail's tags, quotation, and what a log put in front of a line. Every line ends
// in "\n", also one that was posted as the characters \r\n.
func clean(s string) string {
	s = newlines.Replace(escapes().ReplaceAllString(s, ""))
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\u00a0' || r == '\u202f':
			return ' '
		case unicode.IsControl(r), r == '\ufeff', r == '\u200b', r == '\u00ad':
			return -1
		}
		return r
	}, s)
	if first := strings.TrimLeft(s, " \t\n"); strings.HasPrefix(first, "{") || strings.HasPrefix(first, "[") {
		if isJSON(first) {
			return s
		}
	}
	s = unescape(s)
	if strings.Contains(s, "<Objs ") {
		return s
	}
	return unquote(unmark(s))
}

// unescape undoes what JSON does to letters, where JSON is only a part of a log.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	s = letterCode().ReplaceAllStringFunc(s, func(m string) string {
		n, _ := strconv.ParseUint(m[2:], 16, 16)
		if r := rune(n); r >= 0x20 && r != 0x7f {
			return string(r)
		}
		return " "
	})
	return brokenLine().ReplaceAllString(strings.ReplaceAll(s, `\"`, `"`), "\n$1")
}

// unmark removes tags and entities of HTML. XML that a machine wrote keeps its own:
// there an entity is undone by whoever reads the element.
func unmark(s string) string {
	if strings.Contains(s, "<") {
		s = styleTag().ReplaceAllString(s, "")
		s = inlineTag().ReplaceAllString(blockTag().ReplaceAllString(s, "\n"), "")
	}
	if strings.Contains(s, "&") && !machine().MatchString(s) {
		s = entity().ReplaceAllStringFunc(s, html.UnescapeString)
		if strings.Contains(s, "&") { // in a mail that quotes a page: twice
			s = entity().ReplaceAllStringFunc(s, html.UnescapeString)
		}
		s = strings.ReplaceAll(s, "\u00a0", " ")
	}
	return s
}

var (
	quoteMark = pattern(`^[ \t]*(?:[>|][ \t]?)+`)
	fence     = pattern("^[ \t]*(?:```|~~~)[A-Za-z]{0,12}[ \t]*$")
	markup    = strings.NewReplacer(`\+`, "+", `\<`, "<", `\>`, ">", `\_`, "_", `\[`, "[", `\]`, "]", `\-`, "-", "**", "", "`", "", "_The command", "The command")

	stamp = `(?:` +
		`[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}(?:[T ,_-]{1,2}[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:[.,:][0-9]{1,9})?)?(?: ?(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2}))?` +
		`|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4},? [0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?:[.,:][0-9]{1,9})?(?: ?[AaPp]\.?[Mm]\.?)?` +
		`|[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?(?: ?[AaPp][Mm])?` +
		`|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? )?(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* {1,2}[0-9]{1,2},?(?: [0-9]{4})? [0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]{1,9})?` +
		`|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} (?:GMT|UTC|[+-][0-9]{4})` +
		`)`
	level = `(?i:error|err|warning|warn|information|info|debug|verbose|trace|fatal|critical|failure|notice|severe|e|w)`
	// logPrefix is what a log puts before a line: the time, the level, a thread, a logger.
	logPrefix = pattern(`^[ \t]*(?:` +
		`\[?<?` + stamp + `>?\]?[ \t:|,;-]*(?:(?:stdout|stderr) F )?(?:[A-Za-z0-9_.-]{1,40} [A-Za-z0-9_./-]{1,40}\[[0-9]{1,8}\]: ?)?(?:\[[A-Za-z0-9 _.:#/-]{1,40}\][ \t:|-]*|\([A-Za-z0-9 _.:#-]{1,30}\)[ \t:|-]*){0,3}(?:` + level + `\b[\]:|>]?[ \t:|-]+)?(?:\[[A-Za-z0-9 _.:#/-]{1,40}\][ \t:|-]*){0,2}(?:[A-Za-z]{1,30}(?:\.[A-Za-z0-9_]{1,40}){1,8}(?: \[[^\]\n]{0,40}\])? ?[-:|] )?` +
		`|\[?` + level + `\]?[ \t]*(?:[:|\]-][ \t]*)+` +
		`|##\[[a-z]{1,12}\]` +
		`|\[[0-9]{1,6}\][ \t]+(?:\[?` + level + `\]?[ \t:|-]+)?` +
		`)`)
)

// unquote removes what a mail, a web page or a log put in front of lines, and marks
// where a log began a new entry.
func unquote(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	quoted := strings.Count(text, "\n>")+strings.Count(text, "\n |")+strings.Count(text, "\n|") > 0 || strings.HasPrefix(strings.TrimSpace(text), ">")
	bars := !strings.Contains(text, "Line |")
	tidy := strings.ContainsAny(text, "\\*`_")
	first := true
	for line := range strings.SplitSeq(text, "\n") {
		if !first {
			b.WriteByte('\n')
		}
		first = false
		if quoted {
			if m := quoteMark().FindString(line); m != "" && (bars || !strings.Contains(m, "|")) {
				line = line[len(m):]
			}
		}
		if fence().MatchString(line) {
			continue
		}
		if tidy {
			line = markup.Replace(line)
		}
		if mayHavePrefix(line) {
			if m := logPrefix().FindString(line); m != "" {
				b.WriteRune(boundary)
				line = line[len(m):]
			}
		}
		b.WriteString(line)
	}
	return b.String()
}

// mayHavePrefix spares most lines the expression: a prefix has a digit, a bracket or
// a level's word at its start.
func mayHavePrefix(line string) bool {
	for i := 0; i < len(line) && i < 12; i++ {
		switch c := line[i]; {
		case c >= '0' && c <= '9', c == '[', c == '#', c == ':':
			return true
		}
	}
	return false
}

// minWrap and maxWrap are the widths at which consoles wrap, in letters.
const (
	minWrap = 20
	maxWrap = 250
)

// unwrap joins what a console cut at its width, in the middle of words: lines that
// are as long as the longest one. It returns "" where no line can have been cut. A
// text that was wrapped between words loses spaces by that, so this is a second
// reading and never the only one.
func unwrap(s string) string {
	lines := strings.Split(s, "\n")
	width := 0
	for _, line := range lines[:len(lines)-1] {
		width = max(width, utf8.RuneCountInString(line))
	}
	if width < minWrap || width > maxWrap {
		return ""
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(line)
		if utf8.RuneCountInString(line) < width {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// thin leaves out the lines of a long log that begin as its lines do and tell of no
// error: of a line that is kept the next ones are too, as far as they belong to it.
func thin(s string) string {
	var b strings.Builder
	b.Grow(len(s) / 4)
	kept := true
	for line := range strings.SplitAfterSeq(s, "\n") {
		if mayHavePrefix(line) {
			kept = suspicious(line)
		}
		if kept {
			b.WriteString(line)
		}
	}
	return b.String()
}

// key is a message in a form in which repeats are equal: without numbers that only
// count, and identifiers. Codes and statuses stay.
func key(s string) string {
	if len(s) > 600 {
		s = s[:600]
	}
	var b strings.Builder
	previous := ""
	for i, token := range strings.Fields(s) {
		if i > 0 {
			b.WriteByte(' ')
		}
		word := token
		if strings.ContainsAny(token, "0123456789") && !isCode(token, previous) {
			word = withoutDigits(token)
		}
		b.WriteString(word)
		previous = token
	}
	return b.String()
}

// isCode says whether a word is a number that means something: a status, a fault's
// code, or any that is called one.
func isCode(token, previous string) bool {
	core := strings.Trim(token, "()[]{},.;:'\"<>=*-")
	if strings.HasPrefix(core, "0x") || strings.HasPrefix(core, "0X") {
		return len(core) <= 10
	}
	digits := len(strings.Trim(core, "0123456789")) == 0
	return digits && (len(core) == 3 || len(core) >= 9 || called().MatchString(previous))
}

var called = pattern(`(?i)(?:code|error|status|number)[:=]?$`)

// withoutDigits writes one "#" for each run of digits, and for a word of hexadecimal
// digits as a whole.
func withoutDigits(token string) string {
	if len(token) >= 8 && len(strings.Trim(token, "0123456789abcdefABCDEF-[](){},.;:'\"")) == 0 {
		return "#"
	}
	var b strings.Builder
	in := false
	for i := 0; i < len(token); i++ {
		digit := token[i] >= '0' && token[i] <= '9'
		if digit && !in {
			b.WriteByte('#')
		}
		if !digit {
			b.WriteByte(token[i])
		}
		in = digit
	}
	return b.String()
}
