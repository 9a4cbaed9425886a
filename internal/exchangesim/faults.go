package exchangesim

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// Exception types of Exchange's and PowerShell's errors.
const (
	typeNotFound        = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException"
	typeAmbiguous       = "Microsoft.Exchange.Configuration.Tasks.ManagementObjectAmbiguousException"
	typeExists          = "Microsoft.Exchange.Data.Directory.ADObjectAlreadyExistsException"
	typeDehydrated      = "Microsoft.Exchange.Configuration.Tasks.InvalidOperationInDehydratedContextException"
	typeTransient       = "Microsoft.Exchange.Data.Directory.ADTransientException"
	typeUnsuitable      = "Microsoft.Exchange.Data.Directory.SuitabilityDirectoryException"
	typeOverBudget      = "Microsoft.Exchange.Data.Directory.OverBudgetException"
	typeServerBusy      = "Microsoft.Exchange.Data.Storage.ServerBusyException"
	typeLost            = "System.Management.Automation.Remoting.PSRemotingTransportException"
	typeValidation      = "Microsoft.Exchange.Data.DataValidationException"
	typeMemberExists    = "Microsoft.Exchange.Management.Tasks.MemberAlreadyExistsException"
	typeMemberMissing   = "Microsoft.Exchange.Management.Tasks.MemberNotFoundException"
	typeInvalid         = "System.InvalidOperationException"
	typeArgument        = "System.ArgumentException"
	typeCommandNotFound = "System.Management.Automation.CommandNotFoundException"
	typeBinding         = "System.Management.Automation.ParameterBindingException"
	typeHost            = "System.Management.Automation.Host.HostException"
)

// A failure is an error that the organization answers with. It becomes an
// exchange.ErrorRecord in the session's language.
type failure struct {
	exception string // full type name
	id        string // of the call site, 8 hexadecimal digits; derived when empty
	category  string // NotSpecified when empty
	target    string
	text      message
	args      []any

	// engine marks an error of PowerShell itself: it has no server's prefix, its
	// id is a word, and it fails the whole pipeline.
	engine bool

	// transport marks an error of the client's own about the connection: it has no
	// server's prefix and no command's name.
	transport bool
}

func (f *failure) Error() string { return f.text.in(english, f.args...) }

func notFound(identity, dc string) *failure {
	return &failure{exception: typeNotFound, target: identity, text: msgNotFound, args: []any{identity, dc}}
}

func ambiguous(identity string) *failure {
	return &failure{exception: typeAmbiguous, id: "E5DDAC9B", target: identity, text: msgAmbiguous, args: []any{identity}}
}

func exists(dn, dc string) *failure {
	return &failure{exception: typeExists, target: dn, text: msgExists, args: []any{dc, dn}}
}

func invalid(text message, args ...any) *failure {
	return &failure{exception: typeInvalid, text: text, args: args}
}

func badArgument(text message, args ...any) *failure {
	return &failure{exception: typeArgument, text: text, args: args}
}

// binding is an error of parameter binding.
func binding(id, category string, text message, args ...any) *failure {
	return &failure{exception: typeBinding, id: id, category: category, text: text, args: args, engine: true}
}

// record writes a failure as the session's client gets it.
func (c *call) record(f *failure) exchange.ErrorRecord {
	short := f.exception[strings.LastIndexByte(f.exception, '.')+1:]
	r := exchange.ErrorRecord{
		ExceptionType: f.exception, Category: f.category, Reason: short,
		Activity: c.cmdlet.name, TargetName: f.target, Message: f.text.in(c.session.language, f.args...),
	}
	if r.Category == "" {
		r.Category = "NotSpecified"
	}
	switch {
	case f.transport:
		r.Activity, r.FullyQualifiedErrorID = "", f.id
	case f.exception == typeCommandNotFound && f.id == "":
		r.Activity, r.FullyQualifiedErrorID = "", "CommandNotFoundException"
	case f.engine:
		r.FullyQualifiedErrorID = f.id + "," + c.cmdlet.task
	default:
		r.FullyQualifiedErrorID = fmt.Sprintf("[Server=%s,RequestId=%s,TimeStamp=%s] [FailureCategory=Cmdlet-%s] %s,%s",
			c.org.serverName(), c.org.newGUID(), c.now.Format("1/2/2006 3:04:05 PM"), short, f.callSite(c.cmdlet.task), c.cmdlet.task)
	}
	return r
}

// callSite is the number that Exchange gives the place where an error was
// raised: the same for the same error of the same cmdlet, and no class.
func (f *failure) callSite(task string) string {
	if f.id != "" {
		return f.id
	}
	sum := sha256.Sum256([]byte(task + f.exception + f.text[english]))
	return fmt.Sprintf("%X", sum[:4])
}
