package ews

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/negotiate"
	"github.com/exgrant/exgrant/internal/nettext"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// An Error is a call that did not do what it was for. Err is a *ResponseError where
// EWS answered, an *HTTPError where the web server did, a *ProtocolError for an
// answer that is none, a *NetworkError where no whole one came; that of a log-on is
// its own.
type Error struct {
	Doing  string // "GetFolder as anna@contoso.test"
	Answer Answer
	Err    error
}

func (e *Error) Error() string { return e.Doing + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// Evidence returns what is known about the error in codes, for package fault.
func (e *Error) Evidence() fault.Evidence {
	evidence := fault.Evidence{Record: exchange.ErrorRecord{Message: e.Err.Error()}}
	var response *ResponseError
	var web *HTTPError
	var network *NetworkError
	var logon *negotiate.Error
	switch {
	case errors.As(e.Err, &logon):
		if evidence.WSManCode = logon.Code(); evidence.WSManCode == 0 {
			evidence.HTTPStatus = logon.Status
		}
	case errors.As(e.Err, &response):
		evidence.EWSCode, evidence.HTTPStatus = response.Code, e.Answer.Status
	case errors.As(e.Err, &web):
		evidence.HTTPStatus, evidence.Text = web.Status, "EWS"
	case errors.As(e.Err, &network):
		evidence.WSManCode = network.code()
	default:
		evidence.HTTPStatus, evidence.Text = e.Answer.Status, "EWS"
	}
	return evidence
}

// Hint returns what to do about it, where the log-on or the connection shows that.
func (e *Error) Hint() string {
	var logon *negotiate.Error
	var network *NetworkError
	switch {
	case errors.As(e.Err, &logon):
		return logon.Hint()
	case errors.As(e.Err, &network):
		return network.Hint()
	}
	return ""
}

// CodeOf returns the response code of EWS behind an error, "" when there is none.
func CodeOf(err error) string {
	var response *ResponseError
	if errors.As(err, &response) {
		return response.Code
	}
	return ""
}

// A ResponseError is an answer of EWS that is no success: a SOAP fault or a response
// message. Code decides; Message is in the server's language.
type ResponseError struct {
	Code    string // the response code, such as "ErrorImpersonateUserDenied"
	Message string
	Fault   bool // it was a SOAP fault: the request was refused as a whole

	// BackOff is how long the server asks to be left alone (BackOffMilliseconds), 0
	// where it does not say.
	BackOff time.Duration
	// Details are the values that came with the message, such as the offending element
	// of a schema violation. BackOffMilliseconds is among them.
	Details map[string]string
}

func (e *ResponseError) Error() string {
	text := e.Code
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.BackOff > 0 {
		text += fmt.Sprintf(" (it asks to be left alone for %v)", e.BackOff.Round(time.Second))
	}
	return text
}

// An HTTPError is an answer of the web server, or of something else that speaks
// HTTP, instead of EWS.
type HTTPError struct {
	Status     int
	Offered    []string // authentication schemes of WWW-Authenticate, as written
	Server     string   // the Server header
	Location   string   // of a redirection, without its query
	Title      string   // of an HTML page, or the first words of another text
	RetryAfter time.Duration
}

func (e *HTTPError) Error() string {
	text := fmt.Sprintf("HTTP %d %s", e.Status, http.StatusText(e.Status))
	switch {
	case e.Status == http.StatusUnauthorized && len(e.Offered) > 0:
		text += ": the log-on was not accepted; offered are " + strings.Join(e.Offered, ", ")
	case e.Status == http.StatusUnauthorized:
		text += ": the log-on was not accepted, and no log-on method is offered"
	case e.Location != "":
		text += ": redirections are not followed (to " + e.Location + ")"
	case e.Status < 300:
		text += ": a web page or another text, not EWS"
	}
	if e.Title != "" {
		text += fmt.Sprintf(" (%q)", e.Title)
	}
	return text
}

// A ProtocolError says in what way an answer is not that of EWS to this request.
type ProtocolError struct {
	What string
	Err  error // may be nil
}

func (e *ProtocolError) Error() string {
	if e.Err != nil {
		return e.What + ": " + e.Err.Error()
	}
	return e.What
}

func (e *ProtocolError) Unwrap() error { return e.Err }

// A NetworkError says that no whole answer came.
type NetworkError struct {
	Sent bool // something of the request was written: it may have been carried out
	Err  error
}

func (e *NetworkError) Error() string {
	if e.Sent {
		return "the request was sent, and no whole answer came: " + nettext.Cause(e.Err)
	}
	return nettext.Cause(e.Err)
}

func (e *NetworkError) Unwrap() error { return e.Err }

// Hint returns what to do about it, or nothing.
func (e *NetworkError) Hint() string { return nettext.Advice(e.Err) }

// code is the one that Windows' own client gives (WinHTTP's error messages). Package
// fault knows them.
func (e *NetworkError) code() uint32 {
	var name *net.DNSError
	switch {
	case nettext.IsTLS(e.Err):
		return 12175 // ERROR_WINHTTP_SECURE_FAILURE
	case errors.As(e.Err, &name):
		return 12007 // ERROR_WINHTTP_NAME_NOT_RESOLVED
	case !e.Sent:
		return 12029 // ERROR_WINHTTP_CANNOT_CONNECT
	case errors.Is(e.Err, os.ErrDeadlineExceeded):
		return 12002 // ERROR_WINHTTP_TIMEOUT
	}
	return 12030 // ERROR_WINHTTP_CONNECTION_ERROR
}

// isCancel reports whether an error is that of a caller's context.
func isCancel(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err())
}
