package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/psgen"
)

const (
	flagUndo = "undo"
	flagFrom = "from"
)

// grantExample ends the help of the commands that take a grant.
const grantExample = `
A file for -f, with as many grants as you like:

  apiVersion: exgrant/v1
  grants:
    - name: Reschedule
      user: CONTOSO\svc-reschedule
      scope: {group: Reschedule Users}

With several grants -o names a folder, and every grant gets a file there.`

func (p *program) scriptCommand() *cli.Command {
	return &cli.Command{
		Name:  "script",
		Usage: "write a PowerShell script to read, sign and run",
		Description: `Writes one self-contained script for Windows PowerShell 3.0 to 7 that does the
whole job in an Exchange Management Shell. Nothing is contacted. The script goes
to standard output, or to the file that -o names.`,
		Subcommands: []*cli.Command{
			p.scriptGrantCommand(),
			p.scriptRevokeCommand(),
			p.scriptStatusCommand(),
			p.scriptCheckCommand(),
			p.scriptReadCommand("audit", "a script that lists everybody who holds the role",
				`The script reads only: it lists every holder of every role of this type, direct
and through groups, with the scope in words.`, psgen.Audit),
			p.scriptReadCommand("office365", "a script for Exchange Online, which has no such role",
				`Exchange Online no longer gives this role to anybody. The script says since
when, lists what is left, and holds the steps that replace the role as comments:
application RBAC, with a test of what is allowed and one of what is refused. It
changes nothing.`, psgen.Office365),
			p.scriptReadCommand("fieldtest", "a script that answers what nobody could try yet",
				`The script asks a real Exchange organization what its documents leave open, for
the makers of exgrant. It reads only, replaces every name, address and GUID
before it writes anything, and shows what it has written.`, psgen.FieldTest),
		},
	}
}

func (p *program) scriptGrantCommand() *cli.Command {
	return &cli.Command{
		Name:  "grant",
		Usage: "a script that grants the role",
		Description: `The script looks everything up first, stops at a conflict before any change,
grants, reads back what it did, and asks the server which of the named mailboxes
are in reach. A second run changes nothing; -WhatIf never changes anything.
` + grantExample,
		Flags: append(append(grantFlags(), namedMailboxFlags()...),
			&cli.StringFlag{Name: flagUndo, Category: outputCategory,
				Usage: "also write the script that takes exactly this grant back to `FILE` (a folder for several grants)"},
			outputFlag(), overwriteFlag()),
		Action: p.scriptGrant,
	}
}

func (p *program) scriptRevokeCommand() *cli.Command {
	return &cli.Command{
		Name:  "revoke",
		Usage: "a script that takes the role away again",
		Description: `The script removes the one assignment that has exactly the grant's name, and the
scope of that name if nothing else uses it; account and group may be gone. With
--from it takes back by GUID what a report says that was made.
` + grantExample,
		Flags: append(grantFlags(),
			&cli.StringFlag{Name: flagFrom, Category: "Details",
				Usage: "undo what `REPORT` tells: the JSON of a grant script's -ReportPath; - for standard input"},
			outputFlag(), overwriteFlag()),
		Action: p.scriptRevoke,
	}
}

func (p *program) scriptStatusCommand() *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "a script that tells whether the grant is in place",
		Description: `The script reads only. It exits 0 when the grant is in place, and 3 when it is
not, when another grant or a disabled account speaks against it, or when one of
the mailboxes of --in-scope and --out-of-scope is not as it should be.
` + grantExample,
		Flags: append(append(grantFlags(), namedMailboxFlags()...), outputFlag(), overwriteFlag()),
		Action: func(c *cli.Context) error {
			return p.scriptPerGrant(c, func(b *bytes.Buffer, g exchange.Grant) error { return psgen.Status(b, g) })
		},
	}
}

// scriptReadCommand is the command of a script that only reads and is about no grant.
func (p *program) scriptReadCommand(name, usage, description string, write func(io.Writer) error) *cli.Command {
	return &cli.Command{
		Name:        name,
		Usage:       usage,
		Description: description,
		Flags:       []cli.Flag{outputFlag(), overwriteFlag()},
		Action: func(c *cli.Context) error {
			data, err := generate(c, func(b *bytes.Buffer) error { return write(b) })
			return p.deliverOr(c, err, []outfile{{c.String(flagOutput), data}}, nil)
		},
	}
}

const outputCategory = "Output"

func (p *program) scriptGrant(c *cli.Context) error {
	grants, err := p.checkedGrants(c)
	if err != nil {
		return err
	}
	scripts, err := perGrant(c, flagOutput, grants, func(b *bytes.Buffer, g exchange.Grant) error { return psgen.Grant(b, g) })
	if err != nil || !c.IsSet(flagUndo) {
		return p.deliverOr(c, err, scripts, nil)
	}
	if c.String(flagUndo) == "" {
		return emptyValue(c, flagUndo)
	}
	undos, err := perGrant(c, flagUndo, grants, func(b *bytes.Buffer, g exchange.Grant) error { return psgen.Revoke(b, g) })
	return p.deliverOr(c, err, scripts, undos)
}

func (p *program) deliverOr(c *cli.Context, err error, scripts, undos []outfile) error {
	if err != nil {
		return err
	}
	return p.deliver(c, scripts, undos)
}

func (p *program) scriptRevoke(c *cli.Context) error {
	if c.IsSet(flagFrom) {
		return p.scriptUndo(c)
	}
	return p.scriptPerGrant(c, func(b *bytes.Buffer, g exchange.Grant) error { return psgen.Revoke(b, g) })
}

func (p *program) scriptUndo(c *cli.Context) error {
	others := append([]string{flagFile, flagDomainController}, identifyingFlags...)
	if set := given(c, others); len(set) > 0 {
		return usageErrorf("%s: --%s and %s exclude each other", c.Command.HelpName, flagFrom, dashed(set[0])).
			withHint("the report says what was granted")
	}
	report, err := p.readReport(c, c.String(flagFrom))
	if err != nil {
		return err
	}
	data, err := generate(c, func(b *bytes.Buffer) error { return psgen.Undo(b, report) })
	return p.deliverOr(c, err, []outfile{{c.String(flagOutput), data}}, nil)
}

func (p *program) scriptPerGrant(c *cli.Context, write func(*bytes.Buffer, exchange.Grant) error) error {
	grants, err := p.checkedGrants(c)
	if err != nil {
		return err
	}
	scripts, err := perGrant(c, flagOutput, grants, write)
	return p.deliverOr(c, err, scripts, nil)
}

// generate writes a script to memory, so that none leaves the program unless it
// is whole. A generator's error is about what it was asked for.
func generate(c *cli.Context, write func(*bytes.Buffer) error) ([]byte, error) {
	var b bytes.Buffer
	if err := write(&b); err != nil {
		refused := usageErrorf("%s: cannot write this script: %w", c.Command.HelpName, err)
		if c.IsSet(flagFrom) {
			return nil, refused.withHint("give the report as it was written, of a run that changed something")
		}
		return nil, refused.withHint("%s --help shows what each flag takes", c.Command.HelpName)
	}
	return b.Bytes(), nil
}

// perGrant writes the script of every grant. The path of a single one is the
// flag's value, as it is; several go into the folder of that name.
func perGrant(c *cli.Context, flag string, grants []exchange.Grant, write func(*bytes.Buffer, exchange.Grant) error) ([]outfile, error) {
	paths := []string{c.String(flag)}
	if len(grants) > 1 {
		var err error
		if paths, err = pathsInFolder(c, flag, ".ps1", grants); err != nil {
			return nil, err
		}
	}
	files := make([]outfile, len(grants))
	for i, g := range grants {
		data, err := generate(c, func(b *bytes.Buffer) error { return write(b, g) })
		if err != nil {
			return nil, err
		}
		files[i] = outfile{paths[i], data}
	}
	return files, nil
}

func pathsInFolder(c *cli.Context, flag, ext string, grants []exchange.Grant) ([]string, error) {
	folder := c.String(flag)
	if folder == "" || folder == "-" {
		return nil, usageErrorf("%s: %d grants are %d files, and standard output takes one", c.Command.HelpName, len(grants), len(grants)).
			withHint("name a folder for them: -%s FOLDER", flagOutput)
	}
	if info, err := os.Stat(folder); err == nil && !info.IsDir() {
		return nil, usageErrorf("%s: %d grants need a folder, and %s is a file", c.Command.HelpName, len(grants), folder).
			withHint("name a folder, which may be a new one: %s FOLDER", dashed(flag))
	}
	prefix := c.Command.Name
	if flag != flagOutput {
		prefix = flag
	}
	paths := make([]string, len(grants))
	seen := map[string]int{}
	for i, g := range grants {
		name := prefix + "-" + safeFileName(g.AssignmentName()) + ext
		if first, ok := seen[strings.ToLower(name)]; ok {
			return nil, usageErrorf("%s: grants %d and %d would both be written to %s", c.Command.HelpName, first, i+1, name).
				withHint("give them different names")
		}
		seen[strings.ToLower(name)] = i + 1
		paths[i] = filepath.Join(folder, name)
	}
	return paths, nil
}

// safeFileName keeps letters, digits and a few marks that every file system
// takes, and puts a hyphen for everything else.
func safeFileName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || strings.ContainsRune("._-", r) {
			return r
		}
		return '-'
	}, name)
}

// deliver writes all files or none: to the paths they name, or to standard output
// where the path is empty or "-". Undo scripts always have a path.
func (p *program) deliver(c *cli.Context, scripts, undos []outfile) error {
	if c.IsSet(flagOutput) && c.String(flagOutput) == "" {
		return emptyValue(c, flagOutput)
	}
	toFile := c.IsSet(flagOutput) && c.String(flagOutput) != "-"
	files := undos
	if toFile {
		files = append(append([]outfile(nil), scripts...), undos...)
	}
	if err := checkOutputs(c, files); err != nil {
		return err
	}
	made, err := makeFolders(files, len(scripts) > 1)
	if err != nil {
		return inCommand(c, err)
	}
	staged, err := stage(files, c.Bool(flagOverwrite))
	if err != nil {
		made.remove()
		return inCommand(c, err)
	}
	defer staged.discard()
	if !toFile {
		if _, err := p.stdout.Write(scripts[0].data); err != nil {
			return inCommand(c, err)
		}
	}
	if err := staged.publish(); err != nil {
		staged.discard()
		made.remove()
		return inCommand(c, err)
	}
	if toFile {
		p.tellNext(c.Command.Name, scripts)
	}
	for _, f := range undos {
		fmt.Fprintf(p.stderr, "wrote %s: it takes this grant back\n", oneLine(f.path))
	}
	return nil
}

// checkOutputs refuses outputs that would lose each other or an input.
func checkOutputs(c *cli.Context, files []outfile) error {
	if c.String(flagUndo) == "-" {
		return usageErrorf("%s: --%s needs a file", c.Command.HelpName, flagUndo).withHint("standard output is for the grant's script")
	}
	for i, f := range files {
		for _, other := range files[:i] {
			if sameOutput(f.path, other.path) {
				return usageErrorf("%s: -%s and --%s name the same file", c.Command.HelpName, flagOutput, flagUndo).withHint("give each its own")
			}
		}
		if err := refuseInput(c, f.path); err != nil {
			return err
		}
	}
	return nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// inCommand puts the command's name before an error that has none.
func inCommand(c *cli.Context, err error) error {
	return fmt.Errorf("%s: %w", c.Command.HelpName, err)
}

// folders are those that a run made and takes away again when it fails.
type folders []string

// makeFolders makes the folders of several grants. The folder of a single file
// must exist: a mistyped path is an error there.
func makeFolders(files []outfile, several bool) (folders, error) {
	var made folders
	for _, f := range files {
		dir := filepath.Dir(f.path)
		if !several || isFolder(dir) {
			continue
		}
		if err := os.Mkdir(dir, 0o777); err != nil {
			made.remove()
			return nil, cannotWrite(dir, err)
		}
		made = append(made, dir)
	}
	return made, nil
}

func (f folders) remove() {
	for _, dir := range f {
		_ = os.Remove(dir) // one that is in use meanwhile stays
	}
}

// tellNext says on stderr what was written and what to do with it.
func (p *program) tellNext(kind string, scripts []outfile) {
	for _, f := range scripts {
		fmt.Fprintf(p.stderr, "wrote %s\n", oneLine(f.path))
	}
	run := invocation(scripts[0].path)
	switch kind {
	case "grant", "revoke":
		fmt.Fprintf(p.stderr, "next: read it, then rehearse it in the Exchange Management Shell: %s -WhatIf\n", run)
		fmt.Fprintf(p.stderr, "then: %s\n", run)
	default:
		fmt.Fprintf(p.stderr, "next: read it, then run it where the Exchange cmdlets are: %s\n", run)
	}
}

// invocation is how a person starts a script that lies in the present folder.
func invocation(path string) string {
	name := `.\` + filepath.Base(path)
	if safeFileName(name[2:]) == name[2:] {
		return name
	}
	quoted, err := psgen.Literal(name)
	if err != nil {
		return `.\SCRIPT.ps1`
	}
	return "& " + quoted
}
