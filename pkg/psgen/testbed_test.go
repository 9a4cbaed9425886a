package psgen

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/internal/scriptshell"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// TestTestbed runs the scripts against an organization that others modelled: the
// testbed's, with all it exports, restricted proxies of common cmdlets among it.
// Its assignments show bare names where ours show canonical ones.
func TestTestbed(t *testing.T) {
	module := peers.Shared(t, "testbed", "ExchangeOrg.psm1")
	user := exchange.Grant{
		Assignee:   exchange.NewUser(`CONTOSO\svc-sched`),
		Scope:      exchange.Scope{Kind: exchange.Group, Text: "Calendar Users"},
		InScope:    []string{"alice"},
		OutOfScope: []string{"pobrien"},
	}
	group := user
	group.Assignee = exchange.Assignee{Kind: exchange.RoleGroup, Identity: "Calendar Impersonation", Members: []string{"svc-sched"}}
	for _, test := range []struct {
		faults string
		g      exchange.Grant
		grant  int // exit codes of the full grant, of its repetition and of the revocation
		again  int
		revoke int
	}{
		{"", user, 0, 0, 0},
		{"", group, 0, 0, 0},
		{"needs-customization", user, 0, 0, 0},
		{"cloud-unavailable-text", user, 0, 0, 0},
		{"no-cmdlet,needs-customization", user, 1, 1, 0},
		{"access-denied", user, 5, 5, 0},
		{"transient-dc:2", user, 0, 0, 0},
		{"ambiguous-user", user, 1, 1, 1},
	} {
		t.Run(fmt.Sprintf("%s %s", test.g.Assignee.Kind, test.faults), func(t *testing.T) {
			t.Parallel()
			state := filepath.Join(t.TempDir(), "org.json")
			run := func(print func(io.Writer) error, args string) peers.Exited {
				st := &scriptshell.Shell{Dir: t.TempDir()}
				quote, err := Literal(st.Write(t, print))
				if err != nil {
					t.Fatal(err)
				}
				return peers.RunProcess(t, peers.Process{
					Args: []string{"-Command", fmt.Sprintf("Import-Module '%s' -DisableNameChecking\n& %s %s\nexit $LASTEXITCODE", module, quote, args)},
					Env:  []string{"EXCHANGEORG_STATE=" + state, "EXCHANGEORG_FAULT=" + test.faults}, OneConsole: true,
				})
			}
			// Real waits: half a minute is more than the faults of the testbed need.
			grant := func(w io.Writer) error { return Grant(w, test.g, Full) }
			for _, step := range []struct {
				name  string
				print func(io.Writer) error
				args  string
				code  int
			}{
				{"grant", grant, "-Confirm:$false -TimeoutMinutes 0.5", test.grant},
				{"again", grant, "-Confirm:$false -TimeoutMinutes 0.5", test.again},
				{"revoke", func(w io.Writer) error { return Revoke(w, test.g, Full) }, "-Confirm:$false", test.revoke},
			} {
				seen := run(step.print, step.args)
				if seen.Code != step.code {
					t.Fatalf("%s: exit code %d, want %d\n%s", step.name, seen.Code, step.code, seen.Stdout)
				}
				if step.name == "again" && step.code == 0 && !strings.Contains(seen.Stdout, string(exchange.AlreadyGranted)) {
					t.Errorf("the second grant is not already-granted:\n%s", seen.Stdout)
				}
			}
		})
	}
}
