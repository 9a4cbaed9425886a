package fault

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxText bounds what the text rules look at, in bytes: an error's own words are
// at its start, what follows are scripts and stack traces.
const maxText = 128 << 10

// TypePattern finds, in normalised text, the name of an exception where a message
// is introduced by one: before a colon, between bars, in quotes. It is part of
// the rules for those who match them elsewhere, as generated scripts do.
const TypePattern = `(?:^|[ |"'(\[>:{,])((?:[A-Za-z_][A-Za-z0-9_]*\.)*[A-Z][A-Za-z0-9_]*Exception) ?(?:[:|"]|$)`

// Wrappers returns the short names of exceptions that only carry another one.
// Like [TypePattern] it is part of the rules.
func Wrappers() []string { return slices.Clone(wrappers) }

// clues is evidence in the form that rules compare: one value for each field,
// taken from the place that tells most.
type clues struct {
	category  string   // the server's failure category
	exception string   // short type name, wrappers looked through; "" when unknown
	errorIDs  []string // the FullyQualifiedErrorId's parts
	cmdlet    string   // "Verb-Noun"; "" when unknown
	codes     []uint32
	status    int
	ewsCode   string
	text      passage // message and text, normalised
	remoting  bool
	wsman     bool
	ews       bool
}

var (
	categoryPattern  = pattern(`\[FailureCategory=([A-Za-z0-9]+-[A-Za-z0-9_.]+)\]`)
	connectIDPattern = pattern(`([A-Za-z]{3,60}|-?[0-9]{1,10}), ?(PSSession(?:Open|Opened|State)[A-Za-z]{0,20})`)
	taskPattern      = pattern(`^([A-Z][a-z]+)([A-Z][A-Za-z0-9]*?)(?:Task|Command)?$`)
	hexCodePattern   = pattern(`(?i:0x)([89A-Fa-f][0-9A-Fa-f]{7})`)
	codePattern      = pattern(`-21[0-9]{8}\b|\b21[45][0-9]{7}\b`)
	elementPattern   = pattern(`WSManFault[^>]{0,200}?Code=["']?([0-9]{1,10})|(?i:\(code:)([0-9]{1,10}),(?i:machine)|(?i:error(?:number|code):)(-[0-9]{2,10}|[0-9]{8,10})\b`)
	// statusPatterns are the ways in which a status is written, the surest first.
	statusPatterns = []func() *expression{
		pattern(`HTTP/[0-9](?:\.[0-9])? ([1-5][0-9][0-9])\b`),
		pattern(`(?i:http|httpstatus)[^0-9/]{0,60}?([3-5][0-9][0-9])\b`),
		pattern(`(?i:error|server|status|returned|failed|` + spoken(saysError) + `)[^()]{0,80}\(([45][0-9][0-9])\)`),
		// An "error code" may be any program's.
		pattern(`(?i:(?:^|[^ ]|[^r] )\bcode:? ?|\bstatus(?: of| ?code)?[:=]? ?|calling service, error code:? ?)([45][0-9][0-9])\b`),
		pattern(`\b([45][0-9][0-9]) (?i:client error|server error|unauthorized|forbidden|not found|bad request|internal server error|bad gateway|service unavailable)`),
		pattern(`Response \[([345][0-9][0-9])\]`),
	}
	wordCodePattern = pattern(`\bError[A-Z][A-Za-z]{2,60}\b`)
	// ewsWordPattern is how the response codes of EWS end, and no member of PowerShell's errors.
	ewsWordPattern = pattern(`(?:Failed|Denied|NotFound|Exceeded|Unavailable|NotAvailable|Required|Disabled|Expired|NotSupported|NotAllowed|Reached|Mailbox|SmtpAddress|ServerVersion|NotConfigured)$`)
	markedPattern  = pattern(`(?:ResponseCode[^A-Za-z<]{0,4}(?:xmlns[^>]{0,120})?>|faultcode[^>]{0,120}>[a-z]{1,3}:|\{|exchangelib\.errors\.)(Error[A-Z][A-Za-z]{2,60})`)
	typePattern    = pattern(TypePattern)

	remotingPattern = pattern(`(?i)PSSession(?:Open|Opened|State)[a-z]*(?:Failed|Broken)|CreateRemoteRunspaceFailed|` +
		`PSRemoting(?:Transport|DataStructure)Exception|create a runspace|about_Remote_Troubleshooting|WinRM|WS-?Man\b|WS-Management|BrokenCimSession|JobFailure` +
		`|remote server|` + spoken(saysRemoteServer))
	wsmanPattern = pattern(`(?i)WSMan ?Fault`)
	ewsPattern   = pattern(`Service(?:Response|Request|Local|RequestFailed)Exception|exchangelib\.|\bEWS\b|(?i:Microsoft\.Exchange\.WebServices\.)|schemas\.microsoft\.com/exchange/services/2006`)
)

func newClues(e Evidence) *clues {
	r := e.Record
	shown := bound(shownText(r.Message, e.Text))
	if shown == "" {
		// Where a script throws, and over REST, the message is in the identifier.
		shown = bound(r.FullyQualifiedErrorID)
	}
	c := &clues{text: newPassage(nameless(unprefixed(normalise(shown)))), status: e.HTTPStatus, cmdlet: cmdletOf(e)}
	squeezed := newPassage(squeeze(c.text.text))

	c.category = categoryPattern().first(newPassage(squeeze(r.FullyQualifiedErrorID)), squeezed)
	c.errorIDs = errorIDsOf(r.FullyQualifiedErrorID, c.text, squeezed)
	c.exception = exceptionOf(e, c.category, c.text, squeezed)
	c.codes = codesOf(e, c.errorIDs, c.text, squeezed)
	if c.status == 0 {
		c.status = statusOf(c.text)
	}
	c.ewsCode = ewsCodeOf(e.EWSCode, c.text, squeezed)

	fields := newPassage(squeeze(r.FullyQualifiedErrorID + " " + r.ExceptionType + " " + r.Reason))
	c.remoting = c.any(remotingPattern(), fields) || isConnectCmdlet(c.cmdlet)
	c.wsman = e.WSManCode != 0 || c.any(wsmanPattern(), fields)
	c.ews = c.ewsCode != "" || c.any(ewsPattern(), fields)
	return c
}

// any says whether an expression is in the fields or in what was shown.
func (c *clues) any(x *expression, fields passage) bool { return x.in(fields) || c.says(x) }

func (c *clues) says(x *expression) bool { return x.in(c.text) }

// shownText joins message and text, each once: a rule may look for words in their
// order, and text often holds the message again.
func shownText(message, text string) string {
	if strings.Contains(squeeze(bound(text)), squeeze(bound(message))) {
		return strings.TrimSpace(text)
	}
	return strings.TrimSpace(message + " " + text)
}

func isConnectCmdlet(cmdlet string) bool {
	return slices.Contains([]string{"New-PSSession", "Enter-PSSession", "Import-PSSession", "Test-WSMan", "Connect-PSSession"}, cmdlet)
}

func bound(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// normalise collapses white space and makes typographic quotes plain, so that
// neither wrapping nor a web page's typography hides a phrase.
func normalise(s string) string {
	return plainQuotes.Replace(strings.Join(strings.Fields(s), " "))
}

var plainQuotes = strings.NewReplacer("\u2018", "'", "\u2019", "'", "\u201c", `"`, "\u201d", `"`)

// consolePrefix is what the management console of Exchange 2010 puts before every
// failure to connect. It names Kerberos whatever failed.
var consolePrefix = pattern(`(?i)The attempt to connect to [^ ]{1,260} using ["']?[a-z]+["']? authentication failed:`)

func unprefixed(s string) string { return consolePrefix().re.ReplaceAllString(s, "") }

// named matches a quoted name and the word that introduces it.
var named = pattern(`(?i)\b(object|user|mailbox|group|recipient|identity|database|policy|scope|assignment|account|contact|member|unit)(:? ?)(?:"[^"]{1,100}"|'(?:[^']|'[A-Za-z0-9]){1,100}')`)

// nameless replaces the names of things: whatever somebody called a group, it says
// nothing about an error. A distinguished name stays one.
func nameless(s string) string {
	if !strings.ContainsAny(s, `"'`) {
		return s
	}
	return named().re.ReplaceAllStringFunc(s, func(quoted string) string {
		open := strings.IndexAny(quoted, `"'`)
		mark, name := quoted[open:open+1], quoted[open+1:len(quoted)-1]
		switch {
		case strings.Contains(name, ". "), strings.Contains(name, "ApplicationImpersonation"), strings.HasPrefix(name, "Deserialized."):
			return quoted
		case strings.HasPrefix(name, "CN="), strings.HasPrefix(name, "OU="):
			name = "CN=name"
		default:
			name = "name"
		}
		return quoted[:open] + mark + name + mark
	})
}

// squeeze removes all white space: consoles wrap inside identifiers and codes.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return -1
		}
		return r
	}, s)
}

// cmdletOf prefers the activity; a task class such as
// "...RbacTasks.NewManagementRoleAssignment" says the same where the activity was
// lost on the way, as through DSC.
func cmdletOf(e Evidence) string {
	if strings.Contains(e.Record.Activity, "-") && !strings.HasPrefix(e.Record.Activity, "Write-Error") {
		return e.Record.Activity
	}
	class := e.Record.TaskClass()
	class = class[strings.LastIndex(class, ".")+1:]
	if m := taskPattern().re.FindStringSubmatch(class); m != nil {
		return m[1] + "-" + m[2]
	}
	return ""
}

func errorIDsOf(id string, text, squeezed passage) []string {
	if id == "" {
		for _, p := range []passage{text, squeezed} {
			if m := connectIDPattern().find(p); m != nil {
				return m[1:]
			}
		}
		return nil
	}
	var parts []string
	for part := range strings.SplitSeq(id, ",") {
		parts = append(parts, strings.TrimSpace(part))
	}
	return parts
}

// wrappers are exceptions that only carry another one: they say nothing.
var wrappers = []string{
	"Exception", "SystemException", "ApplicationException", "RuntimeException", "AggregateException",
	"RemoteException", "CimException", "CimJobException", "MethodInvocationException", "TargetInvocationException",
	"CmdletInvocationException", "CmdletProxyException", "ParentContainsErrorRecordException",
	"ActionPreferenceStopException", "WriteErrorException", "LocalizedException", "RestClientException", "ErrorRecord",
	"SerializedRemoteException", "InnerException", // labels of Format-List, not types
}

// exceptionOf returns the outermost exception that says something: of the failure
// category, the record, and at last the text.
func exceptionOf(e Evidence, category string, text, squeezed passage) string {
	_, fromCategory, _ := strings.Cut(category, "-")
	fromID, _, _ := strings.Cut(e.Record.FullyQualifiedErrorID, ",")
	for _, name := range []string{fromCategory, e.Record.ExceptionType, e.Record.Reason, fromID} {
		name = shortName(squeeze(name))
		if strings.HasSuffix(name, "Exception") && !slices.Contains(wrappers, name) {
			return name
		}
	}
	for _, p := range []passage{text, squeezed} {
		if !typePattern().possible(p) {
			continue
		}
		for _, m := range typePattern().re.FindAllStringSubmatch(p.text, -1) {
			if name := shortName(m[1]); !slices.Contains(wrappers, name) && !strings.HasPrefix(name, "PSRemoting") {
				return name
			}
		}
	}
	return ""
}

// shortName cuts the namespace off, and leaves the dots of an ellipsis alone.
func shortName(name string) string {
	if strings.Contains(name, "...") {
		return name
	}
	return name[strings.LastIndex(name, ".")+1:]
}

// statusOf returns the first status that a text shows; 443 is a port and none.
func statusOf(text passage) int {
	for _, p := range statusPatterns {
		if n, err := strconv.Atoi(p().first(text)); err == nil && n != 443 {
			return n
		}
	}
	return 0
}

// codesOf collects every fault code that is shown. Small Win32 codes count only
// where they were given as codes: in text they could be any number.
func codesOf(e Evidence, errorIDs []string, text, squeezed passage) []uint32 {
	var codes []uint32
	add := func(s string, base int) {
		if n, err := strconv.ParseInt(s, base, 64); err == nil && n != 0 && !slices.Contains(codes, uint32(n)) {
			codes = append(codes, uint32(n)) // two's complement: the signed form is the same code
		}
	}
	if e.WSManCode != 0 {
		codes = append(codes, e.WSManCode)
	}
	if len(errorIDs) > 0 {
		add(errorIDs[0], 10)
	}
	if e.WSManCode == 0 { // a provider's fault inside another counts less than that
		if m := elementPattern().find(squeezed); m != nil {
			add(m[1]+m[2]+m[3], 10)
		}
	}
	if hexCodePattern().possible(squeezed) {
		for _, m := range hexCodePattern().re.FindAllStringSubmatch(squeezed.text, 8) {
			add(m[1], 16)
		}
	}
	if codePattern().possible(text) {
		for _, m := range codePattern().re.FindAllString(text.text, 8) {
			add(m, 10)
		}
	}
	return codes
}

// ewsCodeOf takes a code as given, or one of the dictionary as a word of the
// text, or any that stands where EWS puts its code.
func ewsCodeOf(given string, text, squeezed passage) string {
	if given = strings.TrimSpace(given); given != "" && given != "NoError" {
		return given
	}
	if wordCodePattern().possible(text) {
		for _, word := range wordCodePattern().re.FindAllString(text.text, 64) {
			if slices.Contains(knownEWSCodes, word) || ewsWordPattern().re.MatchString(word) {
				return word
			}
		}
	}
	return markedPattern().first(squeezed)
}
