package remote_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/remote"
)

// A session runs commands one by one, and gives what they answer. The simulated server
// stands for a real one, whose Target would be its name, and the Credential's method
// Kerberos.
func Example() {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		fmt.Println(err)
		return
	}
	simulator := psrpd.New(psrpd.Config{Organization: exchangesim.New(scenario, exchangesim.Options{}), Password: "secret"})
	defer simulator.Close()
	server := httptest.NewServer(simulator)
	defer server.Close()

	ctx := context.Background()
	session, err := remote.Dial(ctx, remote.Target{Server: server.URL},
		remote.Credential{Method: remote.Basic, Username: "administrator", Password: remote.NewSecret("secret")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer session.Close(ctx) // deletes the shell at the server

	look := exchange.Command{Cmdlet: "Get-User"}.With("Identity", exchange.String("anna"))
	streams, err := session.Invoke(ctx, exchange.Pipeline{look}, func(o exchange.Object) error {
		fmt.Println(o.Text("Name"), o.Text("DistinguishedName"))
		return nil
	})
	fmt.Println(streams.Failed, err)

	// What Exchange refuses is data, and no error of the session.
	look = exchange.Command{Cmdlet: "Get-User"}.With("Identity", exchange.String("nobody"))
	streams, err = session.Invoke(ctx, exchange.Pipeline{look}, nil)
	fmt.Println(streams.Errors[0].FailureCategory(), err)
	fmt.Println(session.Place().Transport, session.Place().Operator)
	// Output:
	// anna CN=anna,OU=Staff,DC=contoso,DC=test
	// false <nil>
	// Cmdlet-ManagementObjectNotFoundException <nil>
	// psrp administrator
}
