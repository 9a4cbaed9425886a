package psrp

import "github.com/exgrant/exgrant/internal/clixml"

// An ErrorRecord is an error as it goes over the wire (MS-PSRP 2.2.3.15).
type ErrorRecord struct {
	Message               string
	ExceptionTypes        []string // of the exception and its bases, the exception's own first
	FullyQualifiedErrorID string
	Category              int32 // System.Management.Automation.ErrorCategory
	Activity              string
	Reason                string
	TargetName            string
	TargetType            string
	CategoryMessage       string // "NotSpecified: (:) [Get-Mailbox], ManagementObjectNotFoundException"; its first word is the category's name

	// Exception is the exception with all its properties; nil when there was none.
	// It is read only: writing makes one of Message and ExceptionTypes.
	Exception *clixml.Object
}

// categoryNotImplemented is the error category of refused host calls
// (System.Management.Automation.ErrorCategory).
const categoryNotImplemented = 11

// ReadErrorRecord reads an error record, deserialized once more or not: its
// values are extended properties on the wire and adapted ones in files.
func ReadErrorRecord(v any) (ErrorRecord, bool) {
	o, ok := v.(*clixml.Object)
	if !ok {
		return ErrorRecord{}, false
	}
	r := ErrorRecord{
		FullyQualifiedErrorID: textField(o, "FullyQualifiedErrorId"),
		Activity:              textField(o, "ErrorCategory_Activity"),
		Reason:                textField(o, "ErrorCategory_Reason"),
		TargetName:            textField(o, "ErrorCategory_TargetName"),
		TargetType:            textField(o, "ErrorCategory_TargetType"),
		CategoryMessage:       textField(o, "ErrorCategory_Message"),
		Exception:             objectField(o, "Exception"),
	}
	if n, ok := integerField(o, "ErrorCategory_Category"); ok {
		r.Category = int32(n)
	}
	if r.Exception != nil {
		r.ExceptionTypes = r.Exception.TypeNames
		r.Message = textField(r.Exception, "Message")
	}
	if details := textField(o, "ErrorDetails_Message"); details != "" {
		r.Message = details
	}
	if r.Message == "" {
		r.Message = text(o)
	}
	return r, r.Exception != nil || r.FullyQualifiedErrorID != "" || r.Message != ""
}

// object is the record as it is sent.
func (r ErrorRecord) object() *clixml.Object {
	exception := &clixml.Object{
		TypeNames: r.ExceptionTypes,
		ToString:  r.Message, HasToString: true,
		Props: []clixml.Property{
			{Name: "ErrorRecord"},
			{Name: "StackTrace"},
			{Name: "Message", Value: r.Message},
			{Name: "InnerException"},
		},
	}
	if len(r.ExceptionTypes) == 0 {
		exception.TypeNames = []string{"System.Exception", "System.Object"}
	} else {
		exception.ToString = r.ExceptionTypes[0] + ": " + r.Message
	}
	o := extended(
		clixml.Property{Name: "Exception", Value: exception},
		clixml.Property{Name: "TargetObject"},
		clixml.Property{Name: "FullyQualifiedErrorId", Value: r.FullyQualifiedErrorID},
		clixml.Property{Name: "InvocationInfo"},
		clixml.Property{Name: "ErrorCategory_Category", Value: r.Category},
		clixml.Property{Name: "ErrorCategory_Activity", Value: r.Activity},
		clixml.Property{Name: "ErrorCategory_Reason", Value: r.Reason},
		clixml.Property{Name: "ErrorCategory_TargetName", Value: r.TargetName},
		clixml.Property{Name: "ErrorCategory_TargetType", Value: r.TargetType},
		clixml.Property{Name: "ErrorCategory_Message", Value: r.CategoryMessage},
		clixml.Property{Name: "SerializeExtendedInfo", Value: false},
	)
	o.TypeNames = []string{"System.Management.Automation.ErrorRecord", "System.Object"}
	o.ToString, o.HasToString = r.Message, true
	return o
}
