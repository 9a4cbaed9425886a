package remote

import (
	"strings"

	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// categories are the names of System.Management.Automation.ErrorCategory, by
// number.
var categories = []string{
	"NotSpecified", "OpenError", "CloseError", "DeviceError", "DeadlockDetected", "InvalidArgument", "InvalidData",
	"InvalidOperation", "InvalidResult", "InvalidType", "MetadataError", "NotImplemented", "NotInstalled",
	"ObjectNotFound", "OperationStopped", "OperationTimeout", "SyntaxError", "ParserError", "PermissionDenied",
	"ResourceBusy", "ResourceExists", "ResourceUnavailable", "ReadError", "WriteError", "FromStdErr", "SecurityError",
	"ProtocolError", "ConnectionError", "AuthenticationError", "LimitsExceeded", "QuotaExceeded", "NotEnabled",
}

// toErrorRecord takes from a record what package exchange knows. The texts are
// copies: the record's share the memory of the whole message.
func toErrorRecord(r psrp.ErrorRecord) exchange.ErrorRecord {
	out := exchange.ErrorRecord{
		FullyQualifiedErrorID: strings.Clone(r.FullyQualifiedErrorID),
		Reason:                strings.Clone(r.Reason),
		Activity:              strings.Clone(r.Activity),
		TargetName:            strings.Clone(r.TargetName),
		Message:               strings.Clone(r.Message),
	}
	if r.Category >= 0 && int(r.Category) < len(categories) {
		out.Category = categories[r.Category]
	}
	if len(r.ExceptionTypes) > 0 {
		out.ExceptionType = strings.Clone(strings.TrimPrefix(r.ExceptionTypes[0], deserialized))
	}
	return out
}
