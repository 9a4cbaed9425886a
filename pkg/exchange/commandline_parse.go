package exchange

import (
	"fmt"
	"strconv"
	"strings"
)

// ParseLine reads a command line that Line, or a generated script, wrote. It takes
// that form alone, and nothing that PowerShell would work out: no variable but
// $true, $false and $null, no expression, no pipe. A list of one element reads as a
// String, a switch without a value as Switch(true), $true and $false as Bool.
func ParseLine(line string) (Command, error) {
	name, rest, _ := strings.Cut(line, " ")
	verb, noun, ok := strings.Cut(name, "-")
	if !ok || !isWord(verb) || !isWord(noun) {
		return Command{}, fmt.Errorf("command line: %q is not a cmdlet", name)
	}
	c := Command{Cmdlet: name}
	for rest != "" {
		p, left, err := parseParameter(rest)
		if err != nil {
			return Command{}, fmt.Errorf("command line of %s: %w", name, err)
		}
		c.Params, rest = append(c.Params, p), left
	}
	return c, nil
}

// parseParameter reads one parameter with its value, and the blank after it.
func parseParameter(text string) (p Param, rest string, err error) {
	text, ok := strings.CutPrefix(text, "-")
	end := strings.IndexAny(text+" ", " :")
	if p.Name = text[:min(end, len(text))]; !ok || !isWord(p.Name) {
		return p, "", fmt.Errorf("expected a parameter at %.20q", text)
	}
	text = text[len(p.Name):]
	switch {
	case text == "" || beginsParameter(text):
		p.Value = Switch(true)
	case text == " " || beginsParameter(text[1:]): // how scripts show no value
		p.Value, text = Null{}, text[1:]
	case text[0] == ':':
		word, left, _ := strings.Cut(text[1:], " ")
		if word != "$true" && word != "$false" {
			return p, "", fmt.Errorf("-%s: expected $true or $false at %.20q", p.Name, word)
		}
		p.Value = Bool(word == "$true")
		return p, left, nil
	default:
		p.Value, text, err = parseArgument(text[1:])
		if err != nil {
			return p, "", fmt.Errorf("-%s: %w", p.Name, err)
		}
	}
	if text == "" {
		return p, "", nil
	}
	text, ok = strings.CutPrefix(text, " ")
	if !ok || text == "" {
		return p, "", fmt.Errorf("-%s: something stands after its value", p.Name)
	}
	return p, text, nil
}

// beginsParameter tells the next parameter from a negative number.
func beginsParameter(text string) bool {
	return len(text) > 2 && text[:2] == " -" && isWord(text[2:3])
}

// parseArgument reads what follows a parameter's name and a blank.
func parseArgument(text string) (v Value, rest string, err error) {
	if isSingleQuote(firstRune(text)) {
		return parseTexts(text)
	}
	word, _, _ := strings.Cut(text, " ")
	rest = text[len(word):]
	switch word {
	case "$null":
		return Null{}, rest, nil
	case "@()":
		return Strings{}, rest, nil
	}
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return nil, "", fmt.Errorf("%.20q is no value", word)
	}
	return Int(n), rest, nil
}

// parseTexts reads one quoted text, or several with commas between.
func parseTexts(text string) (Value, string, error) {
	var list Strings
	for {
		s, rest, err := parseQuoted(text)
		if err != nil {
			return nil, "", err
		}
		list = append(list, s)
		next, more := strings.CutPrefix(rest, ", ")
		if !more {
			if len(list) == 1 {
				return String(s), rest, nil
			}
			return list, rest, nil
		}
		text = next
	}
}

// parseQuoted reads a text in single quotes. Within it any two single quotes stand
// for the first of them, as PowerShell has it.
func parseQuoted(text string) (s, rest string, err error) {
	runes := []rune(text)
	if len(runes) == 0 || !isSingleQuote(runes[0]) {
		return "", "", fmt.Errorf("expected a quoted text at %.20q", text)
	}
	var b strings.Builder
	for i := 1; i < len(runes); i++ {
		switch {
		case !isSingleQuote(runes[i]):
			b.WriteRune(runes[i])
		case i+1 < len(runes) && isSingleQuote(runes[i+1]):
			b.WriteRune(runes[i])
			i++
		default:
			return b.String(), string(runes[i+1:]), nil
		}
	}
	return "", "", fmt.Errorf("the quoted text %.20q has no end", text)
}

func firstRune(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}
