package exchange

import (
	"fmt"
	"strconv"
	"strings"
)

// Line returns the command as one PowerShell command line, the way a person would type
// it: every parameter by name, text as constants, booleans as $true and $false.
// A list of one element looks like a single value, which binds the same.
//
// It refuses cmdlet and parameter names that are not plain words, since those
// stand outside quotes, and text that Quote refuses.
func (c Command) Line() (string, error) {
	verb, noun, ok := strings.Cut(c.Cmdlet, "-")
	if !ok || !isWord(verb) || !isWord(noun) {
		return "", fmt.Errorf("cannot write %q as a cmdlet: it is not a verb and a noun", c.Cmdlet)
	}
	var b strings.Builder
	b.WriteString(c.Cmdlet)
	for _, p := range c.Params {
		if !isWord(p.Name) {
			return "", fmt.Errorf("cannot write %q as a parameter of %s: it is not a word", p.Name, c.Cmdlet)
		}
		text, err := argument(p)
		if err != nil {
			return "", fmt.Errorf("parameter %s of %s: %w", p.Name, c.Cmdlet, err)
		}
		b.WriteString(" -" + p.Name + text)
	}
	return b.String(), nil
}

// argument is what follows a parameter's name. Booleans are bound with a colon:
// many, such as every cmdlet's -Confirm, are switches to PowerShell, and after a
// space $false would be an argument of its own.
func argument(p Param) (string, error) {
	switch v := p.Value.(type) {
	case String:
		text, err := Quote(string(v))
		return " " + text, err
	case Strings:
		return list(v)
	case Int:
		return " " + strconv.FormatInt(int64(v), 10), nil
	case Bool:
		return ":$" + strconv.FormatBool(bool(v)), nil
	case Switch:
		if v {
			return "", nil
		}
		return ":$false", nil
	case Null:
		return " $null", nil
	}
	return "", fmt.Errorf("a value of type %T has no PowerShell form", p.Value)
}

func list(values Strings) (string, error) {
	if len(values) == 0 {
		return " @()", nil
	}
	texts := make([]string, len(values))
	for i, s := range values {
		text, err := Quote(s)
		if err != nil {
			return "", err
		}
		texts[i] = text
	}
	return " " + strings.Join(texts, ", "), nil
}

func isWord(s string) bool {
	for _, r := range s {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return false
		}
	}
	return s != ""
}
