package keyring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	system "github.com/zalando/go-keyring"
)

// service is the name under which the passwords are kept.
const service = "exgrant"

// How long a keyring may take: it may be waiting for a person to unlock it, who is
// not there, and its own library waits for ever. Who keeps a password is there.
const (
	getLimit    = 5 * time.Second
	changeLimit = time.Minute
)

// The errors that a caller decides by.
var (
	ErrNotFound = errors.New("the keyring has no password of this user")
	// ErrNone: there is no keyring, as on a server without a desktop.
	ErrNone = errors.New("there is no keyring on this computer")
	// ErrNoAnswer: it did not answer in time.
	ErrNoAnswer = errors.New("the keyring does not answer")
)

// A Keyring is that of the system. It is safe for concurrent use.
type Keyring struct {
	backend     backend
	get, change time.Duration // limits
	exists      func() bool
}

// backend is what the system's keyrings have in common.
type backend interface {
	Set(service, user, password string) error
	Get(service, user string) (string, error)
	Delete(service, user string) error
}

type systemBackend struct{}

func (systemBackend) Set(service, user, password string) error {
	return system.Set(service, user, password)
}
func (systemBackend) Get(service, user string) (string, error) { return system.Get(service, user) }
func (systemBackend) Delete(service, user string) error        { return system.Delete(service, user) }

// New returns the system's keyring. getenv gives the environment, which says where it
// is on Linux.
func New(getenv func(string) string) *Keyring {
	return &Keyring{systemBackend{}, getLimit, changeLimit, func() bool { return reachable(getenv) }}
}

// Key returns the name under which the password of a user is kept: user@REALM or
// DOMAIN\user, in one spelling, since neither part minds letter case. ok is false for
// a name without realm or domain, which could be anybody's.
func Key(username string) (key string, ok bool) {
	if domain, user, found := strings.Cut(username, `\`); found {
		return strings.ToUpper(domain) + `\` + strings.ToLower(user), domain != "" && user != ""
	}
	i := strings.LastIndexByte(username, '@')
	if i < 0 {
		return "", false
	}
	user, realm := username[:i], username[i+1:]
	return strings.ToLower(user) + "@" + strings.ToUpper(realm), user != "" && realm != ""
}

// Get returns the password of a user by its Key, or ErrNotFound, ErrNone,
// ErrNoAnswer, or what the keyring says.
func (k *Keyring) Get(ctx context.Context, key string) (string, error) {
	return k.do(ctx, k.get, func() (string, error) { return k.backend.Get(service, key) })
}

// Set keeps a password, in place of one that is there.
func (k *Keyring) Set(ctx context.Context, key, password string) error {
	_, err := k.do(ctx, k.change, func() (string, error) { return "", k.backend.Set(service, key, password) })
	return err
}

// Delete forgets a password.
func (k *Keyring) Delete(ctx context.Context, key string) error {
	_, err := k.do(ctx, k.change, func() (string, error) { return "", k.backend.Delete(service, key) })
	return err
}

// do asks the keyring and waits within the limit. An answer that comes later is not
// heard: nothing else can be done with a library that takes no context.
func (k *Keyring) do(ctx context.Context, limit time.Duration, ask func() (string, error)) (string, error) {
	if !k.exists() {
		return "", ErrNone
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("%w within %v", ErrNoAnswer, limit))
	defer cancel()
	type answer struct {
		text string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		text, err := ask()
		answered <- answer{text, err}
	}()
	select {
	case a := <-answered:
		return a.text, meaning(a.err)
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// meaning gives the system's errors our own names.
func meaning(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, system.ErrNotFound):
		return ErrNotFound
	case errors.Is(err, system.ErrUnsupportedPlatform), isNoService(err):
		return ErrNone
	case errors.Is(err, system.ErrSetDataTooBig):
		return errors.New("the password is longer than the keyring takes")
	}
	return fmt.Errorf("the keyring: %w", err)
}
