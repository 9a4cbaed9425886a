package transcript

import (
	"strings"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/pkg/fault"
)

// parseCLIXML reads what PowerShell writes for another PowerShell: error records
// that were exported or serialized, or the standard error of powershell.exe, whose
// errors are records or lines of a console: those are rest. Of a document that is
// cut off what is there counts.
func parseCLIXML(text string) (found []fault.Evidence, rest string, ok bool) {
	start := strings.Index(text, "<Objs ")
	if start < 0 {
		return nil, "", false
	}
	records, lines := readCLIXML(text[start:])
	for _, record := range records {
		found = append(found, recordEvidence(record))
	}
	if lines != "" {
		return found, lines, true
	}
	around := strings.TrimSuffix(strings.TrimSpace(text[:start]), "#< CLIXML")
	if end := strings.LastIndex(text, "</Objs>"); end > start {
		around += text[end+len("</Objs>"):]
	}
	// Progress and the like, with an error beside it.
	return found, around, len(found) > 0 || strings.TrimSpace(around) != ""
}

// readCLIXML returns the error records in a text, as JSON would hold them, and the
// lines of its stream of errors.
func readCLIXML(text string) (records []map[string]any, lines string) {
	d := clixml.NewDecoder(strings.NewReader(text), clixml.Limits{Depth: 2 * maxDepth})
	for {
		v, err := d.Next()
		switch v := v.(type) {
		case string:
			if strings.EqualFold(d.Stream(), "Error") {
				lines += v
			}
		case *clixml.Object:
			if record := findErrorRecord(v, map[*clixml.Object]bool{}); record != nil && len(records) < MaxAnswers {
				records = append(records, record)
			}
		}
		if err != nil {
			return records, strings.ReplaceAll(lines, "\r\n", "\n")
		}
	}
}

// maxSeen is how many objects are looked at: they may lie in each other as deep.
const maxSeen = 10_000

// findErrorRecord looks for a record: the object itself, an element of it, as $Error
// has them, what an exception carries, or the exception. Objects may hold each other:
// none is looked at twice.
func findErrorRecord(o *clixml.Object, seen map[*clixml.Object]bool) map[string]any {
	if seen[o] || len(seen) > maxSeen {
		return nil
	}
	seen[o] = true
	if id := propertyText(o, "FullyQualifiedErrorId"); id != "" || o.HasType("System.Management.Automation.ErrorRecord") {
		return recordMembers(o)
	}
	if list, ok := o.Value.(*clixml.List); ok {
		for _, item := range list.Items {
			if inner, ok := item.(*clixml.Object); ok {
				if record := findErrorRecord(inner, seen); record != nil {
					return record
				}
			}
		}
	}
	if inner := propertyObject(o, "ErrorRecord"); inner != nil {
		return findErrorRecord(inner, seen)
	}
	if o.HasType("System.Exception") {
		return map[string]any{"exceptionType": typeName(o), "exception": exceptionMembers(o)}
	}
	return nil
}

// recordMembers are those of a record that recordEvidence knows. Where it came over
// a wire, its category is in several properties (MS-PSRP 2.2.3.15).
func recordMembers(o *clixml.Object) map[string]any {
	m := map[string]any{
		"fullyQualifiedErrorId": propertyText(o, "FullyQualifiedErrorId"),
		"errorDetails":          map[string]any{"message": propertyText(o, "ErrorDetails_Message")},
		"categoryInfo": map[string]any{
			"category":   propertyNumber(o, "ErrorCategory_Category"),
			"activity":   propertyText(o, "ErrorCategory_Activity"),
			"reason":     propertyText(o, "ErrorCategory_Reason"),
			"targetName": propertyText(o, "ErrorCategory_TargetName"),
		},
	}
	if info := propertyObject(o, "CategoryInfo"); info != nil {
		m["categoryInfo"] = map[string]any{
			"category": propertyText(info, "Category"), "activity": propertyText(info, "Activity"),
			"reason": propertyText(info, "Reason"), "targetName": propertyText(info, "TargetName"),
		}
	}
	if exception := propertyObject(o, "Exception"); exception != nil {
		m["exceptionType"], m["exception"] = typeName(exception), exceptionMembers(exception)
	} else if o.HasToString {
		m["message"] = o.ToString
	}
	return m
}

func exceptionMembers(o *clixml.Object) map[string]any {
	m := map[string]any{"message": propertyText(o, "Message"), "transportMessage": propertyText(o, "TransportMessage"),
		"errorCode": propertyNumber(o, "ErrorCode")}
	if remote, _ := o.Prop("SerializedRemoteException"); remote != nil {
		m["serializedRemoteException"] = clixmlText(remote)
	}
	return m
}

// typeName is the type that an object had before it was serialized.
func typeName(o *clixml.Object) string {
	if len(o.TypeNames) == 0 {
		return ""
	}
	return strings.TrimPrefix(o.TypeNames[0], "Deserialized.")
}

func propertyObject(o *clixml.Object, name string) *clixml.Object {
	v, _ := o.Prop(name)
	inner, _ := v.(*clixml.Object)
	return inner
}

func propertyText(o *clixml.Object, name string) string {
	v, _ := o.Prop(name)
	return clixmlText(v)
}

// clixmlText is a text, or what an object shows.
func clixmlText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case *clixml.Object:
		if v.HasToString {
			return v.ToString
		}
		text, _ := clixml.Base(v).(string)
		return text
	}
	return ""
}

// propertyNumber is a number as JSON has it, or nil.
func propertyNumber(o *clixml.Object, name string) any {
	v, _ := o.Prop(name)
	switch v := clixml.Base(v).(type) {
	case int32:
		return float64(v)
	case int64:
		return float64(v)
	}
	return nil
}
