package ewsd

import (
	"fmt"

	"github.com/exgrant/exgrant/internal/exchangesim"
)

// utc is the definition of the one time zone that the simulator has.
const utc = `<t:TimeZoneDefinition Name="(UTC) Coordinated Universal Time" Id="UTC">` +
	`<t:Periods><t:Period Bias="PT0S" Name="Standard" Id="trule:Microsoft/Registry/UTC/1-Standard"/></t:Periods>` +
	`<t:TransitionsGroups><t:TransitionsGroup Id="0"><t:Transition><t:To Kind="Period">trule:Microsoft/Registry/UTC/1-Standard</t:To></t:Transition></t:TransitionsGroup></t:TransitionsGroups>` +
	`<t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions></t:TimeZoneDefinition>`

// getServerTimeZones tells UTC to whoever asks: clients need it before they ask for
// free and busy times.
func (s *Server) getServerTimeZones(x *exchanged, _ exchangesim.Account) (string, error) {
	var q struct {
		IDs []string `xml:"Ids>Id"`
	}
	if err := x.request.decode(&q); err != nil {
		return "", refuse("ErrorSchemaValidation")
	}
	definitions := ""
	for _, id := range append(q.IDs, "UTC")[:max(1, len(q.IDs))] {
		if id != "UTC" {
			return "", &refusal{code: "ErrorTimeZone", message: fmt.Sprintf("The time zone %s is not known.", id)}
		}
		definitions += utc
	}
	return s.respond("GetServerTimeZones", success("GetServerTimeZones", "<m:TimeZoneDefinitions>"+definitions+"</m:TimeZoneDefinitions>")), nil
}
