package keyring

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

func TestKey(t *testing.T) {
	for given, want := range map[string]string{
		"alice@CONTOSO.TEST": "alice@CONTOSO.TEST",
		"Alice@contoso.test": "alice@CONTOSO.TEST",
		"a@b@contoso.test":   "a@b@CONTOSO.TEST",
		`contoso\Alice`:      `CONTOSO\alice`,
		"administrator":      "",
		"":                   "",
		"alice@":             "",
		"@contoso.test":      "",
		`\alice`:             "",
		`CONTOSO\`:           "",
	} {
		key, ok := Key(given)
		if ok != (want != "") || ok && key != want {
			t.Errorf("%q: %q %v, want %q", given, key, ok, want)
		}
	}
}

// A slow backend waits for a person who does not come.
type slow struct{ end chan struct{} }

func (s slow) Set(string, string, string) error        { <-s.end; return nil }
func (s slow) Get(string, string) (string, error)      { <-s.end; return "late", nil }
func (s slow) Delete(service, user string) (err error) { <-s.end; return nil }

func TestLimit(t *testing.T) {
	s := slow{make(chan struct{})}
	defer close(s.end)
	k := &Keyring{s, time.Millisecond, time.Millisecond, func() bool { return true }}
	if _, err := k.Get(t.Context(), "alice@CONTOSO.TEST"); !errors.Is(err, ErrNoAnswer) || !strings.Contains(err.Error(), "within 1ms") {
		t.Errorf("get: %v", err)
	}
	if err := k.Set(t.Context(), "alice@CONTOSO.TEST", "secret"); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("set: %v", err)
	}
	if err := k.Delete(t.Context(), "alice@CONTOSO.TEST"); !errors.Is(err, ErrNoAnswer) {
		t.Errorf("delete: %v", err)
	}
	k.get = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Get(ctx, "alice@CONTOSO.TEST"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Without a bus nobody is asked: the library would start one.
func TestNoKeyring(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the keyring is part of the system, on Windows and macOS")
	}
	if _, err := os.Stat("/run/user"); err == nil {
		t.Skip("somebody's session bus is there")
	}
	k := New(func(string) string { return "" })
	if _, err := k.Get(t.Context(), "alice@CONTOSO.TEST"); !errors.Is(err, ErrNone) {
		t.Errorf("%v", err)
	}
}

// Against gnome-keyring.
func TestSecretService(t *testing.T) {
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", peers.StartSecretService(t))
	k := New(os.Getenv)
	ctx := t.Context()
	const key = "alice@CONTOSO.TEST"
	if _, err := k.Get(ctx, key); !errors.Is(err, ErrNotFound) {
		t.Errorf("before: %v", err)
	}
	if err := k.Delete(ctx, key); !errors.Is(err, ErrNotFound) {
		t.Errorf("delete before: %v", err)
	}
	for _, password := range []string{"first", `Pä"ss wörd$\`} {
		if err := k.Set(ctx, key, password); err != nil {
			t.Fatal(err)
		}
		if got, err := k.Get(ctx, key); err != nil || got != password {
			t.Errorf("%q %v, want %q", got, err, password)
		}
	}
	if _, err := k.Get(ctx, "bob@CONTOSO.TEST"); !errors.Is(err, ErrNotFound) {
		t.Errorf("another: %v", err)
	}
	if err := k.Delete(ctx, key); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Get(ctx, key); !errors.Is(err, ErrNotFound) {
		t.Errorf("after: %v", err)
	}
}
