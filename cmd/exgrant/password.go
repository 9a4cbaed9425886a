package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/keyring"
	"github.com/exgrant/exgrant/internal/textfile"
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

// passwordFrom is the first of these that is there, even if it is wrong: the document of
// --secrets, the file, the variable, the keyring, what somebody types. flag is the file's, for hints.
func (p *program) passwordFrom(c *cli.Context, file, variable, username, flag string) (remote.Secret, error) {
	password, err := p.knownPassword(c, file, variable, username)
	if err != nil || !password.IsZero() {
		return password, err
	}
	return p.askPassword(c, variable, username, flag)
}

// knownPassword is one that nobody needs to type; zero when there is none.
func (p *program) knownPassword(c *cli.Context, file, variable, username string) (remote.Secret, error) {
	if handed, err := p.handedPassword(c, variable); err != nil || !handed.IsZero() {
		return handed, err
	}
	if file != "" {
		return p.passwordFile(c, file)
	}
	if v := p.getenv(variable); v != "" {
		return checkedPassword(c, variable, v)
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
	return checkedPassword(c, "the keyring", text)
}

// checkedPassword refuses what cannot be a password, and would cost an attempt before
// the account is locked: text of another encoding, and characters that nobody types.
func checkedPassword(c *cli.Context, from, text string) (remote.Secret, error) {
	why := ""
	switch {
	case !utf8.ValidString(text):
		why = "is not in UTF-8"
	case strings.ContainsRune(text, utf8.RuneError):
		why = "has a character in it that stands for a lost one (U+FFFD)"
	case strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }):
		why = "has control characters in it"
	default:
		return remote.NewSecret(text), nil
	}
	return remote.Secret{}, usageErrorf("%s: the password of %s %s", c.Command.HelpName, from, why).withHint("nothing was contacted")
}

func (p *program) askPassword(c *cli.Context, variable, username, flag string) (remote.Secret, error) {
	password, err := p.typedPassword(c, "Password of "+oneLine(username))
	if h := (*hintedError)(nil); errors.As(err, &h) && len(h.hints) == 0 {
		_ = h.withHint("--%s FILE, or %s", flag, variable)
		if _, ok := keyring.Key(username); ok && c.Command.Name != "login" {
			_ = h.withHint("exgrant login --%s %s keeps it in the keyring of this computer", flagLogon, oneLine(username))
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
	return checkedPassword(c, "the terminal", text)
}

func (p *program) passwordFile(c *cli.Context, file string) (remote.Secret, error) {
	r, err := p.open(c, file)
	if err != nil {
		return remote.Secret{}, err
	}
	defer r.Close()
	p.warnOfReaders(file)
	line, err := textfile.ReadLine(r, 2*maxPassword)
	switch {
	case c.Context.Err() != nil:
		return remote.Secret{}, c.Context.Err()
	case errors.Is(err, textfile.ErrTooLong) || len(line) > maxPassword:
		return remote.Secret{}, usageErrorf("%s: the first line of %s is too long for a password", c.Command.HelpName, fileName(file)).
			withHint("the file holds the password alone")
	case errors.As(err, new(*textfile.EncodingError)):
		return remote.Secret{}, cannotDecode(c, file, err).withHint("nothing was contacted")
	case err != nil:
		return remote.Secret{}, cannotRead(c, fileName(file), err)
	case line == "":
		return remote.Secret{}, usageErrorf("%s: %s begins with an empty line, and that is no password", c.Command.HelpName, fileName(file)).
			withHint("the password is the first line")
	}
	return checkedPassword(c, fileName(file), line)
}

// warnOfReaders says where a file of a password can be read by more than its owner.
// Windows has no such bits: what it shows of them means nothing.
func (p *program) warnOfReaders(file string) {
	const others = 0o044 // the group's and everybody's right to read
	info, err := os.Stat(file)
	if file == "-" || err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&others == 0 || runtime.GOOS == "windows" {
		return
	}
	p.person().Done()
	fmt.Fprintf(p.stderr, "exgrant: warning: %s holds a password, and others than its owner can read it (mode %04o)\nhint: chmod 600 %s\n",
		oneLine(file), info.Mode().Perm(), oneLine(file))
}
