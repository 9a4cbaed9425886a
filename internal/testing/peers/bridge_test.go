package peers

import (
	"net/http"
	"strings"
	"testing"
)

func TestBridge(t *testing.T) {
	b := StartBridge(t, BridgeOptions{Args: []string{"--exchange"}})
	identify := `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" ` +
		`xmlns:i="http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd"><s:Header/><s:Body><i:Identify/></s:Body></s:Envelope>`
	resp, err := http.Post(b.URL, "application/soap+xml;charset=UTF-8", strings.NewReader(identify))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	seen := b.WaitFor(t, "the request", func(e BridgeEvent) bool { return e.Action == "Identify" })
	if seen.N != 1 || seen.Status != http.StatusOK || !strings.HasSuffix(b.URL, "/PowerShell/") {
		t.Errorf("%s answered %s", b.URL, seen.Raw)
	}
	if end := b.Stop(t); end.Requests != 1 || len(end.ShellsLeft) != 0 {
		t.Errorf("at the end: %s", end.Raw)
	}
}
