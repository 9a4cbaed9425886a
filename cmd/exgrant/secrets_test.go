package main

import (
	"encoding/base64"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// leaks returns the form in which a text shows the password; "" is none.
func leaks(text string) string {
	for _, form := range []string{
		scriptPassword,
		url.QueryEscape(scriptPassword),
		url.PathEscape(scriptPassword),
		base64.StdEncoding.EncodeToString([]byte(scriptPassword)),
		base64.StdEncoding.EncodeToString([]byte("administrator:" + scriptPassword)), // as basic sends it
		strings.TrimPrefix(scriptPassword, "Winter-"),                                // cut
	} {
		if strings.Contains(text, form) {
			return form
		}
	}
	return ""
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
		{[]string{"apply", file("plan.json"), "--yes", "--verbose", "--report", file("made.json"), "--rollback", file("undo.ps1")}, exitDone},
		{append([]string{"verify", "--in-scope", "anna", "--out-of-scope", "boss"}, grant...), exitDone},
		{[]string{"audit", "--verbose", "--password-file", passwordFile}, exitDone},
		{[]string{"audit", "--verbose", "--json"}, exitDone},
		{[]string{"audit", "--verbose", "--format", "yaml"}, exitDone},
		{append([]string{"plan", "--user", "nobody"}, grant[2:]...), exitFailed},
		{[]string{"revoke", "--from", file("made.json"), "--yes", "--verbose", "--report", file("gone.json")}, exitDone},
		{append([]string{"revoke", "--json", "--yes"}, grant...), exitDone},

		{[]string{"audit", "--verbose", "--username", "nobody"}, 5},
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
	if err != nil || files != 4 {
		t.Errorf("%d files were looked through, want 4: %v", files, err)
	}
}
