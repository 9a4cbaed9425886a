package psrpd

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
)

// A clientReport is what testdata/client.py tells.
type clientReport struct {
	Pipelines map[string]clientPipeline
	Raised    map[string]string // what pypsrp could not do
}

type clientPipeline struct {
	State    string
	Output   []string
	Errors   []clientError
	Warnings []string
}

type clientError struct {
	ID       string
	Category int
	Activity string
	Types    []string
}

// summary is the pipeline in a line: its state, its output, and the ids of its
// errors without what is about the server and the moment.
func (p clientPipeline) summary() string {
	s := p.State + " " + strings.Join(p.Output, ",")
	for _, e := range p.Errors {
		id := e.ID
		if _, rest, ok := strings.Cut(id, "] ["); ok {
			id = "[" + rest
		}
		s += fmt.Sprintf(" !%s %d %s", id, e.Category, e.Activity)
	}
	if len(p.Warnings) > 0 {
		s += fmt.Sprintf(" (%d warnings)", len(p.Warnings))
	}
	return s
}

func runClient(t *testing.T, url, user, password string, person ...string) clientReport {
	t.Helper()
	args := append([]string{filepath.Join("testdata", "client.py"), url, user, password}, person...)
	client := exec.CommandContext(t.Context(), peers.Python(t, "pypsrp"), args...)
	var stderr bytes.Buffer
	client.Stderr = &stderr
	out, err := client.Output()
	if err != nil {
		t.Fatalf("client.py: %v: %s", err, &stderr)
	}
	var report clientReport
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("client.py: %v: %.500s", err, out)
	}
	return report
}

func (r clientReport) summaries() map[string]string {
	all := map[string]string{}
	for name, p := range r.Pipelines {
		all[name] = p.summary()
	}
	return all
}

// A client that others wrote and that knows real servers gets from this one what it
// would get from them.
func TestClientOfOthers(t *testing.T) {
	t.Parallel()
	peers.Python(t, "pypsrp")
	o := organization(t, "recipients-50000")
	s := New(Config{Organization: o, Password: "correct horse"})
	served := httptest.NewServer(s)
	t.Cleanup(func() { served.Close(); s.Close() })
	report := runClient(t, served.URL, "administrator@contoso.test", "correct horse")

	want := map[string]string{
		"user":              "COMPLETED svc-reschedule",
		"scope":             "COMPLETED Scope O'Brien & Söhne 漢字",
		"assignment":        "COMPLETED Scope O'Brien & Söhne 漢字",
		"whatif":            "COMPLETED ",
		"again":             "COMPLETED User",
		"piped":             "COMPLETED ",
		"gone":              "COMPLETED  ![FailureCategory=Cmdlet-ManagementObjectNotFoundException] CA856A4D,Microsoft.Exchange.Management.RbacTasks.GetManagementRoleAssignment 0 Get-ManagementRoleAssignment",
		"warned":            "COMPLETED  (1 warnings)",
		"missing":           "COMPLETED  ![FailureCategory=Cmdlet-ManagementObjectNotFoundException] FE9583ED,Microsoft.Exchange.Management.RecipientTasks.GetUser 0 Get-User",
		"unknown parameter": "FAILED  !NamedParameterNotFound,Microsoft.Exchange.Management.RecipientTasks.GetUser 5 Get-User",
		"everything":        "COMPLETED 50020",
		"many":              "COMPLETED 5000 (1 warnings)",
		"stopped":           "STOPPED some",
		"after the stop":    "COMPLETED anna",
		"concurrent 0":      "COMPLETED anna",
		"concurrent 1":      "COMPLETED ben",
		"concurrent 2":      "COMPLETED anna",
		"concurrent 3":      "COMPLETED ben",
		"concurrent 4":      "COMPLETED anna",
	}
	got := report.summaries()
	for name := range want {
		delete(got, name)
	}
	for name := range got { // what every restricted session does
		delete(report.Pipelines, name)
	}
	if diff := cmp.Diff(want, report.summaries()); diff != "" || len(report.Raised) > 0 {
		t.Errorf("pipelines (-want +got):\n%s\nraised: %v", diff, report.Raised)
	}
	if n := s.Shells(); n != 0 {
		t.Errorf("%d shells are left", n)
	}
	if diff := cmp.Diff([]exchangesim.ScopeSnapshot{{Name: "Scope O'Brien & Söhne 漢字", Filter: "City -eq 'Berlin'"}}, o.Snapshot().Scopes); diff != "" {
		t.Errorf("scopes (-want +got):\n%s", diff)
	}
	for _, a := range o.Snapshot().Assignments {
		if a.Name == "Python" {
			t.Errorf("the assignment is still there: %+v", a)
		}
	}
	for _, c := range o.Calls() {
		if c.User != exchangesim.DefaultUser {
			t.Errorf("a call by %s, want %s: %s", c.User, exchangesim.DefaultUser, c.Command.Cmdlet)
			break
		}
	}
	checkTypes(t, report)
}

// What is not the organization's but every restricted session's is as in the real
// engine: states, ids and categories of errors, output.
func TestMannersOfTheEngine(t *testing.T) {
	t.Parallel()
	bridge := peers.StartBridge(t, peers.BridgeOptions{Args: []string{"--exchange", "--basic", "alice:pass"},
		Env: []string{"EXCHANGEORG_STATE=" + filepath.Join(t.TempDir(), "org.json")}})
	want := runClient(t, bridge.URL, "alice", "pass", "alice")
	served := httptest.NewServer(New(Config{Organization: organization(t, "plain"), Password: "pass"}))
	defer served.Close()
	got := runClient(t, served.URL, "administrator", "pass", "anna")
	if diff := cmp.Diff(want.summaries(), got.summaries()); diff != "" || len(want.Pipelines) < 15 {
		t.Errorf("%d pipelines (-engine +simulator):\n%s", len(want.Pipelines), diff)
	}
	for name, p := range want.Pipelines {
		for i, e := range p.Errors {
			if i < len(got.Pipelines[name].Errors) && e.Types[0] != got.Pipelines[name].Errors[i].Types[0] {
				t.Errorf("%s: exception %s, the engine has %s", name, got.Pipelines[name].Errors[i].Types[0], e.Types[0])
			}
		}
	}
}

// checkTypes holds that an error's exception has the types that clients look for.
func checkTypes(t *testing.T, report clientReport) {
	t.Helper()
	for _, name := range []string{"gone", "missing"} {
		errors := report.Pipelines[name].Errors
		if len(errors) != 1 || len(errors[0].Types) < 2 || !strings.HasSuffix(errors[0].Types[0], ".ManagementObjectNotFoundException") {
			t.Errorf("%s: %+v", name, errors)
		}
	}
}

func organization(t testing.TB, scenario string) *exchangesim.Organization {
	t.Helper()
	s, err := exchangesim.ScenarioByName(scenario)
	if err != nil {
		t.Fatal(err)
	}
	return exchangesim.New(s, exchangesim.Options{})
}
