package ews

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/httptext"
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
	return &HTTPError{Status: r.StatusCode, Offered: offered(r), Server: clip(r.Header.Get("Server")),
		Location: location(r), Title: httptext.Title(httptext.Start(r), maxClip), RetryAfter: retryAfter(r.Header)}
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

// retryAfter reads the header in both of its forms (RFC 9110 10.2.3): seconds, as IIS
// sends them, and a date, which counts from the answer's own.
func retryAfter(h http.Header) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(max(0, min(seconds, int64(maxBackOff/time.Second)))) * time.Second
	}
	until, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(0, min(until.Sub(now), maxBackOff))
}

// offered are the ways to log on that an answer offers, fit to be shown.
func offered(r *http.Response) []string {
	list := negotiate.Offered(r.Header)
	for i, scheme := range list {
		list[i] = clip(scheme)
	}
	return list
}

// maxClip bounds what is shown of a server's text where it is no message.
const maxClip = 120

// clip makes one short line of a server's text, fit to be shown.
func clip(s string) string { return httptext.Line(s, maxClip) }

// read reads a whole body. One that is longer than the limit is a *ProtocolError.
func read(r *http.Response, limit int) ([]byte, error) {
	body, err := httptext.Body(r, limit)
	if long := (*httptext.TooLongError)(nil); errors.As(err, &long) {
		return nil, &ProtocolError{What: fmt.Sprintf("the answer is longer than %d bytes: the rest was not read", limit)}
	}
	return body, err
}
