package negotiate

import (
	"bytes"
	"encoding/binary"
	"io"
	"mime"
	"slices"
	"strconv"
	"strings"
)

// The sealed form of a message, MS-WSMV 2.2.9.1.1: two parts, of which the first
// says what the second is, and the second is the length of the signature in four
// bytes, the signature, and the message.
const (
	sealedMedia = "multipart/encrypted"
	boundary    = "Encrypted Boundary"
	sealedEnd   = "--" + boundary + "--\r\n"

	protocolSPNEGO   = "application/HTTP-SPNEGO-session-encrypted"
	protocolKerberos = "application/HTTP-Kerberos-session-encrypted"
)

// sealedContentType is the header of a sealed message.
func sealedContentType(protocol string) string {
	return sealedMedia + `;protocol="` + protocol + `";boundary="` + boundary + `"`
}

// sealBody reads a message of n bytes and seals it. It is copied once, to its place.
func sealBody(m mechanism, protocol, contentType string, body io.Reader, n int) ([]byte, error) {
	if m, ok := m.(copySealer); ok {
		return sealCopied(m, protocol, contentType, body, n)
	}
	header, padding, tail := m.layout(n)
	head := sealedHead(protocol, contentType, n+padding, header)
	message := len(head) + header
	end := message + n + padding
	b := make([]byte, max(end+len(sealedEnd), message+n+tail))
	copy(b, head)
	if _, err := io.ReadFull(body, b[message:message+n]); err != nil {
		return nil, err
	}
	if err := m.seal(b[len(head):], n); err != nil {
		return nil, err
	}
	return append(b[:end], sealedEnd...), nil
}

func sealCopied(m copySealer, protocol, contentType string, body io.Reader, n int) ([]byte, error) {
	message := make([]byte, n)
	if _, err := io.ReadFull(body, message); err != nil {
		return nil, err
	}
	signature, padding, err := m.sealCopy(message)
	if err != nil {
		return nil, err
	}
	head := sealedHead(protocol, contentType, n+len(padding), len(signature))
	return slices.Concat(head, signature, message, padding, []byte(sealedEnd)), nil
}

// sealedHead is all that stands before the signature. The length counts the
// padding, as Windows and the clients by GSSAPI have it.
func sealedHead(protocol, contentType string, length, signature int) []byte {
	head := "--" + boundary + "\r\n\tContent-Type: " + protocol + "\r\n\tOriginalContent: type=" + contentType + ";Length=" + strconv.Itoa(length) +
		"\r\n--" + boundary + "\r\n\tContent-Type: application/octet-stream\r\n"
	return binary.LittleEndian.AppendUint32([]byte(head), uint32(signature))
}

// isSealedMedia reports whether a media type is that of a sealed message, and its
// boundary.
func isSealedMedia(contentType string) (boundary string, ok bool) {
	media, parameters, err := mime.ParseMediaType(contentType)
	return parameters["boundary"], err == nil && media == sealedMedia && parameters["boundary"] != ""
}

// openBody opens a sealed message in place, and returns it with its media type.
func openBody(m mechanism, boundary string, b []byte) (contentType string, message []byte, err error) {
	s, err := parseSealed(boundary, b)
	if err != nil {
		return "", nil, err
	}
	size := len(s.token) - s.header
	message, err = m.open(s.token, s.header)
	if err != nil {
		return "", nil, err
	}
	if s.length != len(message) && s.length != size {
		return "", nil, altered("a sealed message has not the length that it says")
	}
	return s.contentType, message, nil
}

// A sealedParts is the outer form, taken apart.
type sealedParts struct {
	contentType string
	length      int    // of the message, as said
	token       []byte // signature and message
	header      int    // bytes of signature
}

func parseSealed(boundary string, b []byte) (sealedParts, error) {
	var s sealedParts
	bad := malformed("a sealed answer that cannot be read")
	rest, ok := cutDelimiter(b, boundary)
	if !ok {
		return s, bad
	}
	s.length = -1
	for {
		var line []byte
		if line, rest, ok = bytes.Cut(rest, []byte("\r\n")); !ok || len(line) > 1<<10 {
			return s, bad
		}
		if after, found := headerValue(line, "OriginalContent"); found {
			s.contentType, s.length = originalContent(after)
		}
		if next, found := cutDelimiter(rest, boundary); found {
			rest = next
			break
		}
	}
	line, rest, ok := bytes.Cut(rest, []byte("\r\n"))
	media, found := headerValue(line, "Content-Type")
	if !ok || !found || !strings.EqualFold(media, "application/octet-stream") || s.length < 0 {
		return s, bad
	}
	// The end is looked for where it must be, not by searching the ciphertext.
	rest = bytes.TrimSuffix(rest, []byte("\r\n"))
	end, ok := bytes.CutSuffix(rest, []byte(boundary+"--"))
	if !ok {
		return s, bad
	}
	rest, ok = bytes.CutSuffix(bytes.TrimSuffix(end, []byte(" ")), []byte("--"))
	if !ok || len(rest) < 4 {
		return s, bad
	}
	header := binary.LittleEndian.Uint32(rest)
	s.token = rest[4:]
	if uint64(header) > uint64(len(s.token)) {
		return s, bad
	}
	s.header = int(header)
	return s, nil
}

// cutDelimiter cuts a delimiter line off the front. Exchange's has a blank behind
// its dashes.
func cutDelimiter(b []byte, boundary string) ([]byte, bool) {
	b, ok := bytes.CutPrefix(b, []byte("--"))
	if !ok {
		return nil, false
	}
	b = bytes.TrimPrefix(b, []byte(" "))
	return bytes.CutPrefix(b, []byte(boundary+"\r\n"))
}

// headerValue reads a header line of a part, which is indented.
func headerValue(line []byte, name string) (string, bool) {
	key, value, ok := strings.Cut(string(line), ":")
	if !ok || !strings.EqualFold(strings.TrimSpace(key), name) {
		return "", false
	}
	return strings.TrimSpace(value), true
}

// originalContent reads "type=application/soap+xml;charset=UTF-8;Length=1234"; the
// length is -1 when there is none.
func originalContent(value string) (contentType string, length int) {
	const typeIs, lengthIs = "type=", "length="
	i := strings.LastIndexByte(value, ';')
	if i < len(typeIs) || !hasPrefixFold(value, typeIs) || !hasPrefixFold(value[i+1:], lengthIs) {
		return "", -1
	}
	n, err := strconv.ParseUint(strings.TrimSpace(value[i+1+len(lengthIs):]), 10, 31)
	if err != nil {
		return "", -1
	}
	return strings.TrimSpace(value[len(typeIs):i]), int(n)
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
