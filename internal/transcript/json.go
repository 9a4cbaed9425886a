package transcript

import (
	"encoding/json"
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

// parseJSON reads an error record as ConvertTo-Json writes it (Windows PowerShell
// and PowerShell 7), one of our own reports or a part of it, or a REST error.
func parseJSON(text string) (fault.Evidence, bool) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" || trimmed[0] != '{' && trimmed[0] != '[' {
		return fault.Evidence{}, false
	}
	var value any
	if json.NewDecoder(strings.NewReader(trimmed)).Decode(&value) != nil {
		return fault.Evidence{}, false
	}
	m := findRecord(value, 0)
	if m == nil {
		return fault.Evidence{}, false
	}
	e := recordEvidence(m)
	if e.Record == (exchange.ErrorRecord{}) && e.WSManCode == 0 {
		return fault.Evidence{}, false
	}
	return e, true
}

// findRecord returns the first object, from the outside inwards, that looks like
// an error record, a fault of ours or a REST error.
func findRecord(value any, depth int) map[string]any {
	if depth > maxDepth {
		return nil
	}
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			if m := findRecord(item, depth+1); m != nil {
				return m
			}
		}
	case map[string]any:
		if isRecord(v) {
			return v
		}
		// Where a report or a step holds its error, and where REST does.
		for _, key := range []string{"fault", "steps", "error", "details", "errorRecord", "record"} {
			if m := findRecord(member(v, key), depth+1); m != nil {
				return m
			}
		}
	}
	return nil
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
	e.HTTPStatus = restStatus[textOf(m, "code")]
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
