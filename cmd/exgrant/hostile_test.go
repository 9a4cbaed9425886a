package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// A simulator is for this computer: what a web page is led here by another name for
// is refused.
func TestSimulatorsHost(t *testing.T) {
	next := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	for host, want := range map[string]int{
		"127.0.0.1:4711": 401, "localhost": 401, "LOCALHOST.:80": 401, "[::1]:443": 401, "ex01.contoso.test": 401, "mail.contoso.test:443": 401,
		"evil.example": 400, "evil.example:4711": 400, "127.0.0.1.evil.example": 400, "contoso.test.evil.example": 400, "192.0.2.1": 400, "": 400, "test": 400,
	} {
		r := httptest.NewRequest("POST", "/PowerShell/", nil)
		r.Host = host
		w := httptest.NewRecorder()
		ownHost{next}.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%q: %d, want %d", host, w.Code, want)
		}
	}
}

// When its time is over a run ends as by Ctrl-C: the report is written, the session
// deleted.
func TestDeadline(t *testing.T) {
	e := newEndpoint(t)
	e.behind(5, func() { time.Sleep(4 * time.Second) }) // meanwhile nobody is answered
	process := exec.Command(os.Args[0], "audit", "--deadline", "2s", "--json")
	process.Args[0] = "exgrant" // by this name the test's program is exgrant
	process.Env = append(os.Environ(), "EXGRANT_SERVER="+e.url, "EXGRANT_AUTH=basic", "EXGRANT_LOGON=administrator", "EXGRANT_PASSWORD="+scriptPassword)
	var out, errs strings.Builder
	process.Stdout, process.Stderr = &out, &errs
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	stop := time.AfterFunc(time.Minute, func() { _ = process.Process.Kill() })
	defer stop.Stop()
	_ = process.Wait()
	if code := process.ProcessState.ExitCode(); code != exitInterrupted || !strings.Contains(out.String(), `"outcome": "interrupted"`) ||
		!strings.Contains(errs.String(), "exgrant: --deadline 2s is over: the run was ended\n") {
		t.Errorf("exit %d\n%s\n%s", code, out.String(), errs.String())
	}
}
