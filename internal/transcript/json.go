package transcript

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// errorCategories are the names of System.Management.Automation.ErrorCategory:
// ConvertTo-Json gives the number.
var errorCategories = []string{
	"NotSpecified", "OpenError", "CloseError", "DeviceError", "DeadlockDetected", "InvalidArgument", "InvalidData", "InvalidOperation",
	"InvalidResult", "InvalidType", "MetadataError", "NotImplemented", "NotInstalled", "ObjectNotFound", "OperationStopped",
	"OperationTimeout", "SyntaxError", "ParserError", "PermissionDenied", "ResourceBusy", "ResourceExists", "ResourceUnavailable",
	"ReadError", "WriteError", "FromStdErr", "SecurityError", "ProtocolError", "ConnectionError", "AuthenticationError",
	"LimitsExceeded", "QuotaExceeded", "NotEnabled",
}

// parseJSON reads error records as ConvertTo-Json writes them (Windows PowerShell
// and PowerShell 7), one of our own reports or a part of it, REST errors, and the
// texts of any other document; one document or several in a row.
func parseJSON(text string) []fault.Evidence {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" || trimmed[0] != '{' && trimmed[0] != '[' {
		return nil
	}
	var out []fault.Evidence
	d := json.NewDecoder(strings.NewReader(trimmed))
	for {
		var value any
		if d.Decode(&value) != nil {
			return out
		}
		var records []map[string]any
		findRecords(value, 0, &records)
		for _, m := range records {
			e := recordEvidence(m)
			if e.Record != (exchange.ErrorRecord{}) || e.WSManCode != 0 {
				out = append(out, e)
			}
		}
		words := textsOf(value, 0)
		if isOwn(value) {
			words = failedSteps(value)
		}
		if len(records) == 0 && strings.TrimSpace(words) != "" {
			out = append(out, parseConsole(unquote(newlines.Replace(words))))
		}
	}
}

// isOwn says whether a document is one that exgrant writes: a report or a plan.
func isOwn(value any) bool {
	m, _ := value.(map[string]any)
	schema, _ := m["schema"].(string)
	return strings.HasPrefix(schema, "exgrant.")
}

// failedSteps returns the texts of a report's steps that failed: its others tell of no
// error, whatever words are in them.
func failedSteps(report any) string {
	m, _ := report.(map[string]any)
	steps, _ := m["steps"].([]any)
	var b strings.Builder
	for _, step := range steps {
		if s, _ := step.(map[string]any); s["status"] == "failed" {
			b.WriteString(textsOf(s["text"], 0))
		}
	}
	return b.String()
}

// tellsOfNoError says whether a text is a document of exgrant, of a run without one.
func tellsOfNoError(text string) bool {
	var value any
	return json.Unmarshal([]byte(text), &value) == nil && isOwn(value) && len(parseJSON(text)) == 0
}

// isJSON says whether a text begins with a whole document.
func isJSON(text string) bool {
	var value any
	return json.NewDecoder(strings.NewReader(text)).Decode(&value) == nil
}

// textsOf returns the texts of a document that is no record of an error: a program's
// output or a line of a log.
func textsOf(value any, depth int) string {
	if depth > maxDepth {
		return ""
	}
	switch v := value.(type) {
	case string:
		return v + "\n"
	case []any:
		var b strings.Builder
		for _, item := range v {
			b.WriteString(textsOf(item, depth+1))
		}
		return b.String()
	case map[string]any:
		var b strings.Builder
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(textsOf(v[name], depth+1))
		}
		return b.String()
	}
	return ""
}

// findRecords collects the objects, from the outside inwards, that look like an
// error record, a fault of ours or a REST error.
func findRecords(value any, depth int, found *[]map[string]any) {
	if depth > maxDepth || len(*found) >= MaxAnswers {
		return
	}
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			findRecords(item, depth+1, found)
		}
	case map[string]any:
		if isRecord(v) {
			*found = append(*found, v)
			return
		}
		// Where a report or a step holds its error, and where REST does.
		for _, key := range []string{"fault", "steps", "error", "errors", "details", "errorRecord", "record"} {
			findRecords(member(v, key), depth+1, found)
		}
	}
}

func isRecord(m map[string]any) bool {
	if member(m, "fullyQualifiedErrorId") != nil || member(m, "categoryInfo") != nil || member(m, "exceptionType") != nil {
		return true
	}
	if member(m, "rule") != nil && member(m, "message") != nil {
		return true
	}
	// A REST error: the code of one that holds details says less than they do.
	return member(m, "code") != nil && member(m, "message") != nil && member(m, "details") == nil ||
		member(m, "errorCode") != nil && member(m, "transportMessage") != nil
}

// member finds a key without regard to case: the two PowerShells, and tools in
// between, write it differently.
func member(m map[string]any, key string) any {
	if v, ok := m[key]; ok {
		return v
	}
	var found any
	name := ""
	for k, v := range m {
		// Of several spellings the first in order counts: maps have none.
		if strings.EqualFold(k, key) && (name == "" || k < name) {
			name, found = k, v
		}
	}
	return found
}

func textOf(m map[string]any, key string) string {
	s, _ := member(m, key).(string)
	return s
}

func recordEvidence(m map[string]any) fault.Evidence {
	if record, ok := member(m, "record").(map[string]any); ok && member(m, "rule") != nil {
		e := recordEvidence(record)
		if e.Record.Message == "" {
			e.Record.Message = textOf(m, "message")
		}
		return e
	}
	e := fault.Evidence{Record: exchange.ErrorRecord{
		FullyQualifiedErrorID: textOf(m, "fullyQualifiedErrorId"),
		ExceptionType:         textOf(m, "exceptionType"),
		Category:              textOf(m, "category"),
		Reason:                textOf(m, "reason"),
		Activity:              textOf(m, "activity"),
		TargetName:            textOf(m, "targetName"),
		Message:               textOf(m, "message"),
	}}
	addCategoryInfo(&e.Record, member(m, "categoryInfo"))
	addException(&e, member(m, "exception"))
	addException(&e, m)
	code := textOf(m, "code")
	if e.HTTPStatus = restStatus[code]; strings.HasPrefix(code, "Error") {
		e.EWSCode = code // Graph answers with the codes of EWS
	}
	if inner, ok := member(m, "innererror").(map[string]any); ok && e.Record.ExceptionType == "" {
		e.Record.ExceptionType = textOf(inner, "type")
	}
	if details, ok := member(m, "errorDetails").(map[string]any); ok && e.Record.Message == "" {
		e.Record.Message = textOf(details, "message")
	}
	return e
}

// restStatus is what the words of a REST error's code stand for, where that says
// more than the message.
var restStatus = map[string]int{"Unauthorized": 401, "Forbidden": 403, "TooManyRequests": 429}

// addCategoryInfo takes the object, or the line that a shallow depth makes of it.
func addCategoryInfo(r *exchange.ErrorRecord, info any) {
	switch v := info.(type) {
	case string:
		addCategoryLine(r, v)
	case map[string]any:
		r.Activity, r.Reason, r.TargetName = textOf(v, "activity"), textOf(v, "reason"), textOf(v, "targetName")
		switch c := member(v, "category").(type) {
		case string:
			r.Category = c
		case float64:
			if i := int(c); i >= 0 && i < len(errorCategories) {
				r.Category = errorCategories[i]
			}
		}
	}
}

// addException looks for what a remoting exception adds to the record: the code
// of the transport, and the server's own exception.
func addException(e *fault.Evidence, exception any) {
	m, ok := exception.(map[string]any)
	if !ok {
		if s, isText := exception.(string); isText && e.Record.Message == "" {
			e.Record.Message = s
		}
		return
	}
	if e.Record.Message == "" {
		e.Record.Message = textOf(m, "message")
	}
	switch code := member(m, "errorCode").(type) {
	case float64:
		e.WSManCode = uint32(int64(code))
	case string:
		if n, err := strconv.ParseInt(code, 10, 64); err == nil {
			e.WSManCode = uint32(n)
		}
	}
	if s := textOf(m, "transportMessage"); s != "" && e.Text == "" {
		e.Text = s
	}
	switch remote := member(m, "serializedRemoteException").(type) {
	case string:
		if name, _, ok := strings.Cut(remote, ":"); ok && !strings.ContainsAny(name, " \n") {
			e.Record.ExceptionType = name
		}
	case map[string]any:
		if name := firstOf(textOf(remote, "className"), textOf(remote, "type")); name != "" {
			e.Record.ExceptionType = name
		}
	}
}
