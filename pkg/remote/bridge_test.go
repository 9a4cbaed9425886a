package remote

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/opath"
	"github.com/google/go-cmp/cmp"
)

// The tests in this file run against PowerShell's own PSRP server behind the
// shared bridge, in the no-language mode of an Exchange server.

const bridgeUser, bridgePassword = "alice", "Passw0rd!"

func exchangeBridge(t *testing.T, args []string, env ...string) *peers.Bridge {
	t.Helper()
	return peers.StartBridge(t, peers.BridgeOptions{
		Args: append([]string{"--exchange", "--basic", bridgeUser + ":" + bridgePassword}, args...),
		Env:  append(env, "EXCHANGEORG_STATE="+filepath.Join(t.TempDir(), "org.json")),
	})
}

func bridgeSession(t *testing.T, b *peers.Bridge) Session {
	t.Helper()
	s, err := Dial(t.Context(), Target{Server: b.URL, Timeout: 10 * time.Second}, Credential{Method: Basic, Username: bridgeUser, Password: NewSecret(bridgePassword)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func invoke(t *testing.T, s exchange.Invoker, commands ...exchange.Command) ([]exchange.Object, exchange.Streams) {
	t.Helper()
	var objects []exchange.Object
	streams, err := s.Invoke(t.Context(), commands, func(o exchange.Object) error { objects = append(objects, o); return nil })
	if err != nil {
		t.Fatalf("%s: %v", commands[0].Cmdlet, err)
	}
	return objects, streams
}

// requests counts what the bridge was asked, by action.
func requests(b *peers.Bridge) map[string]int {
	n := map[string]int{}
	for _, e := range b.Events() {
		if e.Event == "request" && e.N > 0 {
			n[e.Action]++
		}
	}
	return n
}

func TestBridgeGrant(t *testing.T) {
	noneLeft(t)
	b := exchangeBridge(t, nil)
	s := bridgeSession(t, b)
	users, _ := invoke(t, s, commands.GetUser("svc-sched"))
	if len(users) != 1 || !strings.HasPrefix(users[0].Text("DistinguishedName"), "CN=") {
		t.Fatalf("users %+v", users)
	}
	if _, ok := users[0].Properties[0].Value.(exchange.GUID); users[0].Text("Guid") == "" {
		t.Errorf("no GUID: %+v, %v", users[0], ok)
	}
	filter, err := opath.MemberOf(must(invoke(t, s, commands.GetGroup("Calendar Users")))[0].Text("DistinguishedName"))
	if err != nil {
		t.Fatal(err)
	}
	invoke(t, s, commands.NewScope("Scope O'Brien & Söhne", filter, ""))
	made, streams := invoke(t, s, commands.NewAssignment("Grant O'Brien & Söhne", exchange.User, users[0].Text("Guid"), exchange.Role,
		commands.WriteScope{Custom: "Scope O'Brien & Söhne"}, ""))
	if len(streams.Errors) > 0 || len(made) != 1 || made[0].Text("Name") != "Grant O'Brien & Söhne" || made[0].Text("CustomRecipientWriteScope") != "Scope O'Brien & Söhne" {
		t.Fatalf("made %+v, %+v", made, streams)
	}
	missing, streams := invoke(t, s, commands.GetUser("nobody"))
	if len(missing) != 0 || streams.Failed || len(streams.Errors) != 1 {
		t.Fatalf("missing %+v, %+v", missing, streams)
	}
	if f, _ := fault.Classify(fault.Evidence{Record: streams.Errors[0]}); f.ID != fault.PrincipalNotFound {
		t.Errorf("a missing user is %s: %+v", f.ID, streams.Errors[0])
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	end := b.Stop(t)
	// One Receive for the pool and one for each pipeline, unless the engine is slow to
	// tell the end of one.
	want := map[string]int{"Create": 1, "Command": 5, "Receive": min(max(end.ByAction["Receive"], 6), 11), "Delete": 1}
	if diff := cmp.Diff(want, end.ByAction); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if len(end.ShellsLeft) > 0 {
		t.Errorf("shells left open: %v", end.ShellsLeft)
	}
}

func must(objects []exchange.Object, _ exchange.Streams) []exchange.Object { return objects }

// What a no-language endpoint does not have ends the pipeline as an error of it,
// not of the session.
func TestBridgeRefusals(t *testing.T) {
	s := bridgeSession(t, exchangeBridge(t, nil, "EXCHANGEORG_FAULT=needs-customization,no-cmdlet"))
	_, streams := invoke(t, s, commands.EnableOrganizationCustomization())
	if f, _ := fault.Classify(fault.Evidence{Record: first(streams)}); f.ID != fault.CmdletMissing || !streams.Failed {
		t.Errorf("a missing cmdlet is %s: %+v", f.ID, streams)
	}
	_, streams = invoke(t, s, commands.NewScope("S", "Name -eq 'x'", ""))
	if f, _ := fault.Classify(fault.Evidence{Record: first(streams)}); f.ID != fault.Dehydrated {
		t.Errorf("a dehydrated organization is %s: %+v", f.ID, streams)
	}
	found, streams := invoke(t, s, commands.GetCommands("Get-User", "Get-Mailbox"))
	if len(found) != 2 || !slices.Contains(found[0].Strings("Parameters"), "Identity") {
		t.Errorf("commands %+v, %+v", found, streams)
	}
}

func first(s exchange.Streams) exchange.ErrorRecord {
	if len(s.Errors) == 0 {
		return exchange.ErrorRecord{}
	}
	return s.Errors[0]
}

func TestBridgeLongOutput(t *testing.T) {
	b := exchangeBridge(t, []string{"--fragment-size", "900", "--streams-per-receive", "40"}, "EXCHANGEORG_FAULT=long-output,warning")
	s := bridgeSession(t, b)
	objects, streams := invoke(t, s, commands.ListRecipients("", ""))
	if len(objects) < 5000 || len(streams.Warnings) == 0 {
		t.Errorf("%d objects, warnings %q", len(objects), streams.Warnings)
	}
	stop := errors.New("enough")
	seen := 0
	_, err := s.Invoke(t.Context(), exchange.Pipeline{commands.ListRecipients("", "")}, func(exchange.Object) error {
		seen++
		return stop
	})
	if !errors.Is(err, stop) || seen != 1 {
		t.Errorf("%v after %d objects", err, seen)
	}
	if objects, _ := invoke(t, s, commands.GetUser("alice")); len(objects) < 1 {
		t.Error("the session is of no use after a stopped pipeline")
	}
	// A second one only where this machine was too slow to throw away in time what a
	// stopped pipeline still said.
	if n := requests(b)["Create"]; n > 2 {
		t.Errorf("%d shells, want 1", n)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := b.Stop(t).ShellsLeft; len(left) > 0 {
		t.Errorf("shells left open: %v", left)
	}
}

func TestBridgeCancel(t *testing.T) {
	noneLeft(t)
	b := exchangeBridge(t, nil, "EXCHANGEORG_FAULT=slow:4")
	s := bridgeSession(t, b)
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	_, err := s.Invoke(ctx, exchange.Pipeline{commands.GetUser("alice")}, func(exchange.Object) error { return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a read that is cancelled: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	_, err = s.Invoke(ctx, exchange.Pipeline{commands.RemoveScope("x", "")}, func(exchange.Object) error { return nil })
	var lost *exchange.LostReplyError
	if !errors.As(err, &lost) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a change that is cancelled: %v", err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := b.Stop(t).ShellsLeft; len(left) > 0 {
		t.Errorf("shells left open: %v", left)
	}
}

func TestBridgeConcurrent(t *testing.T) {
	b := exchangeBridge(t, nil)
	s := bridgeSession(t, b)
	var wait sync.WaitGroup
	for i := range 64 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			name := []string{"alice", "bob", "svc-old", "svc-sched"}[i%4]
			var got []string
			_, err := s.Invoke(t.Context(), exchange.Pipeline{commands.GetUser(name)}, func(o exchange.Object) error {
				got = append(got, o.Text("Name"))
				return nil
			})
			if err != nil || len(got) != 1 {
				t.Errorf("%s: %q, %v", name, got, err)
			}
		}()
	}
	wait.Wait()
	if n := requests(b); n["Create"] != 1 || n["Command"] != 64 {
		t.Errorf("requests %v", n)
	}
}

// A full-language endpoint of Windows takes the same structured commands.
func TestBridgeFullLanguage(t *testing.T) {
	noneLeft(t)
	b := peers.StartBridge(t, peers.BridgeOptions{Args: []string{"--basic", bridgeUser + ":" + bridgePassword}})
	s, err := Dial(t.Context(), Target{Server: b.URL, ConfigurationName: "Microsoft.PowerShell", Timeout: 10 * time.Second},
		Credential{Method: Basic, Username: bridgeUser, Password: NewSecret(bridgePassword)})
	if err != nil {
		t.Fatal(err)
	}
	counted, streams := invoke(t, s, exchange.Command{Cmdlet: "Get-Command", Params: []exchange.Param{{Name: "Name", Value: exchange.Strings{"Get-Command", "Get-Module"}}}},
		exchange.Command{Cmdlet: "Measure-Object"})
	if len(counted) != 1 || counted[0].Text("Count") != "2" || len(streams.Errors) > 0 {
		t.Errorf("counted %+v, %+v", counted, streams)
	}
	text := "O'Brien \u2018\u2019 $(1) `n \"é漢😀"
	said, _ := invoke(t, s, exchange.Command{Cmdlet: "Write-Output", Params: []exchange.Param{{Name: "InputObject", Value: exchange.String(text)}}})
	if len(said) != 1 || said[0].Text("") != text {
		t.Errorf("said %+v, want %q", said, text)
	}
	for _, cmdlet := range []string{"Write-Error", "Write-Warning"} {
		_, streams := invoke(t, s, exchange.Command{Cmdlet: cmdlet, Params: []exchange.Param{{Name: "Message", Value: exchange.String("m & m")}}})
		if said := append(streams.Warnings, first(streams).Message); streams.Failed || !slices.Contains(said, "m & m") {
			t.Errorf("%s: %+v", cmdlet, streams)
		}
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := b.Stop(t).ShellsLeft; len(left) > 0 {
		t.Errorf("shells left open: %v", left)
	}
}

// A session knows its language mode by the engine's own answer, and asks once.
func TestLanguageMode(t *testing.T) {
	for _, mode := range []string{"NoLanguage", "RestrictedLanguage", "ConstrainedLanguage", "FullLanguage"} {
		t.Run(mode, func(t *testing.T) {
			b := exchangeBridge(t, nil, "EXCHANGEORG_LANGUAGEMODE="+mode)
			s := bridgeSession(t, b)
			for range 2 {
				if got, err := s.LanguageMode(t.Context()); got != mode || err != nil {
					t.Errorf("%q, %v", got, err)
				}
			}
			if n := requests(b)["Command"]; n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}
