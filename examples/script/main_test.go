package main

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/winrsd"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/remote"
)

func TestPreview(t *testing.T) {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	server := winrsd.New(winrsd.Config{Organization: exchangesim.New(scenario, exchangesim.Options{}), Pwsh: peers.Pwsh(t), Password: "Winter-is-0ver!"})
	defer server.Close()
	h := httptest.NewServer(server)
	defer h.Close()
	credential := remote.Credential{Method: remote.Basic, Username: "administrator", Password: remote.NewSecret("Winter-is-0ver!")}
	var out bytes.Buffer
	if err := preview(t.Context(), &out, remote.Target{Server: h.URL + "/wsman"}, credential, scenario.Grant()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"planned scope: New-ManagementScope -Name", "planned assign: New-ManagementRoleAssignment -Name", "outcome: planned"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("it does not say %q:\n%s", want, out.String())
		}
	}
	if n := server.Shells(); n > 0 {
		t.Errorf("%d shells left", n)
	}
}
