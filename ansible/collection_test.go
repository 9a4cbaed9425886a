//go:build unix

package ansible

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

const secret = "Wint3r-Is-0ver!" // appears in no log

// program is exgrant, built once for all tests.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "exgrant-ansible")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "exgrant")
	out, err := exec.Command("go", "build", "-o", path, "github.com/exgrant/exgrant/cmd/exgrant").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

func mustProgram(t testing.TB) string {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := program(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// A controller runs ansible-playbook with the collection.
type controller struct {
	t     testing.TB
	bin   string // folder of Ansible's programs
	dir   string // of playbooks, inventories and collections
	forks int

	last   time.Time      // when the last answer of a run came
	memory map[string]int // what the processes of a run needed at most: see forkMemory
}

func newController(t testing.TB) *controller {
	t.Helper()
	c := &controller{t: t, bin: filepath.Dir(peers.Python(t, "ansible")), dir: t.TempDir(), forks: 5}
	root := filepath.Join(c.dir, "collections", "ansible_collections", "exgrant")
	if err := os.MkdirAll(root, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(peers.ModuleRoot(t), "ansible"), filepath.Join(root, "exchange")); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *controller) write(name, text string) string {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return path
}

func (c *controller) command(args ...string) *exec.Cmd {
	cmd := exec.CommandContext(c.t.Context(), filepath.Join(c.bin, args[0]), args[1:]...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "ANSIBLE_COLLECTIONS_PATH="+filepath.Join(c.dir, "collections"), "ANSIBLE_NOCOLOR=1", "ANSIBLE_LOCALHOST_WARNING=False",
		"ANSIBLE_RETRY_FILES_ENABLED=False", "ANSIBLE_HOME="+filepath.Join(c.dir, "home"), "ANSIBLE_PYTHON_INTERPRETER="+filepath.Join(c.bin, "python"),
		"ANSIBLE_STDOUT_CALLBACK=ansible.builtin.default", "LC_ALL=C.UTF-8", "EXGRANT_SERVER=", "EXGRANT_PASSWORD=", "EXGRANT_LOGON=")
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// run runs a playbook and returns what each host registered in the variable answer, and
// everything that was printed.
func (c *controller) run(hosts map[string]*organization, tasks string, args ...string) (answers map[string]answer, printed string) {
	c.t.Helper()
	exgrant := mustProgram(c.t)
	results := c.t.TempDir()
	inventory := map[string]any{}
	for name, o := range hosts {
		inventory[name] = map[string]any{"server": o.psrp, "ews": o.ews, "password": o.password}
	}
	list, err := json.Marshal(map[string]any{"all": map[string]any{"hosts": inventory, "vars": map[string]any{
		"ansible_connection": "local", "exgrant": exgrant, "results": results}}})
	if err != nil {
		c.t.Fatal(err)
	}
	playbook := c.write("playbook.yml", fmt.Sprintf(`
- hosts: all
  gather_facts: false
  strategy: free
  module_defaults:
    group/exgrant.exchange.exchange:
      server: "{{ server }}"
      auth: basic
      logon: administrator
      password: "{{ password }}"
      executable: "{{ exgrant }}"
  tasks:
    - block:
%s
      always:
        - ansible.builtin.copy:
            content: "{{ answer | default({}) | to_json }}"
            dest: "{{ results }}/{{ inventory_hostname }}"
            mode: "0600"
          changed_when: false
          check_mode: false
          diff: false
          ignore_unreachable: true
`, indent(tasks, "        ")))
	cmd := c.command(append([]string{"ansible-playbook", "-i", c.write("inventory.json", string(list)), "-f", fmt.Sprint(c.forks), playbook}, args...)...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan struct{})
	measured := make(chan map[string]int)
	go func() { measured <- forkMemory(cmd.Process.Pid, ended) }()
	err = cmd.Wait()
	close(ended)
	c.memory = <-measured
	if exit := (*exec.ExitError)(nil); err != nil && !asExit(err, &exit) {
		c.t.Fatalf("%v: %s", err, out.String())
	}
	answers = map[string]answer{}
	for name := range hosts {
		path := filepath.Join(results, name)
		data, err := os.ReadFile(path)
		if err != nil {
			continue // it was unreachable: nothing more was run for it
		}
		if info, err := os.Stat(path); err == nil && info.ModTime().After(c.last) {
			c.last = info.ModTime()
		}
		var a answer
		if err := json.Unmarshal(data, &a); err != nil {
			c.t.Fatalf("%s: %v: %s", name, err, data)
		}
		answers[name] = a
	}
	return answers, out.String()
}

func asExit(err error, exit **exec.ExitError) bool {
	e, ok := err.(*exec.ExitError)
	*exit = e
	return ok
}

func indent(text, by string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.Trim(text, "\n")) {
		b.WriteString(by + line)
	}
	return b.String()
}

// An answer is what a module returned.
type answer struct {
	Changed  bool
	Failed   bool
	Outcome  string
	ExitCode int `json:"exit_code"`
	Msg      string
	Attempts int
	Undo     []map[string]any
	Diff     json.RawMessage
	Holders  []struct{ Holder string }
	Drift    []struct{ ID, Text string }
	Proof    []struct{ Mailbox, Expected, EWS, RBAC string }
	Findings []struct{ ID string }
	All      []map[string]any // of several tasks
}

// An organization is one simulated by the program, in a process of its own.
type organization struct{ psrp, ews, password string }

func simulate(t testing.TB, args ...string) *organization {
	t.Helper()
	exgrant := mustProgram(t)
	cmd := exec.CommandContext(t.Context(), exgrant, append([]string{"sim", "--exit-with-stdin"}, args...)...)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait()
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		t.Fatalf("exgrant sim %v: %v: %s", args, err, stderr.String())
	}
	var ready struct{ PSRP, EWS, Password string }
	if err := json.Unmarshal(line, &ready); err != nil {
		t.Fatal(err)
	}
	return &organization{ready.PSRP, ready.EWS, ready.Password}
}

const grantTask = `
- exgrant.exchange.impersonation_grant:
    user: CONTOSO\svc-reschedule
    scope_group: Reschedule Users
    in_scope: [anna@contoso.test]
    out_of_scope: [boss@contoso.test]
  register: answer
`

func with(task, more string) string {
	return strings.Replace(task, "    user:", indent(more, "    ")+"\n    user:", 1)
}

// The life of a grant: every step says truly whether something was, or would be, changed.
func TestGrant(t *testing.T) {
	c := newController(t)
	hosts := map[string]*organization{"contoso": simulate(t)}
	wanted := func(step string, a answer, outcome string, changed bool) {
		t.Helper()
		if a.Outcome != outcome || a.Changed != changed || a.Failed {
			t.Errorf("%s: %+v, want %s, changed %t", step, a, outcome, changed)
		}
	}
	do := func(step, tasks string, args ...string) (answer, string) {
		t.Helper()
		answers, printed := c.run(hosts, tasks, args...)
		a, there := answers["contoso"]
		if !there {
			t.Fatalf("%s: no answer: %s", step, printed)
		}
		return a, printed
	}

	a, printed := do("check", grantTask, "--check", "--diff")
	wanted("check", a, "planned", true)
	if !strings.Contains(printed, "New-ManagementRoleAssignment") {
		t.Errorf("the diff of a plan shows no command: %s", printed)
	}
	a, _ = do("check again", grantTask, "--check")
	wanted("check again: nothing was changed by the first", a, "planned", true)
	a, printed = do("present", grantTask, "--diff")
	wanted("present", a, "granted", true)
	if len(a.Undo) != 2 || a.Undo[0]["cmdlet"] != "Remove-ManagementRoleAssignment" {
		t.Errorf("undo: %v", a.Undo)
	}
	if !strings.Contains(printed, "+assignments: ") {
		t.Errorf("the diff of a run shows no assignment: %s", printed)
	}
	if len(a.Proof) != 2 || a.Proof[0].RBAC != "allowed" || a.Proof[1].RBAC != "refused" {
		t.Errorf("proof: %+v", a.Proof)
	}
	a, _ = do("present again", grantTask)
	wanted("present again", a, "already-granted", false)
	a, _ = do("check of what is there", grantTask, "--check")
	wanted("check of what is there", a, "already-granted", false)
	a, _ = do("verified", with(grantTask, "state: verified"))
	wanted("verified", a, "verified", false)

	absent := with(strings.Replace(strings.Replace(grantTask, "    in_scope: [anna@contoso.test]\n", "", 1), "    out_of_scope: [boss@contoso.test]\n", "", 1), "state: absent")
	a, _ = do("check absent", absent, "--check")
	wanted("check absent", a, "verified", true)
	a, _ = do("absent", absent)
	wanted("absent", a, "revoked", true)
	a, _ = do("absent again", absent)
	wanted("absent again", a, "nothing-to-revoke", false)
	a, _ = do("check absent of nothing", absent, "--check")
	if a.Changed || a.Failed {
		t.Errorf("check absent of nothing: %+v", a)
	}
	a, _ = do("verified of nothing", with(grantTask, "state: verified"))
	if !a.Failed || a.Changed || a.ExitCode != 3 && a.ExitCode != 1 {
		t.Errorf("verified of nothing: %+v", a)
	}
}

func TestProof(t *testing.T) {
	c := newController(t)
	hosts := map[string]*organization{"contoso": simulate(t)}
	proof := `
- exgrant.exchange.impersonation_proof:
    server: "{{ server }}"
    ews_url: "{{ ews }}"
    as: svc-reschedule@contoso.test
    as_password: "{{ password }}"
    ews_auth: basic
    in_scope: [anna@contoso.test]
    out_of_scope: [boss@contoso.test]
  register: answer
`
	answers, printed := c.run(hosts, proof)
	if a := answers["contoso"]; !a.Failed || a.Outcome != "differs" || a.ExitCode != 3 {
		t.Errorf("before the grant: %+v: %s", a, printed)
	}
	answers, printed = c.run(hosts, grantTask+proof)
	if a := answers["contoso"]; a.Failed || a.Outcome != "verified" || a.Changed || len(a.Proof) != 2 || a.Proof[1].EWS != "refused" {
		t.Errorf("after the grant: %+v: %s", a, printed)
	}
}

func TestInfoAndDrift(t *testing.T) {
	c := newController(t)
	hosts := map[string]*organization{"contoso": simulate(t)}
	expected := c.write("grants.yaml", "apiVersion: exgrant/v1\ngrants:\n  - user: CONTOSO\\svc-reschedule\n    scope:\n      group: Reschedule Users\n")
	info := "- exgrant.exchange.impersonation_info:\n  register: answer\n"
	answers, printed := c.run(hosts, info)
	if a := answers["contoso"]; a.Failed || a.Outcome != "audited" || len(a.Holders) == 0 {
		t.Errorf("%+v: %s", a, printed)
	}
	drift := fmt.Sprintf("- exgrant.exchange.impersonation_info:\n    expected: %s\n  register: answer\n", expected)
	answers, printed = c.run(hosts, drift)
	if a := answers["contoso"]; !a.Failed || a.Outcome != "differs" || a.ExitCode != 3 || len(a.Drift) == 0 {
		t.Errorf("a grant that is gone is no drift: %+v: %s", a, printed)
	}
	answers, printed = c.run(hosts, strings.Replace(drift, "    expected:", "    on_drift: warn\n    expected:", 1))
	if a := answers["contoso"]; a.Failed || len(a.Drift) == 0 || !strings.Contains(printed, "[WARNING]") {
		t.Errorf("drift as a warning: %+v: %s", a, printed)
	}
	answers, printed = c.run(hosts, grantTask+drift)
	if a := answers["contoso"]; a.Failed || a.Outcome != "audited" {
		t.Errorf("with the grant: %+v: %s", a, printed)
	}
}

// A log-on that failed is made once by each module, whatever the task says of retries,
// and no password is in a log, an argument or a variable.
func TestSecrets(t *testing.T) {
	c := newController(t)
	exgrant := mustProgram(t)
	log := filepath.Join(c.dir, "calls")
	spy := c.write("spy", fmt.Sprintf("#!/bin/sh\n{ printf '%%s\\n' \"$@\"; env; echo; } >> %s\nexec %s \"$@\"\n", log, exgrant))
	if err := os.Chmod(spy, 0o755); err != nil {
		t.Fatal(err)
	}
	contoso := simulate(t)
	hosts := map[string]*organization{}
	for name, options := range map[string]string{
		"apply":    "exgrant.exchange.impersonation_grant:\n    user: svc-reschedule\n    scope_group: Reschedule Users",
		"revoke":   "exgrant.exchange.impersonation_grant:\n    state: absent\n    user: svc-reschedule\n    scope_group: Reschedule Users",
		"verify":   "exgrant.exchange.impersonation_grant:\n    state: verified\n    user: svc-reschedule\n    scope_group: Reschedule Users",
		"audit":    "exgrant.exchange.impersonation_info:\n    holder: svc-reschedule",
		"diagnose": "exgrant.exchange.impersonation_proof:\n    ews_url: \"{{ ews }}\"\n    ews_auth: basic\n    as: svc-reschedule@contoso.test\n    as_password: \"{{ password }}\"\n    in_scope: [anna@contoso.test]\n    wait: 1m",
	} {
		hosts[name] = &organization{contoso.psrp, contoso.ews, secret}
		c.write(name+".yml", fmt.Sprintf("- %s\n    executable: %s\n  until: answer is succeeded\n  retries: 4\n  delay: 0\n  register: answer\n", options, spy))
	}
	answers, printed := c.run(hosts, "- ansible.builtin.include_tasks: \"{{ inventory_hostname }}.yml\"\n", "-vvvv", "--diff")
	calls, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for name := range hosts {
		a := answers[name]
		if !a.Failed || a.Outcome != "denied" || a.ExitCode != 5 || a.Changed || a.Msg == "" {
			t.Errorf("%s: %+v", name, a)
		}
		if n := len(regexp.MustCompile(`(?m)^`+name+`$`).FindAll(calls, -1)); n != 1 {
			t.Errorf("%s: the log-on was made %d times", name, n)
		}
	}
	for what, text := range map[string]string{"Ansible's output": printed, "arguments and variables": string(calls), "the answers": fmt.Sprintf("%+v", answers)} {
		if strings.Contains(text, secret) {
			t.Errorf("a password stands in %s", what)
		}
	}
	if t.Failed() {
		t.Log(printed)
	}
}

func TestTroubles(t *testing.T) {
	c := newController(t)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := &organization{psrp: "http://" + closed.Addr().String() + "/PowerShell/", password: "not-the-password"}
	closed.Close()
	answers, printed := c.run(map[string]*organization{"nobody": nobody}, grantTask)
	if !strings.Contains(printed, "unreachable=1") {
		t.Errorf("a closed port is not unreachable: %+v: %s", answers, printed)
	}

	old := c.write("old", "#!/bin/sh\necho exgrant 0.1.0\n")
	os.Chmod(old, 0o755)
	answers, printed = c.run(map[string]*organization{"contoso": nobody}, with(grantTask, "executable: "+old))
	if a := answers["contoso"]; !a.Failed || !strings.Contains(a.Msg, "is version 0.1.0, and this collection needs 0.2.0 or newer") {
		t.Errorf("an old program: %+v: %s", a, printed)
	}
	answers, printed = c.run(map[string]*organization{"contoso": nobody}, with(grantTask, "executable: no-such-exgrant"))
	if a := answers["contoso"]; !a.Failed || !strings.Contains(a.Msg, "the program no-such-exgrant is not on this host") {
		t.Errorf("no program: %+v: %s", a, printed)
	}
	task := strings.Replace(grantTask, "scope_group: Reschedule Users", "scope_group: Nobody Knows", 1)
	answers, printed = c.run(map[string]*organization{"contoso": simulate(t)}, task)
	if a := answers["contoso"]; !a.Failed || a.Outcome != "not-found" || a.Changed || !strings.Contains(a.Msg, "Nobody Knows") {
		t.Errorf("a wrong name: %+v: %s", a, printed)
	}
}

// Forty organizations at ten forks: an outcome for each, one that is denied among them.
// One that hangs ends by its deadline and holds the others up by nothing: the log says
// how long the others took beside it and without it, and what a fork needs.
func TestFortyOrganizations(t *testing.T) {
	for _, hangs := range []bool{false, true} {
		t.Run(fmt.Sprintf("one hangs %t", hangs), func(t *testing.T) { fortyOrganizations(t, hangs) })
	}
}

func fortyOrganizations(t *testing.T, hangs bool) {
	const deadline = 20 * time.Second // a machine of two processors needs a few
	c := newController(t)
	c.forks = 10
	hosts := map[string]*organization{}
	for i := range 39 {
		hosts[fmt.Sprintf("org%02d", i)] = simulate(t)
	}
	hosts["org07"].password = "wrong"
	if hangs {
		// The first of all, so that it has a fork while the others want them.
		hosts["a-silent-one"] = &organization{psrp: silence(t), password: "not-the-password"}
	} else {
		hosts["a-last-one"] = simulate(t)
	}
	times := c.write("times", "")
	clock := c.write("clock", fmt.Sprintf("#!/bin/sh\nbegun=$(date +%%s%%N)\n%s \"$@\"\ncode=$?\necho $* $((($(date +%%s%%N) - begun) / 1000000)) >> %s\nexit $code\n", mustProgram(t), times))
	if err := os.Chmod(clock, 0o755); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	answers, printed := c.run(hosts, with(grantTask, fmt.Sprintf("deadline: %v\nexecutable: %s", deadline, clock)))
	all := time.Since(begin)

	outcomes := map[string][]string{}
	for name, a := range answers {
		outcomes[a.Outcome] = append(outcomes[a.Outcome], name)
	}
	want := 39
	if hangs {
		want = 38
		if !regexp.MustCompile(`(?m)^a-silent-one +: .*(unreachable=1|failed=1)`).MatchString(printed) {
			t.Errorf("the one that hangs: %s", printed)
		}
		ran := regexp.MustCompile(`(?m)^apply .*` + regexp.QuoteMeta(hosts["a-silent-one"].psrp) + `.* (\d+)$`).FindStringSubmatch(read(t, times))
		if ran == nil {
			t.Fatalf("the program that hangs has no end: %s", read(t, times))
		}
		t.Logf("deadline %v: the program that hangs ended after %s ms", deadline, ran[1])
	}
	if n := len(outcomes["granted"]); n != want {
		t.Errorf("%d of %d are granted: %v: %s", n, want, outcomes, printed)
	}
	if !slices.Equal(outcomes["denied"], []string{"org07"}) {
		t.Errorf("denied: %v", outcomes["denied"])
	}
	t.Logf("the others were done after %v, all after %v", c.last.Sub(begin).Round(100*time.Millisecond), all.Round(100*time.Millisecond))
	t.Logf("largest proportional memory, KiB: %v", c.memory)
}

func read(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// silence returns the URL of a server that takes connections and says nothing.
func silence(t testing.TB) string {
	t.Helper()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
		}
	}()
	return "http://" + silent.Addr().String() + "/PowerShell/"
}

// A playbook that is interrupted leaves no program behind.
func TestCancelled(t *testing.T) {
	c := newController(t)
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	asked := make(chan net.Conn) // those that have sent a request: the program waits for its answer
	go func() {
		for {
			conn, err := silent.Accept()
			if err != nil {
				return
			}
			t.Cleanup(func() { conn.Close() })
			go func() {
				if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil && r.URL.Path == "/PowerShell/" {
					asked <- conn
				}
			}()
		}
	}()
	exgrant := mustProgram(t)
	playbook := c.write("cancel.yml", fmt.Sprintf(`
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - exgrant.exchange.impersonation_grant:
        server: http://%s/PowerShell/
        auth: basic
        logon: administrator
        password: x
        executable: %s
        user: svc
        whole_organization: true
`, silent.Addr(), exgrant))
	cmd := c.command("ansible-playbook", playbook)
	cmd.SysProcAttr = ownGroup()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case <-asked:
	case err := <-ended:
		t.Fatalf("the playbook ended without a request: %v: %s", err, out.String())
	}
	address := silent.Addr().String()
	if len(processesWith(t, address)) == 0 {
		t.Fatal("the program that asked is not found")
	}
	interruptGroup(t, cmd)
	<-ended
	// The program has ten seconds to delete what it may have opened.
	left := processesWith(t, address)
	for end := time.Now().Add(30 * time.Second); len(left) > 0 && time.Now().Before(end); left = processesWith(t, address) {
		time.Sleep(200 * time.Millisecond)
	}
	if len(left) > 0 {
		t.Errorf("after Ctrl-C it goes on: %q: %s", left, out.String())
	}
}

// processesWith are the processes with a word in their arguments, as ps shows them:
// PID, parent, group, state and arguments.
func processesWith(t testing.TB, word string) []string {
	t.Helper()
	all, err := exec.Command("ps", "-A", "-ww", "-o", "pid,ppid,pgid,stat,args").Output()
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for line := range strings.Lines(string(all)) {
		if strings.Contains(line, word) {
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

// Each module's documentation is understood, and the examples name options that exist.
func TestDocumentation(t *testing.T) {
	c := newController(t)
	for _, name := range modules {
		doc := c.doc(name)
		options := regexp.MustCompile(`(?m)^    ([a-z_]+):`).FindAllStringSubmatch(doc.Examples, -1)
		if len(options) < 4 {
			t.Errorf("%s: examples with %d options", name, len(options))
		}
		for _, o := range options {
			if _, ok := doc.Doc.Options[o[1]]; !ok {
				t.Errorf("%s: its examples have an option %s, which it has not", name, o[1])
			}
		}
	}
	for _, role := range []string{"service_account", "install"} {
		if out, err := c.command("ansible-doc", "-t", "role", "exgrant.exchange."+role).CombinedOutput(); err != nil || !bytes.Contains(out, []byte("main")) {
			t.Errorf("%s: %v: %s", role, err, out)
		}
	}
}

// The collection builds, and installs from what was built.
func TestBuild(t *testing.T) {
	c := newController(t)
	out, err := c.command("ansible-galaxy", "collection", "build", "--output-path", c.dir, filepath.Join(peers.ModuleRoot(t), "ansible")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	archives, _ := filepath.Glob(filepath.Join(c.dir, "exgrant-exchange-*.tar.gz"))
	if len(archives) != 1 {
		t.Fatalf("built %v", archives)
	}
	to := t.TempDir()
	if out, err := c.command("ansible-galaxy", "collection", "install", "--offline", "--force", "-p", to, archives[0]).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, want := range []string{"plugins/modules/impersonation_grant.py", "roles/service_account/tasks/main.yml", "COPYING", "MANIFEST.json"} {
		if _, err := os.Stat(filepath.Join(to, "ansible_collections", "exgrant", "exchange", want)); err != nil {
			t.Error(err)
		}
	}
	if found, _ := filepath.Glob(filepath.Join(to, "ansible_collections", "exgrant", "exchange", "*.go")); len(found) > 0 {
		t.Errorf("the collection holds %v", found)
	}
}
