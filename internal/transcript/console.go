package transcript

import (
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

var (
	categoryLabel = pattern(`CategoryInfo\s*:`)
	errorIDLabel  = pattern(`FullyQualifiedErrorI[dD]\s*:`)
	// nextLabel begins the line after a value: "+ PSComputerName : x", "TargetObject : y".
	nextLabel = pattern(`^\s*[+\-]?\s*[A-Z][A-Za-z]{3,40}\s*: |^\s*\+|^\s*-\s+[A-Z]`)
	prompt    = pattern(`^(?:\[PS\]|PS|\[[^\]]{1,80}\]: ?PS)\s?[^>\n]{0,260}>\s*(.*)$`)
	statement = pattern(`^\+ +[A-Za-z$&.(][^:]*$`)
	sentences = pattern(`[a-z]\. [A-Z]|TerminatingError\(|CategoryInfo|FullyQualifiedErrorId`)
	header    = pattern(`^([A-Z][A-Za-z]{1,20}-[A-Z][A-Za-z0-9]{1,60}) ?:(?: |$)`)
	cmdlet    = pattern(`\b([A-Z][a-z]{1,20}-[A-Z][A-Za-z0-9]{1,60})\b`)
	// property is a line of Format-List; the exception's says something.
	property = pattern(`^(?:Exception\s+: (.*)|(?:TargetObject|PSMessageDetails|[wW]riteErrorStream)\s+:.*)$`)
	// position is "At line:1 char:1" in any language.
	position   = pattern(`[:：]\s?\d+\s.{0,20}[:：]\s?\d+\s*$`)
	serialized = pattern(`SerializedRemoteException\s*: ([A-Za-z0-9_.]+Exception)\b`)
	codeLabel  = pattern(`(?i)\b(?:error ?code|error number)\s*:\s*(-?[0-9]{1,10})\b|\(code: ?([0-9]{1,10}), ?machine`)
	winrm      = pattern(`(?i)winrm|ws-?man`)

	// categoryLine is "Category: (target) [activity], Reason" without its spaces. A
	// Chinese console writes a full-width comma.
	categoryLine = pattern(`^([A-Za-z]+):\((.*?)\)\[([A-Za-z0-9-]*)\][,.，、]?([A-Za-z0-9_.]*)`)
	// wholeID is an Exchange server's identifier that no wrapping has touched.
	wholeID = pattern(`^\[Server=[^\]]*\] \[FailureCategory=[A-Za-z0-9]+-[A-Za-z0-9_.]+\] [0-9A-Fa-f]{1,8},[A-Za-z][A-Za-z0-9_.]*$`)
	// remoteID is an Exchange server's identifier without its spaces.
	remoteID = pattern(`^(\[Server=[^\]]*\])(?:(\[FailureCategory=[^\]]*\])([0-9A-Fa-f]{1,8}))?,?([A-Za-z][A-Za-z0-9_.-]*)?`)
)

// parseConsole reads the text of a console, or any text, as one error.
func parseConsole(text string) fault.Evidence {
	id := ""
	if m := errorIDLabel().FindStringIndex(text); m != nil {
		var length int
		id, length = readErrorID(text[m[1]:])
		text = text[:m[1]+length]
	}
	return consoleEvidence(text, id)
}

// consoleEvidence reads an error whose FullyQualifiedErrorId, if it has one, ends it.
func consoleEvidence(text, id string) fault.Evidence {
	shown := text
	if m := errorIDLabel().FindStringIndex(text); m != nil {
		shown = text[:m[0]]
	}
	e := fault.Evidence{Text: withoutCommands(text)}
	e.Record.FullyQualifiedErrorID = id
	if m := categoryLabel().FindStringIndex(shown); m != nil {
		addCategoryLine(&e.Record, shown[m[1]:])
		shown = strings.TrimRight(shown[:m[0]], " \t+-*\\") // the label's own mark
	}
	head, message := readMessage(shown)
	if e.Record.Activity == "" {
		e.Record.Activity = head
	}
	e.Record.Message = message
	if m := serialized().FindStringSubmatch(text); m != nil {
		e.Record.ExceptionType = m[1]
	}
	e.WSManCode = codeOf(text)
	return e
}

// codeOf reads a fault's code. Every program has error codes: of those only the
// forms of Windows count, and small numbers where WinRM speaks; 401 or 503 is a
// web server's status also there.
func codeOf(text string) uint32 {
	m := codeLabel().FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.ParseInt(m[1]+m[2], 10, 64)
	if err != nil || m[2] == "" && !isFaultCode(n) && (n >= 400 && n < 600 || !winrm().MatchString(text)) {
		return 0
	}
	return uint32(n)
}

func isFaultCode(n int64) bool { return n < 0 || n >= 10_000_000 }

// withoutCommands leaves out what somebody typed, at a prompt and as PowerShell shows
// it again: it is no part of an error, and the names in it could be any. A line with
// sentences lost its breaks, and holds the error too.
func withoutCommands(text string) string {
	var b strings.Builder
	for line := range strings.SplitAfterSeq(text, "\n") {
		bare := strings.TrimSpace(line)
		if (prompt().MatchString(bare) || statement().MatchString(bare)) && !sentences().MatchString(bare) {
			continue
		}
		b.WriteString(line)
	}
	return strings.TrimSpace(b.String())
}

// addCategoryLine reads the value of CategoryInfo; spaces in it may be wrapping.
func addCategoryLine(r *exchange.ErrorRecord, value string) {
	value = strings.TrimLeft(value, " \t\n")
	if len(value) > 600 {
		value = value[:600]
	}
	m := categoryLine().FindStringSubmatch(squeeze(value))
	if m == nil {
		return
	}
	r.Category, r.Activity, r.Reason = m[1], m[3], strings.TrimRight(m[4], ".")
	if target, _, ok := strings.Cut(m[2], ":"); ok {
		r.TargetName = target
	}
	if target, _, ok := strings.Cut(value, ")"); ok { // with its spaces, where it is in one piece
		if _, target, ok = strings.Cut(target, "("); ok && !strings.Contains(target, "\n") {
			if i := strings.LastIndex(target, ":"); i >= 0 {
				r.TargetName = target[:i]
			}
		}
	}
}

// squeeze removes white space. After "...Exception" a console's next label, such
// as "+", ends an identifier; a lost line break does not, see readErrorID.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// readErrorID reads the identifier behind its label and says how much of the text
// belongs to it. Consoles wrap it at any width, also inside a word.
func readErrorID(text string) (id string, length int) {
	var joined strings.Builder
	for n := 0; length < len(text) && n < 12; n++ {
		raw, _, _ := strings.Cut(text[length:], "\n")
		line := plain(raw)
		if n > 0 && !continues(joined.String(), line) {
			break
		}
		joined.WriteString(strings.TrimSpace(line))
		if strings.HasSuffix(line, " ") && !strings.HasSuffix(strings.TrimSpace(line), ",") && n == 0 {
			joined.WriteByte(' ')
		}
		length = min(len(text), length+len(raw)+1)
	}
	return tidyID(joined.String()), length
}

// continues says whether a line is the rest of an identifier: the identifier is
// not whole yet, or the line is one word that only wrapping makes.
func continues(id, line string) bool {
	trimmed := strings.TrimSpace(line)
	whole := complete(id)
	switch {
	case trimmed == "":
		return !whole && id == "" || strings.HasSuffix(strings.TrimSpace(id), ",")
	case nextLabel().MatchString(line) || prompt().MatchString(line):
		return false
	case !whole:
		return true
	default:
		return isIdentifier(trimmed) && !endsKnown(id)
	}
}

func complete(id string) bool {
	id = strings.TrimSpace(id)
	if id == "" || strings.HasSuffix(id, ",") || strings.Count(id, "[") > strings.Count(id, "]") {
		return false
	}
	return !strings.HasPrefix(id, "[Server=") || strings.Contains(id[strings.LastIndex(id, "]"):], ",")
}

func isIdentifier(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return r != '.' && r != '_' && r != ',' && (r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r))
	})
}

// knownEnds are identifiers' last words: a log that lost its line breaks runs on
// right behind them.
var knownEnds = []string{"PSSessionOpenFailed", "PSSessionOpenedFailed", "PSSessionStateBroken", "CreateRemoteRunspaceFailed", "JobFailure"}

func endsKnown(id string) bool {
	return slices.ContainsFunc(knownEnds, func(end string) bool { return strings.HasSuffix(id, end) })
}

// tidyID puts an identifier together again without the spaces that wrapping left.
func tidyID(id string) string {
	id = strings.TrimRight(strings.TrimSpace(id), "`'\"_ ")
	if wholeID().MatchString(id) {
		return id
	}
	if m := remoteID().FindStringSubmatch(squeeze(id)); m != nil {
		switch {
		case m[2] == "":
			return m[1] + "," + m[4]
		default:
			return m[1] + " " + m[2] + " " + m[3] + "," + m[4]
		}
	}
	for _, end := range knownEnds {
		if i := strings.Index(id, end); i >= 0 {
			return id[:i+len(end)]
		}
	}
	return id
}

// readMessage reads the words of an error and the cmdlet that they are about: in
// front of them, or at the prompt above.
func readMessage(shown string) (activity, message string) {
	lines := strings.Split(shown, "\n")
	var words []string
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		if m := prompt().FindStringSubmatch(line); m != nil {
			activity, words = commandOf(m[1]), nil
			continue
		}
		if m := header().FindStringSubmatch(line); m != nil && !strings.HasPrefix(m[1], "Write-Error") {
			// The cmdlet's own line starts the message, whatever was printed above it.
			activity, words = m[1], nil
			line = strings.TrimSpace(line[len(m[0]):])
		}
		if line == "Line |" {
			words = conciseMessage(lines[i+1:])
			break
		}
		if strings.HasPrefix(line, "+ ") || strings.HasPrefix(line, "+~") {
			if n := len(words); n > 0 && position().MatchString(words[n-1]) {
				words = words[:n-1]
			}
			break
		}
		if m := property().FindStringSubmatch(line); m != nil {
			line = m[1]
		}
		if line != "" {
			words = append(words, line)
		}
	}
	return activity, strings.Join(words, " ")
}

// conciseMessage reads PowerShell 7's view: the statement, underlined, and below
// it the message behind bars.
func conciseMessage(lines []string) []string {
	var words []string
	for _, line := range lines {
		_, text, ok := strings.Cut(line, "|")
		if !ok {
			break
		}
		if text = strings.TrimSpace(text); strings.Trim(text, "~ ") == "" {
			words = nil // what came before was the statement
			continue
		}
		words = append(words, text)
	}
	return words
}

// commandOf returns the cmdlet of a command line that has only one.
func commandOf(line string) string {
	if m := cmdlet().FindAllString(line, 2); len(m) == 1 {
		return m[0]
	}
	return ""
}
