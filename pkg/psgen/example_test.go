package psgen_test

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/psgen"
)

// A script is a whole file for a person to read, sign and run. What was asked for stands
// in it as constants, and its header tells which script it is.
func Example() {
	var script bytes.Buffer
	err := psgen.Status(&script, exchange.Grant{
		Assignee: exchange.NewUser(`CONTOSO\svc-o'brien`),
		Scope:    exchange.Scope{Kind: exchange.WholeOrganization},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	header, err := psgen.ReadHeader(script.Bytes())
	fmt.Println(header.Kind, err)
	fmt.Println(strings.Contains(script.String(), `'CONTOSO\svc-o''brien'`))

	// Nothing is written that a reader could not see for what it is.
	err = psgen.Status(&script, exchange.Grant{Assignee: exchange.NewUser("svc\u202e"), Scope: exchange.Scope{Kind: exchange.WholeOrganization}})
	fmt.Println(err)
	// Output:
	// status <nil>
	// true
	// user "svc\u202e": must not contain a bidirectional control character (U+202E) at byte 3
}
