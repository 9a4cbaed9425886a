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

func toErrorRecord(r psrp.ErrorRecord) exchange.ErrorRecord {
	out := exchange.ErrorRecord{
		FullyQualifiedErrorID: r.FullyQualifiedErrorID,
		Reason:                r.Reason,
		Activity:              r.Activity,
		TargetName:            r.TargetName,
		Message:               r.Message,
	}
	if r.Category >= 0 && int(r.Category) < len(categories) {
		out.Category = categories[r.Category]
	}
	if len(r.ExceptionTypes) > 0 {
		out.ExceptionType = strings.TrimPrefix(r.ExceptionTypes[0], deserialized)
	}
	return out
}
