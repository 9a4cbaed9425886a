package exchange

import "regexp"

// An ErrorRecord is PowerShell's error record (MS-PSRP 2.2.3.15) reduced to what
// a program can decide on. Message and TargetName may be in any language; the
// other fields are never translated. A field that the source did not show is
// empty.
type ErrorRecord struct {
	FullyQualifiedErrorID string `json:"fullyQualifiedErrorId,omitempty"`
	ExceptionType         string `json:"exceptionType,omitempty"` // full or short .NET name of the server's exception
	Category              string `json:"category,omitempty"`      // nearly always NotSpecified: decides nothing
	Reason                string `json:"reason,omitempty"`        // CategoryInfo.Reason: the exception's short name, perhaps ellipsised
	Activity              string `json:"activity,omitempty"`      // CategoryInfo.Activity: the cmdlet
	TargetName            string `json:"targetName,omitempty"`
	Message               string `json:"message,omitempty"`
}

var (
	failureCategory = regexp.MustCompile(`\[FailureCategory=([A-Za-z0-9]+-[A-Za-z0-9_.]+)\]`)
	taskClass       = regexp.MustCompile(`,([A-Za-z][A-Za-z0-9_.]*)$`)
)

// FailureCategory returns the server's own class of the error, such as
// "Cmdlet-ManagementObjectNotFoundException" or "AuthZ-CmdletAccessDeniedException".
// It stands in the FullyQualifiedErrorID of a cmdlet's error and in the message
// of a connection's. It is empty where neither holds it.
func (r ErrorRecord) FailureCategory() string {
	for _, s := range []string{r.FullyQualifiedErrorID, r.Message} {
		if m := failureCategory.FindStringSubmatch(s); m != nil {
			return m[1]
		}
	}
	return ""
}

// TaskClass returns the .NET class of the cmdlet that failed, such as
// "Microsoft.Exchange.Management.RbacTasks.NewManagementRoleAssignment": the
// part of the FullyQualifiedErrorID after its last comma.
func (r ErrorRecord) TaskClass() string {
	if m := taskClass.FindStringSubmatch(r.FullyQualifiedErrorID); m != nil {
		return m[1]
	}
	return ""
}
