package exchangesim

import (
	"slices"
	"strings"
)

// ReferenceType is the .NET type of a reference to an object of the directory. Its text
// is the object's canonical name or, in the configuration, its name.
const ReferenceType = "Microsoft.Exchange.Data.Directory.ADObjectId"

var references = [...]string{"Identity", "Id", "ObjectCategory", "Role", "RoleAssignee", "User", "CustomRecipientWriteScope",
	"CustomConfigWriteScope", "CustomResourceScope", "RecipientRoot", "Parent", "Manager", "Database", "ManagedBy", "Members",
	"RoleAssignments", "Roles", "LinkedPartnerGroupId"}

// References returns the names of the properties that can be references.
func References() []string { return slices.Clone(references[:]) }

// IsReference reports whether a property of Exchange's objects is a reference to an
// object of the directory, or a list of such.
func IsReference(typeName, property string) bool {
	return strings.HasPrefix(typeName, "Microsoft.Exchange.") && slices.Contains(references[:], property)
}
