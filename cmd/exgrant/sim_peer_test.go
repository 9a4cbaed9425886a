package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// pypsrpOverTLS changes something with pypsrp, which trusts the certificate of the
// file that sim names and no other, and prints what is there then.
const pypsrpOverTLS = `
import json, sys, urllib.parse
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
ready = json.loads(sys.argv[1])
place = urllib.parse.urlparse(ready["psrp"])
wsman = WSMan(place.hostname, port=place.port, path=place.path.strip("/"), ssl=place.scheme == "https", auth="basic", username=ready["username"],
              password=ready["password"], encryption="never", cert_validation=ready.get("caFile", True), no_proxy=True)
with RunspacePool(wsman, configuration_name="Microsoft.Exchange") as pool:
    for name in sys.argv[2:]:
        ps = PowerShell(pool)
        ps.add_cmdlet("New-ManagementScope").add_parameters({"Name": name, "RecipientRestrictionFilter": "City -eq 'Berlin'", "Confirm": False})
        ps.invoke()
        assert not ps.had_errors, ps.streams.error[0]
    output = PowerShell(pool).add_cmdlet("Get-ManagementScope").invoke()
    print(*[v.adapted_properties["Name"] for v in output], sep=",")
`

// ready runs exgrant sim and returns the line that it prints, as it is, and what
// ends it.
func ready(t *testing.T, args ...string) (line string, end func() int) {
	t.Helper()
	stdin, stdinWriter := io.Pipe()
	stdout, stdoutWriter := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	p := &program{stdin: interruptible{ctx, stdin}, stdout: stdoutWriter, stderr: new(bytes.Buffer), getenv: func(string) string { return "" }, now: time.Now}
	ended := make(chan int, 1)
	go func() {
		ended <- p.run(ctx, append([]string{"sim", "--exit-with-stdin"}, args...))
		stdoutWriter.Close()
	}()
	t.Cleanup(cancel)
	read := make([]byte, 4096)
	n, err := stdout.Read(read)
	if err != nil {
		t.Fatalf("exgrant sim ended: %v", err)
	}
	return string(read[:n]), func() int {
		stdinWriter.Close()
		select {
		case code := <-ended:
			return code
		case <-time.After(20 * time.Second):
			t.Fatal("exgrant sim goes on after the end of its standard input")
			return -1
		}
	}
}

func TestSimServesClientsOfOthers(t *testing.T) {
	python := peers.Python(t, "pypsrp")
	state := filepath.Join(t.TempDir(), "organization.json")
	line, end := ready(t, "--tls", "--state", state)
	var told struct{ PSRP, CAFile, Username, Password string }
	if err := json.Unmarshal([]byte(line), &told); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	if u, err := url.Parse(told.PSRP); err != nil || u.Scheme != "https" || u.Path != "/PowerShell/" || !filepath.IsAbs(told.CAFile) ||
		told.Password == "" || strings.Count(line, "\n") != 1 {
		t.Errorf("ready: %s", line)
	}
	if out := drive(t, python, line, "First"); out != "First\n" {
		t.Errorf("scopes %q", out)
	}
	wrong := strings.Replace(line, told.Password, "wrong", 1)
	if out, err := exec.CommandContext(t.Context(), python, "-c", pypsrpOverTLS, wrong).CombinedOutput(); err == nil || !strings.Contains(string(out), "AuthenticationError") {
		t.Errorf("a wrong password: %v, %s", err, out)
	}
	if code := end(); code != 0 {
		t.Errorf("exit %d at the end of standard input", code)
	}
	if _, err := os.Stat(told.CAFile); !os.IsNotExist(err) {
		t.Errorf("the certificate's file is left: %v", err)
	}

	line, end = ready(t, "--state", state)
	if strings.Contains(line, "caFile") || !strings.Contains(line, `"psrp":"http://127.0.0.1:`) {
		t.Errorf("ready without TLS: %s", line)
	}
	if out := drive(t, python, line, "Second"); out != "First,Second\n" {
		t.Errorf("scopes after the second start: %q", out)
	}
	if code := end(); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func drive(t *testing.T, python, line string, names ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), python, append([]string{"-c", pypsrpOverTLS, line}, names...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}
