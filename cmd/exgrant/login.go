package main

import (
	"errors"
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/internal/keyring"
	"github.com/exgrant/exgrant/pkg/remote"
)

func (p *program) loginCommand() *cli.Command {
	return &cli.Command{
		Name:      "login",
		Usage:     "keep a password in the keyring of this computer",
		UsageText: "exgrant login --logon USER@REALM [--password-file FILE]",
		Description: `Keeps the password of one account, for all servers of its realm: in the Secret
Service of a Linux desktop, the Keychain of macOS, the Credential Manager of
Windows. Commands that log on as this account use it where neither
--password-file nor EXGRANT_PASSWORD gives one. That goes for --as, too.

The password is not tried: nothing is contacted. exgrant logout forgets it.`,
		Flags: []cli.Flag{
			logonNameFlag("whose password it is: `USER`@REALM or DOMAIN\\USER"),
			&cli.StringFlag{Name: flagPasswordFile, Usage: "the password is the first line of `FILE`, - for standard input; else EXGRANT_PASSWORD, else it is asked for"},
		},
		Action: p.login,
	}
}

func (p *program) logoutCommand() *cli.Command {
	return &cli.Command{
		Name:        "logout",
		Usage:       "forget a password that login keeps",
		UsageText:   "exgrant logout --logon USER@REALM",
		Description: `Removes the account's password from the keyring. Nothing is contacted.`,
		Flags:       []cli.Flag{logonNameFlag("whose password it is: `USER`@REALM or DOMAIN\\USER")},
		Action:      p.logout,
	}
}

func logonNameFlag(usage string) cli.Flag { return &cli.StringFlag{Name: flagLogon, Usage: usage} }

func (p *program) login(c *cli.Context) error {
	username, key, err := p.keptUser(c)
	if err != nil {
		return err
	}
	// Whether there is a keyring is found out before anybody types a password.
	if _, err := p.keyring.Get(c.Context, key); err != nil && !errors.Is(err, keyring.ErrNotFound) {
		return p.noKeyring(c, err)
	}
	password, err := p.newPassword(c, username)
	if err != nil {
		return err
	}
	if err := p.keyring.Set(c.Context, key, password.Reveal()); err != nil {
		return p.noKeyring(c, err)
	}
	fmt.Fprintf(p.stderr, "kept the password of %s; it was not tried\n", oneLine(key))
	return nil
}

// newPassword is what is to be kept: typed twice, since nothing tries it.
func (p *program) newPassword(c *cli.Context, username string) (remote.Secret, error) {
	if file := p.setting(c, flagPasswordFile); file != "" {
		return p.passwordFile(c, file)
	}
	if v := p.getenv(envPassword); v != "" {
		return checkedPassword(c, envPassword, v)
	}
	first, err := p.askPassword(c, envPassword, username, flagPasswordFile)
	if err != nil {
		return first, err
	}
	again, err := p.typedPassword(c, "The same again")
	if err == nil && again.Reveal() != first.Reveal() {
		return first, usageErrorf("%s: the two passwords differ", c.Command.HelpName).withHint("nothing was kept")
	}
	return first, err
}

func (p *program) logout(c *cli.Context) error {
	_, key, err := p.keptUser(c)
	if err != nil {
		return err
	}
	err = p.keyring.Delete(c.Context, key)
	switch {
	case errors.Is(err, keyring.ErrNotFound):
		fmt.Fprintf(p.stderr, "there was no password of %s to forget\n", oneLine(key))
		return nil
	case err != nil:
		return p.noKeyring(c, err)
	}
	fmt.Fprintf(p.stderr, "forgot the password of %s\n", oneLine(key))
	return nil
}

// keptUser is who is named, and the name that the keyring has.
func (p *program) keptUser(c *cli.Context) (username, key string, err error) {
	username = p.setting(c, flagLogon)
	if username == "" {
		return "", "", usageErrorf("%s: nobody is named", c.Command.HelpName).withHint("--%s admin@contoso.com", flagLogon)
	}
	key, ok := keyring.Key(username)
	if !ok {
		return "", "", usageErrorf("%s: --%s \"%s\" does not say of which realm", c.Command.HelpName, flagLogon, username).
			withHint("write it as USER@REALM or DOMAIN\\USER, as the commands are given it: admin@contoso.com")
	}
	if p.keyring == nil {
		return "", "", p.noKeyring(c, keyring.ErrNone)
	}
	return username, key, nil
}

// noKeyring says what to use where the keyring cannot be used.
func (p *program) noKeyring(c *cli.Context, err error) error {
	switch {
	case c.Context.Err() != nil:
		return c.Context.Err()
	case errors.Is(err, keyring.ErrNone):
		return failuref("%s: %w", c.Command.HelpName, err).
			withHint("a server without a desktop has none: use --%s with a file that only you can read, --%s, or kinit", flagPasswordFile, flagKeytab)
	case errors.Is(err, keyring.ErrNoAnswer):
		return failuref("%s: %w", c.Command.HelpName, err).
			withHint("it may be waiting to be unlocked in a window on this computer's desktop").
			withHint("without it: --%s with a file that only you can read, or --%s", flagPasswordFile, flagKeytab)
	}
	return failuref("%s: %w", c.Command.HelpName, err).withHint("without it: --%s with a file that only you can read, or --%s", flagPasswordFile, flagKeytab)
}
