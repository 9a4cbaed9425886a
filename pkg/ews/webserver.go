package ews

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/negotiate"
)

// checkAnswer refuses what is not XML of a service.
func checkAnswer(r *http.Response) error {
	media, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	encoding := r.Header.Get("Content-Encoding")
	switch {
	case media != "text/xml" && media != "application/xml" && media != "application/soap+xml":
		return httpError(r)
	case r.StatusCode != http.StatusOK && r.StatusCode != http.StatusInternalServerError:
		return httpError(r)
	case encoding != "" && !strings.EqualFold(encoding, "identity"):
		return &ProtocolError{What: "the answer is compressed, though none was asked for: " + clip(encoding)}
	case parameters["charset"] != "" && !strings.EqualFold(parameters["charset"], "utf-8"):
		return &ProtocolError{What: "the answer is not in UTF-8: " + clip(parameters["charset"])}
	}
	return nil
}

func httpError(r *http.Response) error {
	start := make([]byte, 8<<10)
	n, _ := io.ReadFull(r.Body, start)
	return &HTTPError{Status: r.StatusCode, Offered: offered(r), Server: clip(r.Header.Get("Server")),
		Location: location(r), Title: title(string(start[:n])), RetryAfter: retryAfter(r.Header.Get("Retry-After"))}
}

// location is where a redirection leads, without query: that may hold what is not
// for a log.
func location(r *http.Response) string {
	to, err := r.Location()
	if err != nil || r.StatusCode < 300 || r.StatusCode >= 400 {
		return ""
	}
	return withoutQuery(to)
}

func withoutQuery(u *url.URL) string {
	return clip((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// retryAfter reads the header in its form of seconds (RFC 9110 10.2.3), the one that
// IIS sends.
func retryAfter(header string) time.Duration {
	seconds, err := strconv.Atoi(strings.TrimSpace(header))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(maxBackOff/time.Second))) * time.Second
}

// offered are the ways to log on that an answer offers, fit to be shown.
func offered(r *http.Response) []string {
	list := negotiate.Offered(r.Header)
	for i, scheme := range list {
		list[i] = clip(scheme)
	}
	return list
}

// title is the title of an HTML page, or the first words of another text.
func title(page string) string {
	lower := strings.ToLower(page)
	if _, rest, ok := strings.Cut(lower, "<title>"); ok && len(lower) == len(page) {
		start := len(page) - len(rest)
		if end := strings.Index(rest, "</title>"); end >= 0 {
			return clip(page[start : start+end])
		}
	}
	return clip(page)
}

// maxClip bounds what is shown of a server's text where it is no message.
const maxClip = 120

// clip makes one short line of a server's text, fit to be shown.
func clip(s string) string {
	if len(s) > 4*maxClip {
		s = s[:4*maxClip]
	}
	return shorten(oneLine(s), maxClip)
}

// oneLine is a text without line breaks and without what a terminal would obey.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return ' '
		}
		if !strconv.IsPrint(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	return strings.Join(strings.Fields(s), " ")
}

func shorten(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// read reads a whole body. One that is longer than the limit is a *ProtocolError.
func read(r *http.Response, limit int) ([]byte, error) {
	tooLong := &ProtocolError{What: fmt.Sprintf("the answer is longer than %d bytes: the rest was not read", limit)}
	if r.ContentLength > int64(limit) {
		return nil, tooLong
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	_, err := body.ReadFrom(io.LimitReader(r.Body, int64(limit)+1))
	if body.Len() > limit {
		return nil, tooLong
	}
	return body.Bytes(), err
}
