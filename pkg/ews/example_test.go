package ews_test

import (
	"context"
	"fmt"
	"net/http/httptest"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/pkg/ews"
)

// A mailbox in scope must work, one out of scope must be refused for exactly that
// reason.
func ExampleProber() {
	scenario, err := exchangesim.ScenarioByName("ews-granted")
	if err != nil {
		fmt.Println(err)
		return
	}
	server := httptest.NewServer(ewsd.New(ewsd.Config{Organization: exchangesim.New(scenario, exchangesim.Options{}), Password: "secret"}))
	defer server.Close()

	logOn, err := ews.NewLogOn(ews.TransportConfig{}, ews.Credential{
		Method: ews.Basic, Username: `CONTOSO\svc-reschedule`, Password: ews.NewSecret("secret")})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer logOn.CloseIdleConnections()
	client, err := ews.New(ews.Config{URL: server.URL + "/EWS/Exchange.asmx", Transport: logOn})
	if err != nil {
		fmt.Println(err)
		return
	}
	prober := ews.NewProber(ews.ProberConfig{Client: client, Account: "svc-reschedule@contoso.test"})
	ctx := context.Background()
	for _, rung := range []ews.Rung{
		prober.LogOn(ctx),
		prober.Read(ctx, "anna@contoso.test"),
		prober.Refused(ctx, "boss@contoso.test"),
	} {
		fmt.Printf("%d %s: %s. %s.\n", rung.Level, rung.Level, rung.Verdict, rung.Means)
	}
	// Output:
	// 2 log-on: passed. The account is logged on.
	// 4 read: passed. The account may act for this mailbox.
	// 6 refused: passed. The account may not act for this mailbox, as it should be.
}
