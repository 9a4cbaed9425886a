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

	"github.com/exgrant/exgrant/internal/testing/peers"
)

const module = "github.com/exgrant/exgrant/"

// rooms is what every room may import, of ours. A room is a folder below the
// module; the longest match counts, so a folder within a room that has its own
// line is its own room. "*" is everything.
var rooms = []struct {
	room    string
	imports []string
}{
	{"pkg/opath", nil},
	{"pkg/exchange", []string{"pkg/opath"}},
	{"pkg/fault", []string{"pkg/exchange"}},
	{"pkg/report", []string{"pkg/exchange", "pkg/fault", "pkg/opath", "internal/jsontext"}},
	{"pkg/psgen", []string{"pkg/exchange", "pkg/opath", "pkg/report", "pkg/fault"}},
	{"pkg/grant", []string{"pkg/exchange", "pkg/opath", "pkg/report", "pkg/fault", "internal/commands", "internal/aftermath"}},
	{"pkg/ews", []string{"pkg/exchange", "pkg/fault", "pkg/report", "internal/negotiate", "internal/httptext", "internal/nettext", "internal/aftermath"}},
	{"pkg/remote", []string{"pkg/exchange", "pkg/fault", "pkg/report", "internal/psrp", "internal/wsman", "internal/clixml", "internal/negotiate", "internal/nettext", "internal/aftermath"}},
	{"internal/aftermath", nil},
	{"internal/commands", []string{"pkg/exchange"}},
	{"internal/ladder", []string{"pkg/exchange", "pkg/opath", "pkg/report", "pkg/fault", "pkg/grant", "pkg/remote", "pkg/ews"}},
	{"internal/grantfile", []string{"pkg/exchange", "pkg/report", "pkg/fault"}},
	{"internal/textfile", nil},
	{"internal/jsontext", nil},
	{"internal/httptext", nil},
	{"internal/nettext", []string{"internal/httptext"}},
	{"internal/transcript", []string{"pkg/exchange", "pkg/report", "pkg/fault", "internal/clixml", "internal/textfile"}},
	{"internal/render", []string{"pkg/exchange", "pkg/report", "pkg/fault"}},
	{"internal/terminal", nil},
	{"internal/keyring", nil},
	{"internal/clixml", nil},
	{"internal/psrp", []string{"internal/clixml"}},
	{"internal/wsman", []string{"internal/httptext", "internal/nettext"}},
	{"internal/negotiate", []string{"internal/nettext"}},
	{"internal/exchangesim", []string{"pkg/exchange", "pkg/opath", "internal/jsontext"}},
	{"internal/exchangesim/scriptproxy", []string{"pkg/exchange", "internal/exchangesim"}},
	{"internal/exchangesim/psrpd", []string{"pkg/exchange", "internal/exchangesim", "internal/psrp", "internal/wsman", "internal/clixml", "internal/negotiate"}},
	{"internal/exchangesim/winrsd", []string{"pkg/exchange", "internal/exchangesim", "internal/exchangesim/scriptproxy", "internal/exchangesim/psrpd", "internal/wsman", "internal/clixml", "internal/negotiate"}},
	{"internal/exchangesim/ewsd", []string{"pkg/exchange", "internal/exchangesim", "internal/negotiate"}},
	{"internal/release", nil},
	{"internal/testing/devtools", nil},
	{"internal/testing/memnet", nil},
	{"internal/testing/peers", []string{"internal/testing/devtools"}},
	{"internal/testing/scriptshell", []string{"pkg/exchange", "pkg/report", "internal/exchangesim", "internal/exchangesim/scriptproxy", "internal/testing/peers"}},
	{"ansible", nil},
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
	{"pkg/opath", []string{"net", "net/http", "os/exec"}},
	{"pkg/report", []string{"net", "net/http", "os/exec"}},
	{"pkg/fault", []string{"net", "net/http", "os/exec"}},
	{"pkg/psgen", []string{"net", "net/http", "os/exec"}},
	{"pkg/grant", []string{"net", "net/http", "os/exec"}},
}

// visitors lists the rooms that only some may import, tests aside.
var visitors = []struct {
	room string
	by   []string
}{
	{"internal/exchangesim", []string{"cmd", "bench", "internal/exchangesim", "internal/testing"}},
	{"internal/testing", []string{"bench", "internal/testing"}},
	{"internal/commands", []string{"pkg/grant", "bench"}},
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
	out, err := exec.Command(peers.Program(t, "go"), "list", "-json=ImportPath,Imports,Deps", "./...").Output()
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
