package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/keyring"
	"github.com/exgrant/exgrant/pkg/remote"
)

// maxPassword bounds a password, in bytes.
const maxPassword = 4096

const envPassword = "EXGRANT_PASSWORD"

// A passwordStore keeps passwords by keyring.Key.
type passwordStore interface {
	Get(ctx context.Context, key string) (string, error)
	Set(ctx context.Context, key, password string) error
	Delete(ctx context.Context, key string) error
}

// passwordFrom is the first of these that is there, even if it is wrong: the file, the
// variable, the keyring, what somebody types. flag is the file's, for hints.
func (p *program) passwordFrom(c *cli.Context, file, variable, username, flag string) (remote.Secret, error) {
	password, err := p.knownPassword(c, file, variable, username)
	if err != nil || !password.IsZero() {
		return password, err
	}
	return p.askPassword(c, variable, username, flag)
}

// knownPassword is one that nobody needs to type; zero when there is none.
func (p *program) knownPassword(c *cli.Context, file, variable, username string) (remote.Secret, error) {
	if file != "" {
		return p.passwordFile(c, file)
	}
	if v := p.getenv(variable); v != "" {
		return remote.NewSecret(v), nil
	}
	return p.keptPassword(c, username)
}

// keptPassword is that of the keyring. A keyring that does not answer is told of, and
// no reason to stop: somebody may type the password.
func (p *program) keptPassword(c *cli.Context, username string) (remote.Secret, error) {
	key, ok := keyring.Key(username)
	if !ok || p.keyring == nil {
		return remote.Secret{}, nil
	}
	text, err := p.keyring.Get(c.Context, key)
	switch {
	case c.Context.Err() != nil:
		return remote.Secret{}, c.Context.Err()
	case errors.Is(err, keyring.ErrNotFound), errors.Is(err, keyring.ErrNone):
		return remote.Secret{}, nil
	case err != nil:
		fmt.Fprintf(p.stderr, "exgrant: %s; going on without it\n", oneLine(err.Error()))
		return remote.Secret{}, nil
	}
	return remote.NewSecret(text), nil
}

func (p *program) askPassword(c *cli.Context, variable, username, flag string) (remote.Secret, error) {
	password, err := p.typedPassword(c, "Password of "+oneLine(username))
	if h := (*hintedError)(nil); errors.As(err, &h) && len(h.hints) == 0 {
		_ = h.withHint("--%s FILE, or %s", flag, variable)
		if _, ok := keyring.Key(username); ok {
			_ = h.withHint("exgrant login --%s %s keeps it in the keyring of this computer", flagUsername, oneLine(username))
		}
	}
	return password, err
}

func (p *program) typedPassword(c *cli.Context, prompt string) (remote.Secret, error) {
	text, err := p.person().Password(c.Context, prompt)
	switch {
	case c.Context.Err() != nil:
		return remote.Secret{}, c.Context.Err()
	case err != nil:
		return remote.Secret{}, usageErrorf("%s: no password, and %w", c.Command.HelpName, err)
	case text == "":
		return remote.Secret{}, usageErrorf("%s: the password is empty", c.Command.HelpName).withHint("nothing was contacted")
	}
	return remote.NewSecret(text), nil
}

func (p *program) passwordFile(c *cli.Context, file string) (remote.Secret, error) {
	if file == "-" && (c.String(flagFile) == "-" || c.String(flagFrom) == "-" || c.Args().First() == "-") {
		return remote.Secret{}, usageErrorf("%s: standard input cannot be read twice", c.Command.HelpName).
			withHint("put the password into a file, or into %s", envPassword)
	}
	r, err := p.open(c, file)
	if err != nil {
		return remote.Secret{}, err
	}
	defer r.Close()
	line, err := firstLine(r, maxPassword)
	switch {
	case c.Context.Err() != nil:
		return remote.Secret{}, c.Context.Err()
	case errors.Is(err, errTooLong):
		return remote.Secret{}, usageErrorf("%s: the first line of %s is too long for a password", c.Command.HelpName, fileName(file)).
			withHint("the file holds the password alone")
	case err != nil:
		return remote.Secret{}, cannotRead(c, fileName(file), err)
	case line == "":
		return remote.Secret{}, usageErrorf("%s: %s begins with an empty line, and that is no password", c.Command.HelpName, fileName(file)).
			withHint("the password is the first line")
	}
	return remote.NewSecret(line), nil
}
