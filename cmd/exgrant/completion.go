package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// completions writes the completion of each shell, in the order in which help
// names them.
var completions = []struct {
	shell string
	write func(io.Writer, []completion) error
}{
	{"bash", writeBash},
	{"zsh", writeZsh},
	{"fish", writeFish},
	{"powershell", writePowerShell},
}

func (p *program) completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion of commands and flags for a shell",
		ArgsUsage: "SHELL",
		Description: `SHELL is bash, zsh, fish or powershell. Load it where your shell starts:

  bash        source <(exgrant completion bash)
  zsh         source <(exgrant completion zsh)       after compinit
  fish        exgrant completion fish | source
  powershell  exgrant completion powershell | Out-String | Invoke-Expression`,
		Action: func(c *cli.Context) error {
			shell := c.Args().First()
			known := make([]string, len(completions))
			for i, s := range completions {
				if s.shell == shell {
					return s.write(p.stdout, completionsOf(c.App))
				}
				known[i] = s.shell
			}
			err := usageErrorf("%s: no completion for the shell %q", c.Command.HelpName, shell)
			if shell == "" {
				err = usageErrorf("%s: name the shell", c.Command.HelpName)
			}
			return err.withHint("one of %s", strings.Join(known, ", "))
		},
	}
}

// A completion is what may follow one command.
type completion struct {
	path  string // "exgrant script grant"
	words []completionWord
}

// A completionWord is a command or a flag.
type completionWord struct {
	text, usage string
	takesValue  bool
}

func (w completionWord) isFlag() bool { return strings.HasPrefix(w.text, "-") }

// completionsOf lists the program and all its commands, each before its own.
func completionsOf(app *cli.App) []completion {
	root := completion{path: app.Name}
	var below []completion
	for _, c := range app.Commands {
		root.words = append(root.words, completionWord{text: c.Name, usage: c.Usage})
		below = append(below, completionsBelow(app.Name, c)...)
	}
	root.words = append(root.words, helpWord, completionWord{text: "--version", usage: "print the version"})
	return append([]completion{root}, below...)
}

var helpWord = completionWord{text: "--help", usage: "tell more"}

func completionsBelow(parent string, c *cli.Command) []completion {
	own := completion{path: parent + " " + c.Name}
	var below []completion
	for _, s := range c.Subcommands {
		own.words = append(own.words, completionWord{text: s.Name, usage: s.Usage})
		below = append(below, completionsBelow(own.path, s)...)
	}
	for _, f := range c.Flags {
		usage := ""
		if d, ok := f.(cli.DocGenerationFlag); ok {
			usage = strings.ReplaceAll(d.GetUsage(), "`", "")
		}
		for _, n := range f.Names() {
			own.words = append(own.words, completionWord{dashed(n), usage, takesValue(f)})
		}
	}
	own.words = append(own.words, helpWord)
	return append([]completion{own}, below...)
}

// values are the flags of c behind which a value stands: there the shell offers
// files, as it would without us.
func (c completion) values() []string {
	var flags []string
	for _, w := range c.words {
		if w.takesValue {
			flags = append(flags, w.text)
		}
	}
	return flags
}

func (c completion) texts() string {
	words := make([]string, len(c.words))
	for i, w := range c.words {
		words[i] = w.text
	}
	return strings.Join(words, " ")
}

// posixCases writes the parts of a case that bash and zsh share: which words
// lead to another command.
func posixCases(b *strings.Builder, all []completion) {
	for i, c := range all[1:] {
		separator := " | \\"
		if i == len(all)-2 {
			separator = ")"
		}
		fmt.Fprintf(b, "            '%s'%s\n", c.path, separator)
	}
	b.WriteString("                at=\"$at $word\" ;;\n")
}

func writeBash(w io.Writer, all []completion) error {
	var b strings.Builder
	b.WriteString(`# Completion of exgrant for bash: source <(exgrant completion bash)
_exgrant() {
    local word at=exgrant words='' files=''
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$at $word" in
`)
	posixCases(&b, all)
	b.WriteString("        esac\n    done\n    case $at in\n")
	for _, c := range all {
		fmt.Fprintf(&b, "        '%s')\n            words='%s'\n            files=' %s ' ;;\n", c.path, c.texts(), strings.Join(c.values(), " "))
	}
	b.WriteString(`    esac
    COMPREPLY=()
    [[ $files == *" $previous "* ]] || COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _exgrant exgrant
`)
	_, err := io.WriteString(w, b.String())
	return err
}

func writeZsh(w io.Writer, all []completion) error {
	var b strings.Builder
	b.WriteString(`#compdef exgrant
# Completion of exgrant for zsh: source <(exgrant completion zsh), after compinit
_exgrant() {
    local word at=exgrant files='' # path is zsh's own
    local -a commands flags
    for word in "${(@)words[2,CURRENT-1]}"; do
        case "$at $word" in
`)
	posixCases(&b, all)
	b.WriteString("        esac\n    done\n    case $at in\n")
	for _, c := range all {
		fmt.Fprintf(&b, "        '%s')\n            files=' %s '\n", c.path, strings.Join(c.values(), " "))
		for _, kind := range []string{"commands", "flags"} {
			fmt.Fprintf(&b, "            %s=(\n", kind)
			for _, word := range c.words {
				if word.isFlag() == (kind == "flags") {
					fmt.Fprintf(&b, "                %s\n", posixQuote(word.text+":"+word.usage))
				}
			}
			b.WriteString("            )\n")
		}
		b.WriteString("            ;;\n")
	}
	b.WriteString(`    esac
    if [[ $files == *" ${words[CURRENT-1]} "* ]]; then
        _files
    else
        _describe command commands
        _describe -o flag flags || (( $#commands )) || _files
    fi
}
if [[ $funcstack[1] == _exgrant ]]; then
    _exgrant "$@"
else
    compdef _exgrant exgrant
fi
`)
	_, err := io.WriteString(w, b.String())
	return err
}

// posixQuote writes a text as one word of a POSIX shell.
func posixQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func writeFish(w io.Writer, all []completion) error {
	var b strings.Builder
	b.WriteString(`# Completion of exgrant for fish: exgrant completion fish | source
function __exgrant_path
    set -l path exgrant
    for word in (commandline -opc)[2..-1]
        switch "$path $word"
            case`)
	for _, c := range all[1:] {
		fmt.Fprintf(&b, " '%s'", c.path)
	}
	b.WriteString(`
                set path "$path $word"
        end
    end
    echo $path
end
`)
	for _, c := range all {
		for _, word := range c.words {
			fmt.Fprintf(&b, "complete -c exgrant -n 'test (__exgrant_path) = \"%s\"' %s\n", c.path, fishWord(word))
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// fishWord is a command as an argument, where fish offers no files, or a flag:
// one that has a value is followed by a file.
func fishWord(w completionWord) string {
	text := ""
	switch name := strings.TrimLeft(w.text, "-"); {
	case name == w.text:
		text = "-f -a " + name
	case len(name) == 1:
		text = "-s " + name
	default:
		text = "-l " + name
	}
	if w.takesValue {
		text += " -r"
	}
	usage := strings.ReplaceAll(strings.ReplaceAll(w.usage, `\`, `\\`), "'", `\'`)
	return text + " -d '" + usage + "'"
}

func writePowerShell(w io.Writer, all []completion) error {
	var b strings.Builder
	b.WriteString(`# Completion of exgrant for PowerShell: exgrant completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName exgrant, exgrant.exe -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $known = [ordered]@{
`)
	for _, c := range all {
		fmt.Fprintf(&b, "        '%s' = @(\n", c.path)
		for _, word := range c.words {
			usage, err := exchange.Quote(word.usage)
			if err != nil {
				return fmt.Errorf("cannot write the completion: %s: %w", word.text, err)
			}
			fmt.Fprintf(&b, "            , @('%s', %s, $%t)\n", word.text, usage, word.takesValue)
		}
		b.WriteString("        )\n")
	}
	b.WriteString(`    }
    $path = 'exgrant'
    $previous = ''
    foreach ($element in $commandAst.CommandElements) {
        if ($element.Extent.StartOffset -eq $commandAst.Extent.StartOffset) { continue }
        if ($element.Extent.EndOffset -ge $cursorPosition) { break }
        $previous = "$element"
        if ($known.Contains("$path $previous")) { $path = "$path $previous" }
    }
    # Behind a flag with a value PowerShell offers files, as it does without us.
    if (@($known[$path] | Where-Object { $_[2] -and $_[0] -eq $previous }).Count -gt 0) { return }
    foreach ($word in $known[$path]) {
        if ($word[0].StartsWith($wordToComplete)) {
            $kind = if ($word[0].StartsWith('-')) { 'ParameterName' } else { 'Command' }
            New-Object -TypeName System.Management.Automation.CompletionResult -ArgumentList $word[0], $word[0], $kind, $word[1]
        }
    }
}
`)
	_, err := io.WriteString(w, b.String())
	return err
}
