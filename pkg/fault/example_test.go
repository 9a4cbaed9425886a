package fault_test

import (
	"fmt"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// Fields without language decide what an error means; its text is the last resort.
func ExampleClassify() {
	f, _ := fault.Classify(fault.Evidence{Record: exchange.ErrorRecord{
		Message:               "Der Vorgang konnte nicht ausgeführt werden, weil das Objekt 'svc' nicht gefunden wurde.",
		FullyQualifiedErrorID: "[Server=EX01] [FailureCategory=Cmdlet-ManagementObjectNotFoundException] 4D5A9B1C,GetUser",
		Activity:              "Get-User",
	}})
	fmt.Println(f.ID, "-", fault.Meaning(f.ID))
	// Output: principal_not_found - there is no such object
}
