package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/pkg/remote"
)

// flagSecrets takes the passwords from standard input, as one JSON document: for
// programs that start this one and can keep a secret neither in an argument, nor in a
// variable, nor in a file.
const flagSecrets = "secrets"

// secrets is that document.
type secrets struct {
	Password   string `json:"password,omitempty"`   // of --logon
	AsPassword string `json:"asPassword,omitempty"` // of --as
}

// maxSecrets bounds the document, in bytes.
const maxSecrets = 4 * maxPassword

// handedPassword is the password that the document holds for the account of a variable;
// zero where --secrets is not given, or the document does not have it.
func (p *program) handedPassword(c *cli.Context, variable string) (remote.Secret, error) {
	if !c.IsSet(flagSecrets) {
		return remote.Secret{}, nil
	}
	if p.handed == nil {
		handed, err := p.readSecrets(c)
		if err != nil {
			return remote.Secret{}, err
		}
		p.handed = handed
	}
	if variable == envPassword {
		return checkedPassword(c, "standard input", p.handed.Password)
	}
	return checkedPassword(c, "standard input", p.handed.AsPassword)
}

func (p *program) readSecrets(c *cli.Context) (*secrets, error) {
	refuse := func(why string) error {
		return usageErrorf("%s: --%s: %s", c.Command.HelpName, flagSecrets, why).
			withHint(`standard input holds {"password": "...", "asPassword": "..."}, and nothing else`)
	}
	if c.String(flagSecrets) != "-" {
		return nil, refuse("secrets are read from standard input alone: --secrets -")
	}
	for _, flag := range []string{flagPasswordFile, flagAsPasswordFile} {
		if c.IsSet(flag) {
			return nil, usageErrorf("%s: --%s and --%s exclude each other", c.Command.HelpName, flagSecrets, flag).withHint("give one of them")
		}
	}
	data, err := p.readText(c, "-", maxSecrets)
	if err != nil {
		return nil, err
	}
	var s secrets
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil {
		return nil, refuse("standard input is no such document") // the decoder's words would show parts of it
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, refuse("something stands behind the document")
	}
	return &s, nil
}
