package main

import (
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/scriptproxy"
	"github.com/exgrant/exgrant/internal/testing/peers"
)

// leaks returns the form in which a text shows the password; "" is none.
func leaks(text string) string {
	forms := []string{
		scriptPassword,
		url.QueryEscape(scriptPassword),
		url.PathEscape(scriptPassword),
		strings.TrimPrefix(scriptPassword, "Winter-"), // cut
		utf16LE(scriptPassword),
		hex.EncodeToString([]byte(scriptPassword)),
		hex.EncodeToString([]byte(utf16LE(scriptPassword))),
	}
	forms = append(forms, inBase64(scriptPassword)...)          // alone, and as basic sends it
	forms = append(forms, inBase64(utf16LE(scriptPassword))...) // as -EncodedCommand takes it
	for _, form := range forms {
		if strings.Contains(text, form) {
			return form
		}
	}
	return ""
}

// utf16LE is an ASCII text as PowerShell encodes it.
func utf16LE(text string) string {
	var b strings.Builder
	for _, r := range text {
		b.WriteRune(r)
		b.WriteByte(0)
	}
	return b.String()
}

// inBase64 are the three forms that a text has within a longer one in base64: by
// where in a group of three bytes it begins. What its neighbours change is left out.
func inBase64(text string) []string {
	var forms []string
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), text...))
		begin := (before*8 + 5) / 6
		forms = append(forms, encoded[begin:(before+len(text))*8/6])
	}
	return forms
}

// TestLeaks holds the search itself: it finds the password in whatever stands
// around it.
func TestLeaks(t *testing.T) {
	for _, around := range []string{"", "a", "ab", "administrator:"} {
		for _, text := range []string{around + scriptPassword + around, around + utf16LE(scriptPassword), utf16LE(around + scriptPassword + around)} {
			if leaks(text) == "" || leaks("x "+base64.StdEncoding.EncodeToString([]byte(text))+" y") == "" {
				t.Errorf("%q is not found", text)
			}
		}
	}
	if form := leaks("Winter-is-here! " + base64.StdEncoding.EncodeToString([]byte("administrator:Winter"))); form != "" {
		t.Errorf("%q is no password", form)
	}
}

// searchFiles looks through all files below a folder, and returns how many there are.
func searchFiles(t *testing.T, folder string) int {
	t.Helper()
	files := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if form := leaks(string(text)); form != "" {
			t.Errorf("%s holds %q", entry.Name(), form)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return files
}

// TestPasswordAppearsNowhere looks through everything that commands print and write,
// with traces, on good and on bad days.
func TestPasswordAppearsNowhere(t *testing.T) {
	e := newEndpoint(t)
	folder := t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	grant := []string{"--user", "svc-reschedule", "--scope-group", "Reschedule Users", "--verbose"}
	address, _, _ := strings.Cut(strings.TrimPrefix(e.url, "http://"), "/")
	withPassword := strings.Replace(e.url, "http://", "http://administrator:"+scriptPassword+"@", 1)

	passwords := t.TempDir() // what a person keeps there is not ours
	passwordFile := filepath.Join(passwords, "password")
	if err := os.WriteFile(passwordFile, []byte(scriptPassword+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		args []string
		code int
	}{
		{append([]string{"plan", "-o", file("plan.json")}, grant...), exitDone},
		{append([]string{"plan", "--json"}, grant...), exitDone},
		{[]string{"apply", file("plan.json"), "--yes", "--verbose", "--report", file("made.json"), "--undo", file("undo.ps1")}, exitDone},
		{append([]string{"verify", "--in-scope", "anna", "--out-of-scope", "boss"}, grant...), exitDone},
		{[]string{"audit", "--verbose", "--password-file", passwordFile}, exitDone},
		{[]string{"audit", "--verbose", "--json"}, exitDone},
		{[]string{"audit", "--verbose", "--format", "yaml"}, exitDone},
		{append([]string{"plan", "--user", "nobody"}, grant[2:]...), exitFailed},
		{[]string{"revoke", "--from", file("made.json"), "--yes", "--verbose", "--report", file("gone.json")}, exitDone},
		{append([]string{"revoke", "--json", "--yes"}, grant...), exitDone},

		{[]string{"audit", "--verbose", "--logon", "nobody"}, 5},
		{[]string{"audit", "--verbose", "--server", "http://" + address + "/elsewhere/"}, exitFailed},
		{[]string{"audit", "--verbose", "--server", "https://" + address + "/PowerShell/"}, exitFailed},
		{[]string{"audit", "--verbose", "--server", "http://127.0.0.1:1/"}, exitFailed},
		{[]string{"audit", "--verbose", "--server", "ex01.contoso.test"}, exitUsage},
		{[]string{"audit", "--verbose", "--server", withPassword}, exitUsage},
		{[]string{"audit", "--verbose", "--timeout", "nonsense"}, exitUsage},
	} {
		code, stdout, stderr := e.run(t.Context(), test.args...)
		if code != test.code {
			t.Errorf("%q: exit %d, want %d\n%s%s", test.args, code, test.code, stdout, stderr)
		}
		if form := leaks(stdout + stderr); form != "" {
			t.Errorf("%q prints %q:\n%s%s", test.args, form, stdout, stderr)
		}
		if code == exitDone && !strings.Contains(stderr, " request, ") && slices.Contains(test.args, "--verbose") {
			t.Errorf("%q: no trace\n%s", test.args, stderr)
		}
	}
	if shells := e.server.Shells(); shells != 0 {
		t.Errorf("%d shells are left", shells)
	}
	if files := searchFiles(t, folder); files != 4 {
		t.Errorf("%d files were looked through, want 4", files)
	}
}

// A watchedPwsh is a program that notes how it is started, and what lies in the folder
// for temporary files, before it becomes the PowerShell.
func watchedPwsh(t *testing.T, log string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the watched PowerShell is a script for sh, which Windows has not")
	}
	path := filepath.Join(t.TempDir(), "pwsh")
	text := "#!/bin/sh\n{ echo \"start $*\"; env; find \"${TMPDIR:-/nowhere}\" -type f -exec cat {} +; } >> '" + log + "' 2>&1\n" +
		"exec '" + peers.Pwsh(t) + "' \"$@\"\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPasswordAppearsNowhereByScript does the same where scripts do the work: a
// PowerShell is started, here or by the remote shell of Windows, and its command line
// can be read by others.
func TestPasswordAppearsNowhereByScript(t *testing.T) {
	folder, logs := t.TempDir(), t.TempDir()
	here, there := filepath.Join(logs, "here"), filepath.Join(logs, "there")
	file := func(name string) string { return filepath.Join(folder, name) }
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)

	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		t.Fatal(err)
	}
	organization := exchangesim.New(scenario, exchangesim.Options{})
	s, err := startSimulator(organization, simulatorOptions{listen: "127.0.0.1:0", password: scriptPassword, now: time.Now, pwsh: watchedPwsh(t, there)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	modules := t.TempDir()
	shell, err := scriptproxy.Start(organization.Session(exchangesim.SessionOptions{}), organization.Clock(), "127.0.0.1:0", modules)
	if err != nil {
		t.Fatal(err)
	}
	defer shell.Close()
	t.Setenv("PSModulePath", modules)
	for _, name := range []string{"EXGRANT_PASSWORD", "EXGRANT_AS_PASSWORD"} {
		t.Setenv(name, scriptPassword) // a child must not have them
	}

	account := map[string]string{"EXGRANT_AUTH": "basic", "EXGRANT_LOGON": "administrator", "EXGRANT_PASSWORD": scriptPassword,
		"EXGRANT_EWS_URL": s.EWS, "EXGRANT_EWS_AUTH": "basic", "EXGRANT_AS_PASSWORD": scriptPassword}
	winrs := maps.Clone(account)
	winrs["EXGRANT_TRANSPORT"], winrs["EXGRANT_SERVER"] = "winrs", s.WinRS
	stranger := maps.Clone(winrs)
	stranger["EXGRANT_LOGON"] = "nobody"
	local := map[string]string{"EXGRANT_TRANSPORT": "local", "EXGRANT_PWSH": watchedPwsh(t, here), "EXGRANT_PASSWORD": scriptPassword}
	psrp := maps.Clone(account)
	psrp["EXGRANT_SERVER"] = s.URL

	grant := []string{"--user", "svc-reschedule", "--scope-group", "Reschedule Users", "--verbose"}
	proof := []string{"--as", "svc-reschedule", "--in-scope", "anna", "--out-of-scope", "boss", "--verbose"}
	for _, test := range []struct {
		variables map[string]string
		args      []string
		code      int
	}{
		{winrs, append([]string{"apply", "--yes", "--report", file("winrs.json"), "--undo", file("undo.ps1")}, grant...), exitDone},
		{winrs, append([]string{"script", "revoke", "-o", file("revoke.ps1")}, grant[:4]...), exitDone},
		{psrp, append([]string{"diagnose"}, proof...), exitDone},
		{psrp, append([]string{"diagnose", "--json", "--write-test"}, proof...), exitDone},
		{psrp, append([]string{"diagnose", "--as", "nobody"}, proof[2:]...), exitFailed},
		{psrp, []string{"connect", "--verbose"}, exitDone},
		{winrs, []string{"connect", "--verbose"}, exitDone},
		{winrs, append([]string{"verify", "--json"}, grant...), exitDone},
		{winrs, []string{"run", file("revoke.ps1"), "--yes", "--verbose"}, exitDone},
		{stranger, []string{"audit", "--verbose"}, 5},
		{stranger, []string{"connect", "--verbose"}, 5},
		{local, append([]string{"apply", "--yes", "--report", file("local.json")}, grant[:4]...), exitDone},
		{local, []string{"audit", "--json"}, exitDone},
		{local, []string{"audit", "--verbose"}, exitUsage},
		{local, append([]string{"revoke", "--yes"}, grant[:4]...), exitDone},
		{nil, []string{"demo"}, exitDone},
	} {
		var out, diagnostics strings.Builder
		p := &program{stdin: strings.NewReader(""), stdout: &out, stderr: &diagnostics, now: time.Now,
			getenv: func(name string) string { return test.variables[name] }}
		code := p.run(t.Context(), test.args)
		printed := out.String() + diagnostics.String()
		if code != test.code {
			t.Errorf("%s %q: exit %d, want %d\n%s", test.variables["EXGRANT_TRANSPORT"], test.args, code, test.code, printed)
		}
		if form := leaks(printed); form != "" {
			t.Errorf("%s %q prints %q:\n%s", test.variables["EXGRANT_TRANSPORT"], test.args, form, printed)
		}
		if code == exitDone && slices.Contains(test.args, "--verbose") && !strings.Contains(diagnostics.String(), " request, ") {
			t.Errorf("%s %q: no trace\n%s", test.variables["EXGRANT_TRANSPORT"], test.args, diagnostics.String())
		}
		if test.args[0] == "demo" && randomPassword.MatchString(printed) {
			t.Errorf("the demo prints a password: %s", randomPassword.FindString(printed))
		}
	}
	if files := searchFiles(t, folder); files != 4 {
		t.Errorf("%d files were looked through, want 4", files)
	}
	searchFiles(t, temp)
	// What the server starts is its own; of its command lines the client writes the end.
	for path, minimum := range map[string]int{here: 3, there: 4} {
		text, err := os.ReadFile(path)
		starts := 0
		for line := range strings.Lines(string(text)) {
			if strings.HasPrefix(line, "start -") {
				starts++
			}
			if form := leaks(line); form != "" && (path == here || !strings.HasPrefix(line, "EXGRANT_")) {
				t.Errorf("a PowerShell is started with %q: %s", form, line)
			}
		}
		if err != nil || starts < minimum {
			t.Errorf("%d starts of a PowerShell were seen, want %d: %v", starts, minimum, err)
		}
	}
}

// randomPassword is a password as the demo makes it (crypto/rand.Text).
var randomPassword = regexp.MustCompile(`\b[A-Z2-7]{26}\b`)
