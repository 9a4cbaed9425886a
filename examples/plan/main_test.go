package main

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/remote"
)

func TestShow(t *testing.T) {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	const password = "example password"
	endpoint := psrpd.New(psrpd.Config{Organization: exchangesim.New(scenario, exchangesim.Options{}), Password: password})
	defer endpoint.Close()
	web := httptest.NewServer(endpoint)
	defer web.Close()
	target := remote.Target{Server: web.URL + "/PowerShell/"}
	credential := remote.Credential{Method: remote.Basic, Username: "administrator", Password: remote.NewSecret(password)}
	wish := exchange.Grant{
		Assignee: exchange.NewUser("svc-reschedule"),
		Scope:    exchange.Scope{Kind: exchange.Group, Text: "Reschedule Users"},
	}

	var b bytes.Buffer
	if err := show(t.Context(), &b, target, credential, wish); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"\nNew-ManagementScope -Name ", "\nNew-ManagementRoleAssignment -Name "} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in:\n%s", want, b.String())
		}
	}
	wish.Assignee = exchange.NewUser("nobody")
	if err := show(t.Context(), &b, target, credential, wish); err == nil || !strings.HasPrefix(err.Error(), "not-found: ") {
		t.Errorf("for nobody: %v", err)
	}
	if n := endpoint.Shells(); n != 0 {
		t.Errorf("%d shells are left", n)
	}
}
