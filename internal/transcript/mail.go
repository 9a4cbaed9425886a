package transcript

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
)

// mailText returns the text of a mail as programs save it. Headers of a web server's
// answer look much the same, but nobody sent it.
func mailText(data []byte) (text []byte, ok bool) {
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil || m.Header.Get("From") == "" || m.Header.Get("Content-Type") == "" {
		return nil, false
	}
	text = partText(textproto.MIMEHeader(m.Header), m.Body, maxDepth)
	return text, len(text) > 0
}

// partText returns the text of a mail's part: of what is attached, texts and mails.
func partText(header textproto.MIMEHeader, body io.Reader, depth int) []byte {
	kind, params, err := mime.ParseMediaType(header.Get("Content-Type"))
	body = transferred(header.Get("Content-Transfer-Encoding"), body)
	switch {
	case depth == 0:
		return nil
	case strings.HasPrefix(kind, "multipart/"):
		return partsText(multipart.NewReader(body, params["boundary"]), kind == "multipart/alternative", depth-1)
	case kind == "message/rfc822":
		if m, err := mail.ReadMessage(body); err == nil {
			return partText(textproto.MIMEHeader(m.Header), m.Body, depth-1)
		}
	case err != nil, strings.HasPrefix(kind, "text/"):
		text, _ := io.ReadAll(body) // of a mail that was cut, what is there
		return text
	}
	return nil
}

// partsText joins the texts of parts, or takes the first where all say the same.
func partsText(parts *multipart.Reader, first bool, depth int) []byte {
	var all []byte
	for {
		part, err := parts.NextRawPart()
		if err != nil {
			return all
		}
		all = append(append(all, partText(part.Header, part, depth)...), "\n\n"...)
		if first && len(bytes.TrimSpace(all)) > 0 {
			return all
		}
	}
}

func transferred(encoding string, body io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	}
	return body
}
