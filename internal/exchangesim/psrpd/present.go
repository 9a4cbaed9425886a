package psrpd

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const (
	multiValued    = "Microsoft.Exchange.Data.MultiValuedProperty`1[["
	stringAssembly = "System.String, mscorlib, Version=4.0.0.0, Culture=neutral, PublicKeyToken=b77a5c561934e089"
)

// object writes an object as Exchange serialises it: with the names of its .NET
// types, its identity as text, and its values as properties of its own.
func object(o exchange.Object) *clixml.Object {
	out := &clixml.Object{TypeNames: typeNames(o.TypeName), Props: make([]clixml.Property, len(o.Properties))}
	if text := firstText(o, "Identity", "Name"); text != "" {
		out.ToString, out.HasToString = text, true
	}
	for i, p := range o.Properties {
		out.Props[i] = clixml.Property{Name: p.Name, Value: property(o, p)}
	}
	return out
}

// typeNames are a type and what it is derived from.
func typeNames(name string) []string {
	switch {
	case name == "":
		return []string{"System.Object"}
	case strings.HasPrefix(name, "Microsoft.Exchange."):
		return []string{name, "Microsoft.Exchange.Data.Directory.ADObject", "Microsoft.Exchange.Data.Directory.ADRawEntry",
			"Microsoft.Exchange.Data.ConfigurableObject", "System.Object"}
	case strings.HasSuffix(name, ".CmdletInfo"):
		return []string{name, "System.Management.Automation.CommandInfo", "System.Object"}
	}
	return []string{name, "System.Object"}
}

func firstText(o exchange.Object, names ...string) string {
	for _, name := range names {
		if text := o.Text(name); text != "" {
			return text
		}
	}
	return ""
}

// property writes a property's value as the type that it has in Exchange.
func property(o exchange.Object, p exchange.Property) any {
	switch v := p.Value.(type) {
	case string:
		if v == "" || !strings.HasPrefix(o.TypeName, "Microsoft.Exchange.") {
			return v
		}
		if e, ok := enumeration(p.Name, v); ok {
			return e
		}
		if exchangesim.IsReference(o.TypeName, p.Name) {
			return identity(o, p.Name, v)
		}
		return v
	case []string:
		return list(v, exchangesim.IsReference(o.TypeName, p.Name))
	}
	return value(p.Value)
}

func value(v any) any {
	switch v := v.(type) {
	case exchange.GUID:
		return clixml.GUID(v)
	case time.Time:
		return clixml.NewDateTime(v.UTC())
	case int64:
		if v >= math.MinInt32 && v <= math.MaxInt32 {
			return int32(v)
		}
		return v
	case exchange.Object:
		return object(v)
	case []exchange.Object:
		items := make([]any, len(v))
		for i, o := range v {
			items[i] = object(o)
		}
		return &clixml.Object{TypeNames: []string{"System.Collections.ArrayList", "System.Object"}, Value: &clixml.List{Items: items}}
	case nil, string, bool, float64:
		return v
	}
	return fmt.Sprint(v)
}

// identity is a reference to an object of the directory. That of the object itself
// has what is known of it.
func identity(o exchange.Object, name, text string) *clixml.Object {
	id := reference(text)
	if name == "Identity" || name == "Id" {
		guid, _ := o.Value("Guid")
		id.Props = append(id.Props, clixml.Property{Name: "DistinguishedName", Value: o.Text("DistinguishedName")},
			clixml.Property{Name: "ObjectGuid", Value: value(guid)})
	}
	return id
}

func reference(text string) *clixml.Object {
	return &clixml.Object{TypeNames: []string{exchangesim.ReferenceType, "Microsoft.Exchange.Data.ObjectId", "System.Object"},
		ToString: text, HasToString: true,
		Props: []clixml.Property{{Name: "Name", Value: text[strings.LastIndexByte(text, '/')+1:]}}}
}

func list(texts []string, references bool) *clixml.Object {
	of := stringAssembly
	items := make([]any, len(texts))
	for i, text := range texts {
		items[i] = text
		if references {
			of = exchangesim.ReferenceType
			items[i] = reference(text)
		}
	}
	return &clixml.Object{TypeNames: []string{multiValued + of + "]]", "Microsoft.Exchange.Data.MultiValuedPropertyBase", "System.Object"},
		Value: &clixml.List{Items: items}}
}

// enumerations are the properties that are enumerations in Exchange. The number of
// a value is its place in the list, but for recipient types, whose numbers are
// documented.
var enumerations = [...]struct {
	property string
	typeName string
	values   []string
}{
	{"RoleAssigneeType", "Microsoft.Exchange.Data.Directory.SystemConfiguration.RoleAssigneeType",
		[]string{"User", "", "SecurityGroup", "", "RoleAssignmentPolicy", "MailboxPlan", "ForeignSecurityPrincipal", "RoleGroup", "LinkedRoleGroup", "Computer"}},
	{"AssignmentMethod", "Microsoft.Exchange.Data.Directory.SystemConfiguration.AssignmentMethod",
		[]string{"None", "Direct", "SecurityGroup", "RoleGroup", "RoleAssignmentPolicy", "MailboxPlan"}},
	{"RoleAssignmentDelegationType", "Microsoft.Exchange.Data.Directory.SystemConfiguration.RoleAssignmentDelegationType",
		[]string{"", "Regular", "", "DelegatingOrgWide"}},
	{"RecipientReadScope", scopeType, scopeValues}, {"RecipientWriteScope", "Microsoft.Exchange.Data.Directory.SystemConfiguration.RecipientWriteScopeType", scopeValues},
	{"ConfigReadScope", scopeType, scopeValues}, {"ConfigWriteScope", "Microsoft.Exchange.Data.Directory.SystemConfiguration.ConfigWriteScopeType", scopeValues},
	{"ImplicitRecipientReadScope", scopeType, scopeValues}, {"ImplicitRecipientWriteScope", scopeType, scopeValues},
	{"ImplicitConfigReadScope", scopeType, scopeValues}, {"ImplicitConfigWriteScope", scopeType, scopeValues},
	{"ScopeRestrictionType", "Microsoft.Exchange.Data.Directory.SystemConfiguration.ScopeRestrictionType",
		[]string{"", "RecipientScope", "ServerScope", "PartnerDelegatedTenantScope", "DatabaseScope"}},
	{"RoleType", "Microsoft.Exchange.Data.Directory.SystemConfiguration.RoleType", nil},
	{"RoleGroupType", "Microsoft.Exchange.Data.Directory.Management.RoleGroupType", []string{"Standard", "Linked"}},
	{"RecipientType", "Microsoft.Exchange.Data.Directory.Recipient.RecipientType",
		[]string{"Invalid", "User", "UserMailbox", "MailUser", "Contact", "MailContact", "Group", "MailUniversalDistributionGroup",
			"MailUniversalSecurityGroup", "MailNonUniversalGroup", "DynamicDistributionGroup"}},
	{"RecipientTypeDetails", "Microsoft.Exchange.Data.Directory.Recipient.RecipientTypeDetails", nil},
	{"ObjectState", "Microsoft.Exchange.Data.ObjectState", []string{"New", "Unchanged", "Changed", "Deleted"}},
}

const scopeType = "Microsoft.Exchange.Data.Directory.SystemConfiguration.ScopeType"

var scopeValues = []string{"None", "NotApplicable", "Organization", "MyGAL", "Self", "MyDirectReports", "OU", "CustomRecipientScope",
	"MyDistributionGroups", "MyExecutive", "OrganizationConfig", "CustomConfigScope", "", "ExclusiveRecipientScope", "ExclusiveConfigScope"}

// recipientTypes are the numbers of RecipientTypeDetails.
var recipientTypes = map[string]int64{"UserMailbox": 1, "LinkedMailbox": 2, "SharedMailbox": 4, "LegacyMailbox": 8, "RoomMailbox": 16,
	"EquipmentMailbox": 32, "MailContact": 64, "MailUser": 128, "MailUniversalDistributionGroup": 256, "MailNonUniversalGroup": 512,
	"MailUniversalSecurityGroup": 1024, "DynamicDistributionGroup": 2048, "User": 65536, "Contact": 131072, "UniversalDistributionGroup": 262144,
	"UniversalSecurityGroup": 524288, "NonUniversalGroup": 1048576, "DisabledUser": 2097152, "RoleGroup": 1073741824, "RemoteUserMailbox": 2147483648}

func enumeration(property, text string) (*clixml.Object, bool) {
	for _, e := range enumerations {
		if e.property != property {
			continue
		}
		var number any = int32(max(0, slices.Index(e.values, text)))
		if property == "RecipientTypeDetails" {
			number = recipientTypes[text]
		}
		return &clixml.Object{TypeNames: []string{e.typeName, "System.Enum", "System.ValueType", "System.Object"},
			ToString: text, HasToString: true, Value: number}, true
	}
	return nil, false
}

// categories are the values of System.Management.Automation.ErrorCategory, in
// their order.
var categories = [...]string{"NotSpecified", "OpenError", "CloseError", "DeviceError", "DeadlockDetected", "InvalidArgument", "InvalidData",
	"InvalidOperation", "InvalidResult", "InvalidType", "MetadataError", "NotImplemented", "NotInstalled", "ObjectNotFound", "OperationStopped",
	"OperationTimeout", "SyntaxError", "ParserError", "PermissionDenied", "ResourceBusy", "ResourceExists", "ResourceUnavailable", "ReadError",
	"WriteError", "FromStdErr", "SecurityError", "ProtocolError", "ConnectionError", "AuthenticationError", "LimitsExceeded", "QuotaExceeded", "NotEnabled"}

// record writes an error as PowerShell does.
func record(e exchange.ErrorRecord) psrp.ErrorRecord {
	category := max(0, slices.Index(categories[:], e.Category))
	target := ":"
	if e.TargetName != "" {
		target = e.TargetName + ":String"
	}
	return psrp.ErrorRecord{
		Message:               e.Message,
		ExceptionTypes:        exceptionTypes(e.ExceptionType),
		FullyQualifiedErrorID: e.FullyQualifiedErrorID,
		Category:              int32(category),
		Activity:              e.Activity,
		Reason:                e.Reason,
		TargetName:            e.TargetName,
		CategoryMessage:       fmt.Sprintf("%s: (%s) [%s], %s", categories[category], target, e.Activity, e.Reason),
	}
}

func exceptionTypes(name string) []string {
	switch {
	case name == validationException || name == transformationException:
		return append([]string{name}, exceptionTypes(bindingException)...)
	case strings.HasPrefix(name, "System.Management.Automation."):
		return []string{name, "System.Management.Automation.RuntimeException", "System.SystemException", "System.Exception", "System.Object"}
	case strings.HasPrefix(name, "Microsoft.Exchange."):
		return []string{name, "Microsoft.Exchange.Data.Common.LocalizedException", "System.Exception", "System.Object"}
	case name == "":
		return []string{"System.Exception", "System.Object"}
	}
	return []string{name, "System.Exception", "System.Object"}
}

// scriptsNotAllowed is how a session without a language refuses script text.
func scriptsNotAllowed(script string) *psrp.ErrorRecord {
	r := record(exchange.ErrorRecord{FullyQualifiedErrorID: "ScriptsNotAllowed", ExceptionType: "System.Management.Automation.ParseException",
		Category: "ParserError", Reason: "ParseException", TargetName: script,
		Message: "The syntax is not supported by this runspace. This can occur if the runspace is in no-language mode."})
	return &r
}

// notBound is the error of a command that does not take what is piped to it.
func notBound(cmdlet string) *psrp.ErrorRecord {
	r := record(exchange.ErrorRecord{FullyQualifiedErrorID: "InputObjectNotBound," + cmdlet, ExceptionType: bindingException,
		Category: "InvalidArgument", Reason: "ParameterBindingException", Activity: cmdlet,
		Message: "The input object cannot be bound to any parameters for the command either because the command does not take pipeline input or " +
			"the input and its properties do not match any of the parameters that take pipeline input."})
	return &r
}

func stopped() *psrp.ErrorRecord {
	r := record(exchange.ErrorRecord{FullyQualifiedErrorID: "PipelineStopped", ExceptionType: "System.Management.Automation.PipelineStoppedException",
		Category: "OperationStopped", Reason: "PipelineStoppedException", Message: "The pipeline has been stopped."})
	return &r
}

// broken is the error of a pipeline that the model itself could not go on with.
func broken(err error) *psrp.ErrorRecord {
	r := record(exchange.ErrorRecord{FullyQualifiedErrorID: "RuntimeException", ExceptionType: "System.Management.Automation.RuntimeException",
		Category: "NotSpecified", Reason: "RuntimeException", Message: err.Error()})
	return &r
}
