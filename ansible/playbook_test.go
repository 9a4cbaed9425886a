//go:build unix

package ansible

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

var modules = []string{"impersonation_grant", "impersonation_info", "impersonation_proof"}

// doc is what ansible-doc says of a module.
type doc struct {
	Doc struct {
		Options map[string]any
	}
	Examples string
	Return   map[string]any
}

func (c *controller) doc(module string) doc {
	c.t.Helper()
	out, err := c.command("ansible-doc", "-t", "module", "--json", "exgrant.exchange."+module).Output()
	if err != nil {
		c.t.Fatalf("%s: %v", module, err)
	}
	var docs map[string]doc
	if err := json.Unmarshal(out, &docs); err != nil {
		c.t.Fatal(err)
	}
	return docs["exgrant.exchange."+module]
}

// grantsFile is a file of grants with that which the examples make.
const grantsFile = "apiVersion: exgrant/v1\ngrants:\n  - user: CONTOSO\\svc-reschedule\n    scope:\n      group: Reschedule Users\n"

// The examples of each module run, but for names and log-on as they stand there, and
// return what the documentation names.
func TestExamples(t *testing.T) {
	c := newController(t)
	local := strings.NewReplacer("ex01.contoso.com", `"{{ server }}"`, "admin@CONTOSO.COM", "administrator", "contoso.com", "contoso.test",
		"keytab: /etc/exgrant/admin.keytab", `password: "{{ password }}"`, "{{ exchange_admin_password }}", "{{ password }}", "{{ service_password }}", "{{ password }}",
		"https://mail.contoso.com/EWS/Exchange.asmx", "\"{{ ews }}\"\n    ews_auth: basic", "/etc/exgrant/grants.yaml", c.write("grants.yaml", grantsFile), "wait: 30m", "wait: 1s")
	contoso := simulate(t)
	for _, module := range modules {
		doc := c.doc(module)
		tasks := local.Replace(strings.TrimPrefix(strings.TrimSpace(doc.Examples), "---"))
		register := regexp.MustCompile(`(?m)^  register:.*\n`)
		tasks = register.ReplaceAllString(tasks+"\n", "")
		n := 0
		tasks = regexp.MustCompile(`(?m)\n+(- name:|\z)`).ReplaceAllStringFunc(tasks, func(next string) string {
			n++
			return fmt.Sprintf("\n  register: answer%d\n%s", n, strings.TrimLeft(next, "\n"))
		})
		tasks += "- ansible.builtin.set_fact:\n    answer:\n      all: ["
		for i := range n {
			tasks += fmt.Sprintf("\"{{ answer%d }}\", ", i+1)
		}
		tasks += "]\n"
		if module == "impersonation_proof" { // the grant is gone again after the examples of the first
			tasks = grantTask + tasks
		}
		answers, printed := c.run(map[string]*organization{"contoso": contoso}, tasks)
		all := answers["contoso"].All
		if len(all) != n || n == 0 {
			t.Errorf("%s: %d of %d examples ran: %s", module, len(all), n, printed)
		}
		for i, a := range all {
			if a["failed"] == true || a["outcome"] == nil {
				t.Errorf("%s, example %d: %v", module, i+1, a)
			}
			for key := range a {
				if _, there := doc.Return[key]; !there && !slices.Contains([]string{"changed", "failed", "warnings", "diff"}, key) {
					t.Errorf("%s, example %d: returns %s, which is not documented", module, i+1, key)
				}
			}
			for _, key := range []string{"report", "findings", "exit_code"} {
				if _, documented := doc.Return[key]; documented && a[key] == nil {
					t.Errorf("%s, example %d: does not return %s", module, i+1, key)
				}
			}
		}
	}
}

// The role grants, proves and keeps both reports; in check mode it changes nothing and
// writes nothing.
func TestServiceAccount(t *testing.T) {
	c := newController(t)
	hosts := map[string]*organization{"contoso": simulate(t), "fabrikam": simulate(t)}
	hosts["fabrikam"].password = secret
	reports := filepath.Join(c.dir, "reports", "today")
	role := fmt.Sprintf(`
- ansible.builtin.include_role:
    name: exgrant.exchange.service_account
  vars:
    service_account_grant:
      user: CONTOSO\svc-reschedule
      scope_group: Reschedule Users
    service_account_proof:
      ews_url: "{{ ews }}"
      as: svc-reschedule@contoso.test
      as_password: "{{ password }}"
      ews_auth: basic
      in_scope: [anna@contoso.test]
      out_of_scope: [boss@contoso.test]
      wait: 1s
    service_account_reports: %s
- ansible.builtin.set_fact:
    answer: "{{ service_account_proved }}"
`, reports)
	_, printed := c.run(hosts, role, "--check")
	if _, err := os.Stat(reports); err == nil || !regexp.MustCompile(`(?m)^contoso +: ok=\d+ +changed=1 .*failed=0`).MatchString(printed) {
		t.Errorf("check mode: %v: %s", err, printed)
	}
	answers, printed := c.run(hosts, role, "-vvvv")
	if a := answers["contoso"]; a.Outcome != "verified" || a.Failed {
		t.Errorf("%+v: %s", a, printed)
	}
	if !regexp.MustCompile(`(?m)^contoso +: ok=\d+ +changed=1 .*failed=0`).MatchString(printed) || !regexp.MustCompile(`(?m)^fabrikam +: .*failed=1`).MatchString(printed) {
		t.Errorf("changed and failed: %s", printed)
	}
	if strings.Contains(printed, secret) {
		t.Errorf("a password of the role's options is printed")
	}
	for name, want := range map[string]string{"contoso.json": "granted", "contoso.proof.json": "verified", "fabrikam.json": "denied"} {
		var report struct{ Outcome string }
		data, err := os.ReadFile(filepath.Join(reports, name))
		if err == nil {
			err = json.Unmarshal(data, &report)
		}
		if err != nil || report.Outcome != want {
			t.Errorf("%s: %v, %q, want %s", name, err, report.Outcome, want)
		}
		if strings.Contains(string(data), secret) {
			t.Errorf("%s holds the password", name)
		}
	}
	if left, _ := os.ReadDir(reports); len(left) != 3 {
		t.Errorf("kept: %v", left)
	}
}

// The role puts the program of a released archive in place, once, and only where its sum is right.
func TestInstall(t *testing.T) {
	c := newController(t)
	packed := filepath.Join(c.dir, "exgrant-v0.2.0-linux-amd64")
	for name, text := range map[string]string{"exgrant": "#!/bin/sh\necho exgrant v0.2.0\n", "LICENSE": "MIT", "completions/exgrant.bash": "exgrant"} {
		path := filepath.Join(packed, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(peers.Program(t, "tar"), "-czf", packed+".tar.gz", "-C", c.dir, filepath.Base(packed)).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	archive, err := os.ReadFile(packed + ".tar.gz")
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(archive)
	installed := filepath.Join(c.dir, "bin-exgrant")
	role := func(sum string) string {
		return fmt.Sprintf(`
- ansible.builtin.include_role:
    name: exgrant.exchange.install
  vars:
    install_archive: %s.tar.gz
    install_sha256: %s
    install_path: %s
`, packed, sum, installed)
	}
	host := map[string]*organization{"jumphost": {}}
	_, printed := c.run(host, role(strings.Repeat("0", 64)))
	if _, err := os.Stat(installed); err == nil || !strings.Contains(printed, "is not the archive that was released: its SHA-256 is "+hex.EncodeToString(sum[:])) {
		t.Errorf("a wrong sum: %v: %s", err, printed)
	}
	right := role(strings.ToUpper(hex.EncodeToString(sum[:])))
	for _, step := range []struct {
		args    []string
		changed string
	}{{[]string{"--check"}, "changed=1"}, {nil, "changed=1"}, {nil, "changed=0"}} {
		_, printed = c.run(host, right, step.args...)
		if !regexp.MustCompile(`(?m)^jumphost +: .*` + step.changed + ` .*failed=0`).MatchString(printed) {
			t.Errorf("%v, want %s: %s", step.args, step.changed, printed)
		}
		if _, err := os.Stat(installed); (err == nil) != (step.args == nil) {
			t.Errorf("%v: %v", step.args, err)
		}
	}
	if out, err := exec.Command(installed, "version").Output(); err != nil || string(out) != "exgrant v0.2.0\n" {
		t.Errorf("%q, %v", out, err)
	}
}

// playbook runs a playbook as it is written, with variables for hosts of its inventory.
func (c *controller) playbook(inventory, playbook string, hosts map[string]map[string]any, args ...string) string {
	c.t.Helper()
	list, err := json.Marshal(map[string]any{"all": map[string]any{"hosts": hosts}})
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := c.command(slices.Concat([]string{"ansible-playbook", "-i", inventory, "-i", c.write("simulated.json", string(list)), playbook}, args)...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !asExit(err, &exit) {
		c.t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// The example for several organizations: a table of what came out, failures too.
func TestExamplePlaybook(t *testing.T) {
	c := newController(t)
	exgrant := mustProgram(t)
	dir := filepath.Join(peers.ModuleRoot(t), "examples", "ansible")
	hosts := map[string]map[string]any{}
	for _, name := range []string{"ex01.contoso.com", "mail.fabrikam.com"} {
		o := simulate(t)
		hosts[name] = map[string]any{"exchange_server": o.psrp, "exchange_auth": "basic", "exchange_logon": "administrator", "exchange_password": o.password,
			"exchange_keytab": "{{ omit }}", "exchange_krb5_config": "{{ omit }}", "exgrant": exgrant, "scheduler": "svc-reschedule", "inside": []string{"anna"}, "outside": []string{"boss"}}
	}
	run := func(args ...string) string {
		return c.playbook(filepath.Join(dir, "inventory.yml"), filepath.Join(dir, "playbook.yml"), hosts, args...)
	}
	table := func(printed, contoso, fabrikam string) bool {
		return regexp.MustCompile(`"ex01\.contoso\.com +` + contoso + `",\s+"mail\.fabrikam\.com +` + fabrikam + `"`).MatchString(printed)
	}
	if printed := run("--check", "--diff"); !table(printed, "planned", "planned") || strings.Contains(printed, "[WARNING]") {
		t.Errorf("check mode: %s", printed)
	}
	hosts["mail.fabrikam.com"]["exchange_password"] = "wrong"
	if printed := run(); !table(printed, "granted", "not asked") || !table(printed, "granted", "denied") || !regexp.MustCompile(`(?m)^mail\.fabrikam\.com +: .*failed=1`).MatchString(printed) {
		t.Errorf("one is denied: %s", printed)
	}
	hosts["mail.fabrikam.com"]["scheduler"] = "trailing " // the program refuses it, and asks nobody
	if printed := run(); !table(printed, "already-granted", "failed") {
		t.Errorf("one has a wrong option: %s", printed)
	}
	hosts["ex01.contoso.com"]["exchange_server"] = "http://127.0.0.1:1/PowerShell/"
	if printed := run(); !table(printed, "unreachable", "not asked") || table(printed, "unreachable", "denied") {
		t.Errorf("the first is unreachable, and the others are not left alone: %s", printed)
	}
}

// The README of the collection, followed with nothing else in the folder.
func TestReadme(t *testing.T) {
	c := newController(t)
	exgrant := mustProgram(t)
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(blocks) != 3 {
		t.Fatalf("README.md has %d files", len(blocks))
	}
	o := simulate(t)
	inventory := c.write("inventory.yml", blocks[0][1])
	// As the README says for a simulated organization.
	playbook := c.write("playbook.yml", strings.Replace(blocks[1][1], `server: "{{ inventory_hostname }}"`, "server: "+o.psrp+"\n      auth: basic\n      executable: "+exgrant, 1))
	c.write("grants.yaml", blocks[2][1])
	hosts := map[string]map[string]any{"ex01.contoso.com": {"exchange_logon": "administrator", "exchange_password": o.password}}
	for _, step := range []struct {
		args    []string
		changed string
	}{{[]string{"--check", "--diff"}, "changed=1"}, {nil, "changed=1"}, {nil, "changed=0"}} {
		printed := c.playbook(inventory, playbook, hosts, step.args...)
		if !regexp.MustCompile(`(?m)^ex01\.contoso\.com +: ok=2 +` + step.changed + ` .*failed=0`).MatchString(printed) {
			t.Errorf("%v, want %s: %s", step.args, step.changed, printed)
		}
		// In check mode the grant is not there: that is drift.
		if drift := strings.Contains(printed, "[WARNING]"); drift != (step.args != nil) {
			t.Errorf("%v: %s", step.args, printed)
		}
	}
}

// Every flag of the commands that the modules call is an option of theirs, by its name.
func TestOptions(t *testing.T) {
	c := newController(t)
	// What is the modules' own: how the program is asked, and what it answers.
	not := []string{"exit-code", "format", "json", "output", "overwrite", "password-file", "as-password-file", "secrets", "verbose", "yes", "report", "undo",
		"from", "file", "help", "require-signed", "load"}
	// Exchange Web Services are asked by one module.
	proof := []string{"as", "ews-url", "ews-auth", "user-agent", "wait"}
	flag := regexp.MustCompile(`(?m)^ +(?:-\w, )?--([a-z][a-z0-9-]*)`)
	for module, commands := range map[string][]string{
		"impersonation_grant": {"plan", "apply", "verify", "revoke"}, "impersonation_info": {"audit"}, "impersonation_proof": {"diagnose"},
	} {
		options := c.doc(module).Doc.Options
		for _, name := range commands {
			var help []byte
			for _, page := range [][]string{{name, "--help"}, {"help", "session"}} {
				out, err := exec.Command(mustProgram(t), page...).Output()
				if err != nil {
					t.Fatal(err)
				}
				help = append(help, out...)
			}
			found := flag.FindAllSubmatch(help, -1)
			if len(found) < 15 {
				t.Errorf("exgrant %s --help shows %d flags", name, len(found))
			}
			for _, f := range found {
				if _, there := options[strings.ReplaceAll(string(f[1]), "-", "_")]; !there && !slices.Contains(not, string(f[1])) &&
					(module == "impersonation_proof" || !slices.Contains(proof, string(f[1]))) {
					t.Errorf("%s has no option for --%s of %s", module, f[1], name)
				}
			}
		}
	}
}
