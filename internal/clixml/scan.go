package clixml

import (
	"strings"
	"unicode/utf8"
)

// A scanner goes through the XML of one document, or of a piece of it, once and
// from front to end. The first error stops it: all that follow do nothing.
type scanner struct {
	text   string
	at     int   // the next byte of text
	base   int64 // where text begins in the input
	length int   // of text in the input, where it may have had bytes that are no UTF-8
	nodes  int   // elements so far
	limits Limits
	err    error
}

// A tag is the start of an element.
type tag struct {
	start   int    // of its "<" in the text
	full    string // its name as written
	name    string // without a prefix
	closed  bool   // <name/>: it has no content
	count   int    // of its attributes
	n       string // attribute N, with XML's entities taken off only
	refID   string // attribute RefId
	stream  string // attribute S
	hasName bool   // N is there
}

// child goes to the next element within parent, past comments, and returns its
// start. At parent's end, which it goes past, ok is false.
func (s *scanner) child(parent *tag) (t tag, ok bool) {
	if parent.closed || !s.toMarkup(parent.name) {
		return tag{}, false
	}
	if strings.HasPrefix(s.text[s.at:], "</") {
		s.endTag(parent)
		return tag{}, false
	}
	return s.startTag(), s.err == nil
}

// toMarkup goes to the next start or end of an element. Only white space and
// comments may come before it.
func (s *scanner) toMarkup(within string) bool {
	for s.err == nil {
		for s.at < len(s.text) && isSpace(s.text[s.at]) {
			s.at++
		}
		rest := s.text[s.at:]
		switch {
		case rest == "":
			s.failEnd(within)
		case rest[0] != '<':
			s.fail(s.at, within, "text where an element or the end is wanted")
		case strings.HasPrefix(rest, "<!--"):
			s.past("<!--", "-->")
		case strings.HasPrefix(rest, "<?"):
			s.past("<?", "?>")
		case strings.HasPrefix(rest, "<!"):
			s.fail(s.at, within, "a declaration or CDATA, which has no place there (DOCTYPE is refused everywhere)")
		default:
			return true
		}
	}
	return false
}

// past goes past something that begins here and ends with end.
func (s *scanner) past(begin, end string) {
	i := strings.Index(s.text[s.at+len(begin):], end)
	if i < 0 {
		s.fail(s.at, "", "the document ends inside "+begin)
		return
	}
	s.at += len(begin) + i + len(end)
}

// startTag reads the start of an element at "<".
func (s *scanner) startTag() tag {
	t := tag{start: s.at}
	s.at++
	t.full = s.xmlName()
	t.name = local(t.full)
	if s.nodes++; s.nodes > s.limits.Nodes {
		s.exceeded("nodes", int64(s.limits.Nodes))
	}
	for s.err == nil {
		spaced := s.space()
		switch rest := s.text[s.at:]; {
		case rest == "":
			s.failEnd(t.name)
		case rest[0] == '>':
			s.at++
			return t
		case strings.HasPrefix(rest, "/>"):
			s.at += 2
			t.closed = true
			return t
		case !spaced:
			s.fail(s.at, t.name, "an attribute without a space before it")
		default:
			s.attribute(&t)
		}
	}
	return t
}

func (s *scanner) attribute(t *tag) {
	if t.count++; t.count > maxAttributes {
		s.exceeded("attributes", maxAttributes)
		return
	}
	start := s.at
	name := s.xmlName()
	s.space()
	if s.err != nil || s.at+1 >= len(s.text) || s.text[s.at] != '=' {
		s.fail(start, t.name, "an attribute without a value")
		return
	}
	s.at++
	s.space()
	if s.at >= len(s.text) || s.text[s.at] != '"' && s.text[s.at] != '\'' {
		s.fail(start, t.name, "an attribute without quotation marks")
		return
	}
	raw, _, ok := strings.Cut(s.text[s.at+1:], s.text[s.at:s.at+1])
	if !ok || strings.IndexByte(raw, '<') >= 0 {
		s.fail(start, t.name, "an attribute without an end")
		return
	}
	s.at += len(raw) + 2
	value, err := decodeEntities(raw, true)
	if err != nil {
		s.fail(start, t.name, err.Error())
		return
	}
	s.keep(t, start, name, value)
}

// keep notes the attributes that mean something.
func (s *scanner) keep(t *tag, at int, name, value string) {
	var place *string
	switch name {
	case "N":
		if place = &t.n; t.hasName {
			s.fail(at, t.name, "the attribute N twice")
		}
		t.hasName = true
	case "RefId":
		place = &t.refID
	case "S":
		place = &t.stream
	default:
		return
	}
	if *place != "" {
		s.fail(at, t.name, "the attribute "+name+" twice")
	}
	*place = value
}

// endTag reads </name> of an element that is open.
func (s *scanner) endTag(open *tag) {
	start := s.at
	s.at += len("</")
	if !strings.HasPrefix(s.text[s.at:], open.full) {
		s.failEndTag(start, open)
		return
	}
	s.at += len(open.full)
	s.space()
	if s.at >= len(s.text) || s.text[s.at] != '>' {
		s.failEndTag(start, open)
		return
	}
	s.at++
}

func (s *scanner) failEndTag(start int, open *tag) {
	if strings.IndexByte(s.text[start:], '>') < 0 {
		s.failEnd(open.name)
		return
	}
	s.fail(start, open.name, "the end of another element where its own is wanted")
}

// content returns what is in an element that holds nothing but text, without
// XML's entities, and goes past its end.
func (s *scanner) content(t *tag) string {
	if t.closed || s.err != nil {
		return ""
	}
	text := s.run(t)
	if s.err != nil {
		return text
	}
	if strings.HasPrefix(s.text[s.at:], "</") {
		s.endTag(t)
		return text
	}
	return s.pieces(t, text)
}

// run reads text up to the next "<".
func (s *scanner) run(t *tag) string {
	start := s.at
	n := strings.IndexByte(s.text[start:], '<')
	if n < 0 {
		s.at = len(s.text)
		s.failEnd(t.name)
		return s.text[start:]
	}
	s.at += n
	text, err := decodeEntities(s.text[start:s.at], false)
	if err != nil {
		s.fail(start, t.name, err.Error())
	}
	return text
}

// pieces reads on in text that comments or CDATA interrupt.
func (s *scanner) pieces(t *tag, first string) string {
	text := []byte(first)
	for s.err == nil {
		switch start, rest := s.at, s.text[s.at:]; {
		case strings.HasPrefix(rest, "</"):
			s.endTag(t)
			return string(text)
		case strings.HasPrefix(rest, "<!--"):
			s.past("<!--", "-->")
		case strings.HasPrefix(rest, "<?"):
			s.past("<?", "?>")
		case strings.HasPrefix(rest, "<![CDATA["):
			if s.past("<![CDATA[", "]]>"); s.err == nil {
				text = append(text, newlines.Replace(s.text[start+len("<![CDATA["):s.at-len("]]>")])...)
			}
		default:
			s.fail(start, t.name, "an element where text is wanted")
		}
		if s.err == nil {
			text = append(text, s.run(t)...)
		}
	}
	return string(text)
}

var newlines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// skip goes past the rest of an element, whatever is in it, and returns all of
// it. outside is how deep the element lies.
func (s *scanner) skip(t *tag, outside int) string {
	open := []tag{*t}
	if t.closed {
		open = nil
	}
	for len(open) > 0 && s.err == nil {
		inner := &open[len(open)-1]
		s.run(inner)
		switch rest := s.text[s.at:]; {
		case s.err != nil:
		case strings.HasPrefix(rest, "</"):
			s.endTag(inner)
			open = open[:len(open)-1]
		case strings.HasPrefix(rest, "<!--"):
			s.past("<!--", "-->")
		case strings.HasPrefix(rest, "<![CDATA["):
			s.past("<![CDATA[", "]]>")
		case strings.HasPrefix(rest, "<?"):
			s.past("<?", "?>")
		default:
			next := s.startTag()
			if !next.closed {
				open = append(open, next)
			}
			if len(open)+outside > s.limits.Depth {
				s.exceeded("depth", int64(s.limits.Depth))
			}
		}
	}
	return s.text[t.start:s.at]
}

func (s *scanner) space() (any bool) {
	start := s.at
	for s.at < len(s.text) && isSpace(s.text[s.at]) {
		s.at++
	}
	return s.at > start
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }

// xmlName reads a name.
func (s *scanner) xmlName() string {
	start := s.at
	for s.at < len(s.text) && isNameByte(s.text[s.at]) {
		s.at++
	}
	name := s.text[start:s.at]
	if name == "" || isDigit(name[0]) || name[0] == '-' || name[0] == '.' {
		s.fail(start, "", "a name is wanted here")
	}
	return name
}

func isNameByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || isDigit(c) ||
		c == '_' || c == '-' || c == '.' || c == ':' || c >= utf8.RuneSelf
}

// local returns a name without its prefix.
func local(name string) string {
	return name[strings.LastIndexByte(name, ':')+1:]
}

// fail notes the first error.
func (s *scanner) fail(at int, element, problem string) {
	if s.err == nil {
		s.err = &SyntaxError{Offset: s.base + int64(at), Element: element, Problem: problem}
	}
}

func (s *scanner) failEnd(element string) {
	if s.err == nil {
		s.err = &SyntaxError{Offset: s.base + int64(len(s.text)), Element: element, Problem: "the document ends inside it", Truncated: true}
	}
}

func (s *scanner) exceeded(limit string, value int64) {
	if s.err == nil {
		s.err = &LimitError{Offset: s.base + int64(s.at), Limit: limit, Max: value}
	}
}
