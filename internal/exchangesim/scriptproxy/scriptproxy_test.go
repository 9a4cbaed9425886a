package scriptproxy

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
)

var engine peers.Engine

func TestMain(m *testing.M) {
	code := m.Run()
	engine.Close()
	// The web server of the standard library lingers half a second over a connection
	// whose body it refused.
	lingers := goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait")
	if err := goleak.Find(lingers); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// A fakeSession answers every command with the same, and keeps what it was sent.
type fakeSession struct {
	module       string // its name, when not tmp_fake.1ab
	objects      []exchange.Object
	deserialized bool
	streams      exchange.Streams

	mu   sync.Mutex
	sent []exchange.Command
}

func (f *fakeSession) Module() string {
	if f.module != "" {
		return f.module
	}
	return "tmp_fake.1ab"
}

func (f *fakeSession) Deserialized() bool { return f.deserialized }

func (f *fakeSession) Commands() []exchangesim.CommandInfo {
	named := func(name string, kind exchangesim.ParameterType) exchangesim.ParameterInfo {
		return exchangesim.ParameterInfo{Name: name, Type: kind, Position: -1}
	}
	identity := exchangesim.ParameterInfo{Name: "Identity", Type: exchangesim.TypeString, Position: 0, ValueFromPipeline: true}
	return []exchangesim.CommandInfo{
		{Name: "Get-Thing", Parameters: []exchangesim.ParameterInfo{identity, named("ResultSize", exchangesim.TypeString)}},
		{Name: "New-Thing", SupportsShouldProcess: true, ParameterSets: []string{"User", "Group"}, Parameters: []exchangesim.ParameterInfo{
			{Name: "User", Type: exchangesim.TypeString, Position: -1, Sets: []string{"User"}, Mandatory: true},
			{Name: "Group", Type: exchangesim.TypeString, Position: -1, Sets: []string{"Group"}, Mandatory: true},
			named("Role", exchangesim.TypeString),
		}},
		{Name: "Remove-Thing", SupportsShouldProcess: true, ConfirmImpactHigh: true, Parameters: []exchangesim.ParameterInfo{identity}},
		{Name: "Set-Thing", SupportsShouldProcess: true, Parameters: []exchangesim.ParameterInfo{
			identity,
			named("Text", exchangesim.TypeString), named("List", exchangesim.TypeStrings), named("On", exchangesim.TypeBool),
			named("Force", exchangesim.TypeSwitch), named("Count", exchangesim.TypeInt),
		}},
	}
}

func (f *fakeSession) Invoke(_ context.Context, p exchange.Pipeline, yield func(exchange.Object) error) (exchange.Streams, error) {
	f.mu.Lock()
	f.sent = append(f.sent, p...)
	f.mu.Unlock()
	for _, o := range f.objects {
		if err := yield(o); err != nil {
			return exchange.Streams{}, err
		}
	}
	return f.streams, nil
}

// start serves a session for the time of a test, whose PowerShell must be there.
func start(t *testing.T, s Session, clock *exchangesim.Clock) *Server {
	t.Helper()
	peers.Pwsh(t)
	server, err := Start(s, clock, "127.0.0.1:0", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// run runs PowerShell text with a session's module.
func run(t *testing.T, s *Server, text string) *peers.Result {
	t.Helper()
	return engine.Run(t, peers.Job{Command: text, Modules: []string{s.Manifest}})
}

func newClock() *exchangesim.Clock {
	return exchangesim.New(exchangesim.Scenarios()[0], exchangesim.Options{}).Clock()
}

func TestObjects(t *testing.T) {
	when := time.Date(2026, 3, 29, 1, 30, 0, 123456700, time.UTC)
	nasty := "a_x0041_ <&>\"' \r\n\t\x01 \u2028 \U0001F600 Grüße 日本"
	server := start(t, &fakeSession{objects: []exchange.Object{{
		TypeName: "Microsoft.Exchange.Data.Directory.Management.Mailbox",
		Properties: []exchange.Property{
			{Name: "Identity", Value: "contoso.test/Users/anna"},
			{Name: "Text", Value: nasty},
			{Name: "Guid", Value: exchange.GUID("7d0d5c53-0d6b-4f6e-b1b8-1d1f3c1a2b01")},
			{Name: "When", Value: when},
			{Name: "Yes", Value: true},
			{Name: "Small", Value: int64(-5)},
			{Name: "Large", Value: int64(1) << 40},
			{Name: "Part", Value: 1.5},
			{Name: "None", Value: nil},
			{Name: "One", Value: []string{"x"}},
			{Name: "Empty", Value: []string{}},
			{Name: "Inner", Value: exchange.Object{TypeName: "A.B", Properties: []exchange.Property{{Name: "C", Value: "d"}}}},
		},
	}, {
		TypeName:   "Second",
		Properties: []exchange.Property{{Name: "Name", Value: "two"}},
	}}}, newClock())
	r := run(t, server, `
$first, $second = Get-Thing
$first.PSObject.TypeNames[0]
"$first"
"$second"
($first.Text.ToCharArray() | ForEach-Object -Process { [int]$_ }) -join ' '
$first.Guid.GetType().Name + ' ' + $first.Guid
$first.When.GetType().Name + ' ' + $first.When.ToUniversalTime().ToString('o')
$first.Yes.GetType().Name
$first.Small.GetType().Name + ' ' + $first.Small
$first.Large.GetType().Name + ' ' + $first.Large
$first.Part.GetType().Name
$null -eq $first.None
'{0} {1}' -f @($first.One).Count, $first.One[0]
@($first.Empty).Count
$first.Inner.C + ' ' + $first.Inner.PSObject.TypeNames[0]
$first.PSComputerName
`)
	want := []string{
		"Deserialized.Microsoft.Exchange.Data.Directory.Management.Mailbox",
		"contoso.test/Users/anna",
		"two",
		charCodes(nasty),
		"Guid 7d0d5c53-0d6b-4f6e-b1b8-1d1f3c1a2b01",
		"DateTime 2026-03-29T01:30:00.1234567Z",
		"Boolean",
		"Int32 -5",
		"Int64 1099511627776",
		"Double",
		"True",
		"1 x",
		"0",
		"d Deserialized.A.B",
		"ex01.contoso.test",
	}
	if diff := cmp.Diff(want, texts(r)); diff != "" {
		t.Errorf("%s\n%s", diff, r.Console)
	}
}

// Text of every kind arrives as it is: the engine's own deserializer reads what
// this package encodes.
func TestTextArrivesUnchanged(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"_", "x", "X", "0", "0", "4", "1", "_x0041_", "_x", "<", "&amp;", "]]>", "\"", "'", " ", "\n", "\r", "\t", "\x00", "\x1f", "\x7f",
		"\u0085", "\u00a0", "\u2028", "\ufeff", "\ufffd", "\ufffe", "\uffff", "\U0001F600", "\U0010FFFF", "ä", "日"}
	var list []string
	for range 2000 {
		var b strings.Builder
		for range random.IntN(9) {
			b.WriteString(pieces[random.IntN(len(pieces))])
		}
		list = append(list, b.String())
	}
	server := start(t, &fakeSession{objects: []exchange.Object{{Properties: []exchange.Property{{Name: "List", Value: list}}}}}, newClock())
	r := run(t, server, `foreach ($s in (Get-Thing).List) { ($s.ToCharArray() | ForEach-Object -Process { [int]$_ }) -join ' ' }`)
	got := texts(r)
	if len(got) != len(list) {
		t.Fatalf("%d texts, want %d\n%.500s", len(got), len(list), r.Console)
	}
	for i, s := range list {
		if want := charCodes(s); got[i] != want {
			t.Errorf("%q arrived as %s, want %s", s, got[i], want)
		}
	}
}

// charCodes is a text as PowerShell counts it, so that no console can change it.
func charCodes(s string) string {
	var codes []string
	for _, unit := range utf16.Encode([]rune(s)) {
		codes = append(codes, fmt.Sprint(unit))
	}
	return strings.Join(codes, " ")
}

func texts(r *peers.Result) []string {
	var out []string
	for _, o := range r.Output {
		out = append(out, o.Text)
	}
	return out
}

func TestParameters(t *testing.T) {
	session := &fakeSession{}
	server := start(t, session, newClock())
	r := run(t, server, `
$id = [pscustomobject]@{ A = 1 }
Set-Thing x -Text 'it''s' -List 'a', "b`+"`n"+`c" -On $false -Force -Count 7
Set-Thing -Identity ([guid]'7d0d5c53-0d6b-4f6e-b1b8-1d1f3c1a2b01') -List one -Force:$false -Text $null -Verbose -ErrorAction Stop -OutVariable kept
Get-Thing -ResultSize 1000000
Get-Thing -Identity ([datetime]'2026-01-02T03:04:05Z')
'p', 'q' | Get-Thing
Remove-Thing -Identity x -Confirm:$false
`)
	if len(r.Errors) > 0 {
		t.Fatal(r.Console)
	}
	want := []exchange.Command{
		{Cmdlet: "Set-Thing", Params: []exchange.Param{
			{Name: "Text", Value: exchange.String("it's")}, {Name: "List", Value: exchange.Strings{"a", "b\nc"}},
			{Name: "On", Value: exchange.Bool(false)}, {Name: "Force", Value: exchange.Switch(true)},
			{Name: "Count", Value: exchange.Int(7)}, {Name: "Identity", Value: exchange.String("x")},
			{Name: "Confirm", Value: exchange.Switch(false)}}},
		{Cmdlet: "Set-Thing", Params: []exchange.Param{
			{Name: "Identity", Value: exchange.String("7d0d5c53-0d6b-4f6e-b1b8-1d1f3c1a2b01")},
			{Name: "List", Value: exchange.Strings{"one"}}, {Name: "Force", Value: exchange.Switch(false)},
			{Name: "Text", Value: exchange.Null{}}, {Name: "Confirm", Value: exchange.Switch(false)}}},
		{Cmdlet: "Get-Thing", Params: []exchange.Param{{Name: "ResultSize", Value: exchange.String("1000000")}}},
		{Cmdlet: "Get-Thing", Params: []exchange.Param{{Name: "Identity", Value: exchange.String("2026-01-02T03:04:05.0000000Z")}}},
		{Cmdlet: "Get-Thing", Params: []exchange.Param{{Name: "Identity", Value: exchange.String("p")}}},
		{Cmdlet: "Get-Thing", Params: []exchange.Param{{Name: "Identity", Value: exchange.String("q")}}},
		{Cmdlet: "Remove-Thing", Params: []exchange.Param{
			{Name: "Identity", Value: exchange.String("x")}, {Name: "Confirm", Value: exchange.Switch(false)}}},
	}
	if diff := cmp.Diff(want, session.sent); diff != "" {
		t.Error(diff)
	}
}

const notFoundID = "[Server=EX01,RequestId=1f1c0c1e-92cf-4a6c-8a55-9f0a9a4d2f11,TimeStamp=11/24/2026 9:00:00 AM] " +
	"[FailureCategory=Cmdlet-ManagementObjectNotFoundException] E3DE7D95,Microsoft.Exchange.Management.RecipientTasks.GetUser"

func notFound(message string) exchange.ErrorRecord {
	return exchange.ErrorRecord{
		FullyQualifiedErrorID: notFoundID,
		ExceptionType:         "Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
		Category:              "NotSpecified", Reason: "ManagementObjectNotFoundException",
		Activity: "Get-Thing", TargetName: "nobody", Message: message,
	}
}

func TestErrors(t *testing.T) {
	session := &fakeSession{
		objects: []exchange.Object{{TypeName: "A", Properties: []exchange.Property{{Name: "Name", Value: "one"}}}},
		streams: exchange.Streams{Errors: []exchange.ErrorRecord{notFound("first"), notFound("zweites Ä")}, Warnings: []string{"careful"}},
	}
	server := start(t, session, newClock())

	t.Run("non-terminating", func(t *testing.T) {
		r := run(t, server, `$ErrorActionPreference = 'Stop'; Get-Thing -Identity nobody | Out-Null; 'after'`)
		if diff := cmp.Diff([]string{"after"}, texts(r)); diff != "" {
			t.Errorf("a proxy must not see the script's $ErrorActionPreference: %s\n%s", diff, r.Console)
		}
		if len(r.Errors) != 2 || !slices.Equal(r.Warnings, []string{"careful"}) {
			t.Fatalf("errors %+v, warnings %q", r.Errors, r.Warnings)
		}
		got := r.Errors[1]
		got.Script, got.Line, got.Position = "", 0, ""
		want := peers.ErrorRecord{
			FullyQualifiedErrorID: notFoundID,
			ExceptionType:         "System.Management.Automation.RemoteException",
			Category:              "NotSpecified", Reason: "ManagementObjectNotFoundException",
			Activity: "Get-Thing", TargetName: "nobody", Message: "zweites Ä",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if !strings.Contains(r.Console, "zweites Ä") || !strings.Contains(r.Console, "WARNING: careful") {
			t.Errorf("console:\n%s", r.Console)
		}
	})

	t.Run("ErrorAction Stop", func(t *testing.T) {
		r := run(t, server, `
try {
    Get-Thing -Identity nobody -ErrorAction Stop | Out-Null
    'not reached'
} catch {
    $_.FullyQualifiedErrorId
    $_.Exception.GetType().FullName
    $_.Exception.Message
    $_.Exception.SerializedRemoteException.PSObject.TypeNames[0]
    $_.CategoryInfo.Reason
}`)
		want := []string{notFoundID, "System.Management.Automation.RemoteException", "first",
			"Deserialized.Microsoft.Exchange.Configuration.Tasks.ManagementObjectNotFoundException",
			"ManagementObjectNotFoundException"}
		if diff := cmp.Diff(want, texts(r)); diff != "" {
			t.Errorf("%s\n%s", diff, r.Console)
		}
	})

	t.Run("ErrorAction SilentlyContinue and ErrorVariable", func(t *testing.T) {
		r := run(t, server, `Get-Thing -ErrorAction SilentlyContinue -ErrorVariable bad -WarningAction SilentlyContinue | Out-Null; $bad.Count`)
		if r.Console != "2\n" {
			t.Errorf("console %q", r.Console)
		}
	})

	t.Run("unknown parameter", func(t *testing.T) {
		r := run(t, server, `Get-Thing -Force`)
		if len(r.Errors) != 1 || r.Errors[0].FullyQualifiedErrorID != "NamedParameterNotFound,Get-Thing" {
			t.Errorf("%+v", r.Errors)
		}
	})

	t.Run("parameter sets", func(t *testing.T) {
		for text, want := range map[string]string{
			`New-Thing -User a -Group b`: "AmbiguousParameterSet,New-Thing",
			`New-Thing -Role a`:          "MissingMandatoryParameter,New-Thing",
			`Set-Thing -On perhaps`:      "ParameterArgumentTransformationError,Set-Thing",
		} {
			r := run(t, server, text)
			if len(r.Errors) != 1 || r.Errors[0].FullyQualifiedErrorID != want {
				t.Errorf("%s: %+v, want %s", text, r.Errors, want)
			}
		}
		if r := run(t, server, `New-Thing -Group b -ErrorAction SilentlyContinue | Out-Null`); len(r.Errors) != 0 {
			t.Errorf("%+v", r.Errors)
		}
	})

	t.Run("hidden cmdlet", func(t *testing.T) {
		r := run(t, server, `Add-Thing`)
		if len(r.Errors) != 1 || r.Errors[0].FullyQualifiedErrorID != "CommandNotFoundException" {
			t.Errorf("%+v", r.Errors)
		}
	})
}

func TestFailedPipeline(t *testing.T) {
	server := start(t, &fakeSession{streams: exchange.Streams{Failed: true, Errors: []exchange.ErrorRecord{notFound("the end")}}}, newClock())
	r := run(t, server, `try { Get-Thing; 'not reached' } catch { $_.FullyQualifiedErrorId }`)
	if diff := cmp.Diff([]string{notFoundID}, texts(r)); diff != "" {
		t.Errorf("%s\n%s", diff, r.Console)
	}
}

func TestWhatIfAndConfirm(t *testing.T) {
	session := &fakeSession{}
	server := start(t, session, newClock())
	r := run(t, server, `Set-Thing -Identity x -WhatIf`)
	if want := "What if: Performing the operation \"Set-Thing\" on target \"x\".\n"; r.Console != want {
		t.Errorf("console %q, want %q", r.Console, want)
	}
	want := []exchange.Command{{Cmdlet: "Set-Thing", Params: []exchange.Param{
		{Name: "Identity", Value: exchange.String("x")}, {Name: "WhatIf", Value: exchange.Switch(true)}}}}
	if diff := cmp.Diff(want, session.sent); diff != "" {
		t.Error(diff)
	}

	// Nobody can answer the question of an unattended shell: nothing may be sent.
	session.sent = nil
	r = run(t, server, `Remove-Thing -Identity x; 'after'`)
	if len(r.Errors) == 0 || len(session.sent) != 0 {
		t.Errorf("errors %v, sent %v; want an error and nothing sent", r.Errors, session.sent)
	}

	session.streams = exchange.Streams{Errors: []exchange.ErrorRecord{notFound("no such thing")}}
	r = run(t, server, `Set-Thing -Identity x -WhatIf`)
	if len(r.Errors) != 1 || strings.Contains(r.Console, "What if:") {
		t.Errorf("console of a refused change:\n%s", r.Console)
	}
}

func TestClock(t *testing.T) {
	clock := newClock()
	began := clock.Now()
	server := start(t, &fakeSession{}, clock)
	r := run(t, server, `
$now = Get-Date
$now.Kind.ToString()
$now.ToUniversalTime().ToString('o')
Start-Sleep -Seconds 3600
Start-Sleep 1.5
Start-Sleep -Milliseconds 500
2, 3 | Start-Sleep
((Get-Date) - $now).TotalSeconds.ToString()
Get-Date -Format 'yyyy'
Get-Date -UFormat '%Y-%m'
(Get-Date -Date '2020-02-03').Month.ToString()
(Get-Date -Year 1999).Year.ToString()
(Get-Date '2020-02-03' -Format 'dd')
`)
	want := []string{"Local", began.Format("2006-01-02T15:04:05.0000000Z"), "3607", "2026", "2026-11", "2", "1999", "03"}
	if diff := cmp.Diff(want, texts(r)); diff != "" {
		t.Errorf("%s\n%s", diff, r.Console)
	}
	if slept := clock.Now().Sub(began); slept != 3607*time.Second {
		t.Errorf("the model slept %v, want 1h0m7s", slept)
	}
}

func TestAutoLoading(t *testing.T) {
	server := start(t, &fakeSession{objects: []exchange.Object{{TypeName: "A", Properties: []exchange.Property{{Name: "Name", Value: "found"}}}}}, newClock())
	script := filepath.Join(t.TempDir(), "script.ps1")
	text := "(Get-Thing).Name\n(Get-Command -Name Get-Thing).ModuleName\n(Get-Command -Name Start-Sleep).CommandType\n"
	if err := os.WriteFile(script, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	modules := filepath.Dir(filepath.Dir(server.Manifest))
	exited := peers.RunProcess(t, peers.Process{
		Args: []string{"-File", script},
		Env:  []string{"PSModulePath=" + modules},
	})
	if want := "found\ntmp_fake.1ab\nFunction\n"; exited.Stdout != want || exited.Code != 0 {
		t.Errorf("%+v, want %q", exited, want)
	}
}

func TestModulePassesCheck(t *testing.T) {
	for _, session := range []Session{&fakeSession{}, &fakeSession{module: "tmpEXO_fake.1ab"}} {
		server := start(t, session, newClock())
		for _, finding := range peers.Check(t, nil, server.Manifest, strings.TrimSuffix(server.Manifest, ".psd1")+".psm1") {
			t.Error(finding)
		}
	}
}

func TestExchangeOnlineShell(t *testing.T) {
	server := start(t, &fakeSession{module: "tmpEXO_fake.1ab"}, newClock())
	r := run(t, server, `(Get-Command -Name Get-Thing).ModuleName; (Get-ConnectionInformation).State; (Get-ConnectionInformation).ModuleName`)
	if want := "tmpEXO_fake.1ab\nConnected\ntmpEXO_fake.1ab\n"; r.Console != want {
		t.Errorf("console %q, want %q", r.Console, want)
	}
	server = start(t, &fakeSession{}, newClock())
	r = run(t, server, `Get-Command -Name Get-ConnectionInformation`)
	if len(r.Errors) != 1 {
		t.Errorf("an on-premises shell has Get-ConnectionInformation: %s", r.Console)
	}
}

// More objects than fit into one piece of an answer arrive in order.
func TestManyObjects(t *testing.T) {
	session := &fakeSession{objects: make([]exchange.Object, 10*batch+1)}
	for i := range session.objects {
		session.objects[i] = exchange.Object{TypeName: "A", Properties: []exchange.Property{{Name: "Name", Value: fmt.Sprint(i)}}}
	}
	server := start(t, session, newClock())
	r := run(t, server, `$n = 0; Get-Thing | ForEach-Object -Process { if ($_.Name -ne $n) { $_.Name }; $n++ }; "all $n"`)
	if want := fmt.Sprintf("all %d\n", 10*batch+1); r.Console != want {
		t.Errorf("console %.200q, want %q", r.Console, want)
	}

	// A pipeline that has enough stops the command.
	if r := run(t, server, `(Get-Thing | Select-Object -First 2).Count`); r.Console != "2\n" {
		t.Errorf("console %q", r.Console)
	}
}

func TestStrangersAreRefused(t *testing.T) {
	session := &fakeSession{}
	server := start(t, session, newClock())
	post := func(token, body string) int {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), "POST", server.URL+"/invoke", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(tokenHeader, token)
		response, err := http.DefaultTransport.RoundTrip(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	module, err := os.ReadFile(strings.TrimSuffix(server.Manifest, ".psd1") + ".psm1")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(module), "$script:Token = '")
	token, _, _ := strings.Cut(rest, "'")
	for _, c := range []struct {
		name, token, body string
		want              int
	}{
		{"no token", "", `{}`, http.StatusForbidden},
		{"wrong token", "x" + token, `{}`, http.StatusForbidden},
		{"no JSON", token, `{`, http.StatusBadRequest},
		{"a list of lists", token, `{"cmdlet": "Get-Thing", "parameters": [{"name": "Identity", "value": [[]]}]}`, http.StatusBadRequest},
		{"too long", token, `{"cmdlet": "` + strings.Repeat("x", maxBody) + `"}`, http.StatusRequestEntityTooLarge},
	} {
		if got := post(c.token, c.body); got != c.want {
			t.Errorf("%s: status %d, want %d", c.name, got, c.want)
		}
	}
	if len(session.sent) != 0 {
		t.Errorf("commands reached the session: %v", session.sent)
	}
	if got := post(token, `{"cmdlet": "Get-Thing"}`); got != http.StatusOK {
		t.Errorf("the module's own token: status %d", got)
	}
}

func TestStartRefuses(t *testing.T) {
	if _, err := Start(&fakeSession{}, newClock(), "0.0.0.0:0", t.TempDir()); err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("error %v, want one that asks for a loopback address", err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tmp_fake.1ab"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Start(&fakeSession{}, newClock(), "127.0.0.1:0", dir); err == nil {
		t.Error("an existing module was written over")
	}
}

func TestStoppedServer(t *testing.T) {
	server := start(t, &fakeSession{}, newClock())
	script := `Get-Thing; [System.IO.File]::WriteAllText($marker, ''); while ([System.IO.File]::Exists($marker)) { [System.Threading.Thread]::Sleep(20) }; Get-Thing`
	marker := filepath.Join(t.TempDir(), "marker")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if _, err := os.Stat(marker); err == nil {
				server.Close()
				os.Remove(marker)
				return
			}
		}
	}()
	r := run(t, server, "$marker = '"+marker+"'; "+script)
	<-done
	if len(r.Errors) != 1 || !strings.Contains(r.Errors[0].Message, "does not answer") {
		t.Errorf("%+v", r.Errors)
	}
	if _, err := os.Stat(filepath.Dir(server.Manifest)); !os.IsNotExist(err) {
		t.Errorf("the module is still there: %v", err)
	}
}

// Whatever a stranger with the token sends gets an answer.
func FuzzInvoke(f *testing.F) {
	f.Add(`{"cmdlet": "Set-Thing", "parameters": [{"name": "Count", "value": 1e400}, {"name": "List", "value": ["a", 1]}]}`)
	f.Add(`{"cmdlet": "", "parameters": [{"name": null, "value": {}}]}`)
	f.Add(`{"cmdlet": "Get-Thing", "parameters": [{"name": "identity", "value": null}]} trailing`)
	handler := New(&fakeSession{}, newClock(), "token")
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/invoke", "/sleep", "/clock"} {
			request := httptest.NewRequest("POST", path, strings.NewReader(body))
			request.Header.Set(tokenHeader, "token")
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			if recorder.Code != http.StatusOK && recorder.Code != http.StatusBadRequest {
				t.Errorf("%s %q: status %d", path, body, recorder.Code)
			}
			if path == "/invoke" && recorder.Code == http.StatusOK && !strings.HasPrefix(recorder.Body.String(), "S<Objs") {
				t.Errorf("%q: answer %.100q", body, recorder.Body)
			}
		}
	})
}
