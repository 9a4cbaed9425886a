package wsman

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// What an envelope may hold at most. The largest that a server sends has a Stream
// element for each fragment of a reply of 500 KiB.
const (
	maxElements   = 20_000
	maxDepth      = 32
	maxAttributes = 64 // of one element
)

// An element is one element of an envelope. Its texts are slices of the document
// where they can be.
type element struct {
	space, local string
	attributes   []attribute
	text         []byte // the character data directly in it
	children     []*element
}

type attribute struct {
	space, local string
	value        string
}

// child returns the first child of that name, an empty element when there is none.
func (e *element) child(space, local string) *element {
	if c := e.find(space, local); c != nil {
		return c
	}
	return &element{}
}

// find returns the first child of that name, or nil.
func (e *element) find(space, local string) *element {
	for _, c := range e.children {
		if c.is(space, local) {
			return c
		}
	}
	return nil
}

func (e *element) is(space, local string) bool { return e.local == local && e.space == space }

// value returns the text without the blanks around it.
func (e *element) value() string { return string(bytes.TrimSpace(e.text)) }

// attribute returns an attribute's value; those of the dialect have no namespace.
func (e *element) attribute(space, local string) string {
	for _, a := range e.attributes {
		if a.local == local && a.space == space {
			return a.value
		}
	}
	return ""
}

// parseXML reads a document into its elements. It knows the XML that SOAP allows
// (SOAP 1.2 part 1, section 5): no document type, no processing instructions but
// the declaration, UTF-8.
func parseXML(data []byte) (*element, error) {
	s := scanner{data: bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF"))}
	if err := checkCharacters(s.data); err != nil {
		return nil, err
	}
	root, err := s.document()
	if err != nil {
		return nil, fmt.Errorf("XML at byte %d: %w", s.at, err)
	}
	return root, nil
}

type scanner struct {
	data     []byte
	at       int
	elements int
	scopes   []binding // namespace prefixes, the innermost last
}

type binding struct{ prefix, space string }

func (s *scanner) document() (*element, error) {
	if s.has("<?xml") {
		if err := s.skipPast("?>"); err != nil {
			return nil, err
		}
	}
	if err := s.between(); err != nil {
		return nil, err
	}
	root, err := s.element(1)
	if err != nil {
		return nil, err
	}
	if err := s.between(); err != nil {
		return nil, err
	}
	if s.at < len(s.data) {
		return nil, errors.New("something follows the envelope")
	}
	return root, nil
}

// between skips blanks and comments outside the root.
func (s *scanner) between() error {
	for {
		s.space()
		if !s.has("<!--") {
			return nil
		}
		if err := s.comment(); err != nil {
			return err
		}
	}
}

func (s *scanner) has(prefix string) bool {
	return len(s.data)-s.at >= len(prefix) && string(s.data[s.at:s.at+len(prefix)]) == prefix
}

func (s *scanner) space() bool {
	start := s.at
	for s.at < len(s.data) && isSpace(s.data[s.at]) {
		s.at++
	}
	return s.at > start
}

func (s *scanner) skipPast(end string) error {
	n := bytes.Index(s.data[s.at:], []byte(end))
	if n < 0 {
		return fmt.Errorf("%s is missing", end)
	}
	s.at += n + len(end)
	return nil
}

func (s *scanner) comment() error {
	s.at += len("<!--")
	n := bytes.Index(s.data[s.at:], []byte("--"))
	if n < 0 {
		return errors.New("a comment does not end")
	}
	s.at += n
	if !s.has("-->") {
		return errors.New("a comment holds --")
	}
	s.at += len("-->")
	return nil
}

// element reads from its < to the end of its end tag.
func (s *scanner) element(depth int) (*element, error) {
	if s.elements++; s.elements > maxElements || depth > maxDepth {
		return nil, fmt.Errorf("more than %d elements or %d levels", maxElements, maxDepth)
	}
	if !s.has("<") || s.has("<!") || s.has("<?") {
		return nil, errors.New("an element is due; document types and processing instructions are not allowed")
	}
	s.at++
	name, err := s.name()
	if err != nil {
		return nil, err
	}
	outer := len(s.scopes)
	e := &element{}
	empty, err := s.startTag(e, name)
	if err == nil && !empty {
		err = s.content(e, name, depth)
	}
	s.scopes = s.scopes[:outer]
	return e, err
}

// name reads a name with its prefix. Names in SOAP need no more than ASCII; others
// are taken as they are.
func (s *scanner) name() ([]byte, error) {
	start := s.at
	for s.at < len(s.data) && isNameByte(s.data[s.at]) {
		s.at++
	}
	name := s.data[start:s.at]
	if len(name) == 0 || name[0] == '-' || name[0] == '.' || name[0] >= '0' && name[0] <= '9' {
		return nil, errors.New("a name is due")
	}
	return name, nil
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == ':' || c >= 0x80
}

// startTag reads the rest of a start tag and resolves its names. It reports
// whether the element has no content.
func (s *scanner) startTag(e *element, name []byte) (empty bool, err error) {
	var raw []struct {
		name  []byte
		value string
	}
	for {
		spaced := s.space()
		switch {
		case s.has("/>"):
			s.at += 2
			empty = true
		case s.has(">"):
			s.at++
		case !spaced:
			return false, errors.New("a start tag is broken")
		default:
			name, value, err := s.attribute()
			if err != nil {
				return false, err
			}
			for _, a := range raw {
				if bytes.Equal(a.name, name) {
					return false, fmt.Errorf("the attribute %s comes twice", name)
				}
			}
			if len(raw) == maxAttributes {
				return false, fmt.Errorf("an element has more than %d attributes", maxAttributes)
			}
			raw = append(raw, struct {
				name  []byte
				value string
			}{name, value})
			continue
		}
		break
	}
	for _, a := range raw {
		if prefix, ok := declares(a.name); ok {
			s.scopes = append(s.scopes, binding{prefix, a.value})
		}
	}
	if e.space, e.local, err = s.resolve(name, true); err != nil {
		return false, err
	}
	for _, a := range raw {
		if _, ok := declares(a.name); ok {
			continue
		}
		space, local, err := s.resolve(a.name, false)
		if err != nil {
			return false, err
		}
		e.attributes = append(e.attributes, attribute{space, local, a.value})
	}
	return empty, nil
}

// declares tells a namespace declaration and the prefix that it is for.
func declares(name []byte) (prefix string, ok bool) {
	if string(name) == "xmlns" {
		return "", true
	}
	rest, ok := bytes.CutPrefix(name, []byte("xmlns:"))
	return string(rest), ok
}

func (s *scanner) resolve(name []byte, element bool) (space, local string, err error) {
	prefix, rest, prefixed := bytes.Cut(name, []byte(":"))
	switch {
	case !prefixed && !element:
		return "", string(name), nil
	case !prefixed:
		prefix, rest = nil, name
	case len(prefix) == 0 || len(rest) == 0 || bytes.IndexByte(rest, ':') >= 0:
		return "", "", fmt.Errorf("%s is not a name", clip(string(name)))
	case string(prefix) == "xml":
		return nsXML, string(rest), nil
	}
	for i := len(s.scopes) - 1; i >= 0; i-- {
		if s.scopes[i].prefix == string(prefix) {
			return s.scopes[i].space, string(rest), nil
		}
	}
	if prefixed {
		return "", "", fmt.Errorf("the prefix of %s is not declared", clip(string(name)))
	}
	return "", string(rest), nil
}

func (s *scanner) attribute() (name []byte, value string, err error) {
	if name, err = s.name(); err != nil {
		return nil, "", err
	}
	s.space()
	if !s.has("=") {
		return nil, "", fmt.Errorf("the attribute %s has no value", clip(string(name)))
	}
	s.at++
	s.space()
	if !s.has(`"`) && !s.has(`'`) {
		return nil, "", fmt.Errorf("the value of the attribute %s has no quotes", clip(string(name)))
	}
	quote := s.data[s.at]
	s.at++
	n := bytes.IndexByte(s.data[s.at:], quote)
	if n < 0 {
		return nil, "", fmt.Errorf("the value of the attribute %s does not end", clip(string(name)))
	}
	raw := s.data[s.at : s.at+n]
	if bytes.IndexByte(raw, '<') >= 0 {
		return nil, "", fmt.Errorf("the value of the attribute %s holds <", clip(string(name)))
	}
	text, err := unescape(nil, raw)
	s.at += n + 1
	return name, string(text), err
}

// content reads up to the end tag of the element that was written as name.
func (s *scanner) content(e *element, name []byte, depth int) error {
	for {
		n := bytes.IndexByte(s.data[s.at:], '<')
		if n < 0 {
			return fmt.Errorf("<%s> does not end", clip(string(name)))
		}
		var err error
		if e.text, err = unescape(e.text, s.data[s.at:s.at+n]); err != nil {
			return err
		}
		s.at += n
		switch {
		case s.has("</"):
			return s.endTag(name)
		case s.has("<!--"):
			err = s.comment()
		case s.has("<![CDATA["):
			err = s.cdata(e)
		default:
			var c *element
			if c, err = s.element(depth + 1); err == nil {
				e.children = append(e.children, c)
			}
		}
		if err != nil {
			return err
		}
	}
}

func (s *scanner) endTag(name []byte) error {
	s.at += len("</")
	end, err := s.name()
	if err != nil {
		return err
	}
	s.space()
	if !bytes.Equal(end, name) || !s.has(">") {
		return fmt.Errorf("<%s> is not ended by its end tag", clip(string(name)))
	}
	s.at++
	return nil
}

func (s *scanner) cdata(e *element) error {
	s.at += len("<![CDATA[")
	n := bytes.Index(s.data[s.at:], []byte("]]>"))
	if n < 0 {
		return errors.New("a CDATA section does not end")
	}
	e.text = joinText(e.text, s.data[s.at:s.at+n])
	s.at += n + len("]]>")
	return nil
}

// joinText adds a piece of the document to a text, with line ends as XML 1.0
// section 2.11 wants them. The first piece is not copied; it has no room behind it,
// so that nothing is ever appended into the document.
func joinText(text, piece []byte) []byte {
	if bytes.IndexByte(piece, '\r') >= 0 {
		piece = bytes.ReplaceAll(piece, []byte("\r\n"), []byte("\n"))
		piece = bytes.ReplaceAll(piece, []byte("\r"), []byte("\n"))
	}
	if len(text) == 0 {
		return piece[:len(piece):len(piece)]
	}
	return append(text, piece...)
}

// unescape adds raw character data to a text, its references resolved.
func unescape(text, raw []byte) ([]byte, error) {
	if len(raw) == 0 {
		return text, nil
	}
	for {
		n := bytes.IndexByte(raw, '&')
		if n < 0 {
			return joinText(text, raw), nil
		}
		text = joinText(text, raw[:n])
		raw = raw[n:]
		end := bytes.IndexByte(raw, ';')
		if end < 0 || end > 12 {
			return nil, errors.New("an & stands alone")
		}
		r, err := reference(string(raw[1:end]))
		if err != nil {
			return nil, err
		}
		text = utf8.AppendRune(text, r)
		raw = raw[end+1:]
	}
}

func reference(name string) (rune, error) {
	switch name {
	case "amp":
		return '&', nil
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "quot":
		return '"', nil
	case "apos":
		return '\'', nil
	}
	if len(name) < 2 || name[0] != '#' {
		return 0, fmt.Errorf("the entity %q is not known", clip(name))
	}
	digits, base := name[1:], 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 32)
	if err != nil || n > utf8.MaxRune || !isXML(rune(n)) {
		return 0, fmt.Errorf("&%s; is not a character", clip(name))
	}
	return rune(n), nil
}

// checkCharacters refuses what is no UTF-8 or no XML character. Payloads are plain
// ASCII, so that the quick way counts.
func checkCharacters(raw []byte) error {
	for i := 0; i < len(raw); {
		if c := raw[i]; c >= 0x20 && c < 0x80 || isSpace(c) {
			i++
			continue
		}
		r, size := utf8.DecodeRune(raw[i:])
		if r == utf8.RuneError && size <= 1 || !isXML(r) {
			return fmt.Errorf("byte %d is no UTF-8, or a character that XML does not allow", i)
		}
		i += size
	}
	return nil
}
