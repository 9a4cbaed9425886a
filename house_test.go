// Package exgrant holds the tests about the repository as a whole.
package exgrant

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/exgrant/exgrant/"

// rooms is what every room may import, of ours. A room is a folder below the
// module; the longest match counts, so a folder within a room that has its own
// line is its own room. "*" is everything.
var rooms = []struct {
	room    string
	imports []string
}{
	{"pkg/exchange", nil},
	{"pkg/fault", []string{"pkg/exchange"}},
	{"pkg/psgen", []string{"pkg/exchange", "pkg/fault"}},
	{"pkg/grant", []string{"pkg/exchange", "pkg/fault"}},
	{"pkg/remote", []string{"pkg/exchange", "pkg/fault", "internal/psrp", "internal/wsman", "internal/clixml", "internal/negotiate"}},
	{"pkg/ews", []string{"pkg/exchange", "pkg/fault", "internal/negotiate"}},
	{"internal/operate", []string{"pkg/exchange", "pkg/fault", "pkg/psgen", "pkg/grant", "pkg/remote", "pkg/ews"}},
	{"internal/grantfile", []string{"pkg/exchange", "pkg/fault"}},
	{"internal/transcript", []string{"pkg/exchange", "pkg/fault", "internal/clixml"}},
	{"internal/render", []string{"pkg/exchange", "pkg/fault"}},
	{"internal/terminal", nil},
	{"internal/keyring", nil},
	{"internal/clixml", nil},
	{"internal/psrp", []string{"internal/clixml"}},
	{"internal/wsman", nil},
	{"internal/negotiate", []string{"internal/nettext"}},
	{"internal/exchangesim", []string{"pkg/exchange"}},
	{"internal/exchangesim/scriptproxy", []string{"pkg/exchange", "internal/exchangesim"}},
	{"internal/exchangesim/psrpd", []string{"pkg/exchange", "internal/exchangesim", "internal/psrp", "internal/wsman", "internal/clixml", "internal/negotiate"}},
	{"internal/exchangesim/winrsd", []string{"pkg/exchange", "internal/exchangesim", "internal/exchangesim/scriptproxy", "internal/exchangesim/psrpd", "internal/wsman", "internal/clixml", "internal/negotiate"}},
	{"internal/exchangesim/ewsd", []string{"pkg/exchange", "internal/exchangesim", "internal/negotiate"}},
	{"internal/memnet", nil},
	{"internal/peers", nil},
	{"internal/scriptshell", []string{"pkg/exchange", "internal/exchangesim", "internal/exchangesim/scriptproxy", "internal/peers"}},
	{"internal/testing/devtools", nil},
	{"internal/testing/peers", []string{"internal/testing/devtools"}},
	{"internal/httptext", nil},
	{"internal/nettext", []string{"internal/httptext"}},
	{"internal/textfile", nil},
	{"internal/aftermath", nil},
	{"pkg/opath", nil},
	{"cmd", []string{"*"}},
	{"bench", []string{"*"}},
	{"examples", []string{"*"}},
}

// reach is what rooms may not import of the rest of the world: those that decide
// contact nobody and start nothing.
var reach = []struct {
	room    string
	refused []string
}{
	{"pkg/exchange", []string{"net", "net/http", "os/exec"}},
	{"pkg/fault", []string{"net", "net/http", "os/exec"}},
	{"pkg/psgen", []string{"net", "net/http", "os/exec"}},
	{"pkg/grant", []string{"net", "net/http", "os/exec"}},
}

// visitors lists the rooms that only some may import, tests aside.
var visitors = []struct {
	room string
	by   []string
}{
	{"internal/exchangesim", []string{"cmd", "bench", "internal/exchangesim", "internal/scriptshell"}},
	{"internal/peers", []string{"internal/peers", "internal/scriptshell"}},
	{"internal/scriptshell", []string{"internal/scriptshell"}},
}

type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string // all it needs, directly or not
}

func TestImports(t *testing.T) {
	for _, p := range list(t) {
		path := strings.TrimPrefix(p.ImportPath, module)
		if path+"/" == module {
			continue // this file's package has no imports but in tests
		}
		room := roomOf(path)
		if room == "" {
			t.Errorf("%s is in no room: add it to the table", path)
			continue
		}
		for _, imported := range p.Imports {
			if ours, ok := strings.CutPrefix(imported, module); ok {
				checkImport(t, path, room, ours)
			}
		}
		for _, r := range reach {
			if r.room != room {
				continue
			}
			for _, refused := range r.refused {
				if slices.Contains(p.Deps, refused) {
					t.Errorf("%s needs %s: what decides contacts nobody", path, refused)
				}
			}
		}
	}
}

func checkImport(t *testing.T, path, room, imported string) {
	t.Helper()
	target := roomOf(imported)
	if target == room {
		return
	}
	for _, r := range rooms {
		if r.room == room && !slices.Contains(r.imports, target) && !slices.Contains(r.imports, "*") {
			t.Errorf("%s imports %s: %s may import %q of ours", path, imported, room, r.imports)
		}
	}
	for _, v := range visitors {
		if (target == v.room || strings.HasPrefix(target, v.room+"/")) &&
			!slices.ContainsFunc(v.by, func(by string) bool { return room == by || strings.HasPrefix(room, by+"/") }) {
			t.Errorf("%s imports %s: only %q and tests may", path, imported, v.by)
		}
	}
}

// roomOf returns the room of a folder, "" when it is in none.
func roomOf(path string) string {
	best := ""
	for _, r := range rooms {
		if (path == r.room || strings.HasPrefix(path, r.room+"/")) && len(r.room) > len(best) {
			best = r.room
		}
	}
	return best
}

func list(t *testing.T) []listed {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,Deps", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var all []listed
	d := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// A room that has a longer one below it must not get that one's imports.
func TestRoomOf(t *testing.T) {
	for path, want := range map[string]string{
		"pkg/exchange":                        "pkg/exchange",
		"internal/exchangesim":                "internal/exchangesim",
		"internal/exchangesim/scriptproxy":    "internal/exchangesim/scriptproxy",
		"internal/exchangesim/scriptproxy/in": "internal/exchangesim/scriptproxy",
		"cmd/exgrant":                         "cmd",
		"pkg/exchanges":                       "",
		"util":                                "",
	} {
		if got := roomOf(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
