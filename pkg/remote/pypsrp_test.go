package remote

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

// pypsrpSession is what an independent client does at the same acceptor: a user is
// read, a scope made, read and removed, and the session closed.
const pypsrpSession = `
import socket, sys
from pypsrp.powershell import PowerShell, RunspacePool
from pypsrp.wsman import WSMan
host, port, tls, ca, auth, user, password, seal = sys.argv[1:]
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda h, *rest, **named: resolve("127.0.0.1" if h == host else h, *rest, **named)
wsman = WSMan(host, port=int(port), path="PowerShell", ssl=tls == "true", cert_validation=ca or True, auth=auth, negotiate_service="HTTP",
              encryption="always" if seal == "true" else "auto", username=user, password=password, no_proxy=True)
pool = RunspacePool(wsman, configuration_name="Microsoft.Exchange")
pool.open()
def run(name, **parameters):
    ps = PowerShell(pool).add_cmdlet(name)
    for k, v in parameters.items():
        ps.add_parameter(k, v)
    out = ps.invoke()
    assert not ps.had_errors, ps.streams.error
    return out
assert len(run("Get-User", Identity="svc-reschedule")) == 1
run("New-ManagementScope", Name="S", RecipientRestrictionFilter="City -eq 'Berlin'")
assert len(run("Get-ManagementScope", Identity="S")) == 1
run("Remove-ManagementScope", Identity="S", Confirm=False)
pool.close()
print("done")
`

// The same checks pass for pypsrp with pyspnego at the same acceptors, so that what
// they accept from us is not ours alone. Where pypsrp cannot, that is said.
func TestSealedPeer(t *testing.T) {
	python := peers.Python(t, "pypsrp, gssapi")
	kdc := peers.StartKDC(t)
	for _, f := range fronts {
		auth := map[AuthMethod]string{Kerberos: "kerberos", Negotiate: "negotiate", NTLM: "ntlm"}[f.method]
		if f.name == "stream tokens" || f.seal {
			continue // pypsrp reads signatures of the usual length alone, and seals nothing within TLS
		}
		t.Run(f.name, func(t *testing.T) {
			url, _, organization := plainOrganization(t)
			a, target, c := f.open(t, kdc, url)
			host, port, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(strings.TrimSuffix(target.Server, "/PowerShell/"), "http://"), "https://"), ":")
			tls := map[bool]string{true: "true", false: "false"}
			cmd := exec.Command(python, "-c", pypsrpSession, host, port, tls[f.tls], a.CertFile, auth, c.Username, peers.KDCPassword, tls[!f.tls])
			cmd.Env = append(os.Environ(), "KRB5_CONFIG="+kdc.Config)
			out, err := cmd.CombinedOutput()
			if err != nil || strings.TrimSpace(string(out)) != "done" {
				t.Fatalf("%v: %s\n%s", err, out, a.Log())
			}
			f.checkProtected(t, a)
			if n := len(organization.Snapshot().Scopes); n != 0 {
				t.Errorf("%d scopes are left", n)
			}
		})
	}
}
