package wsman

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/exgrant/exgrant/internal/nettext"
)

// A FaultError is a fault that the service answered: the request arrived, and was
// refused or failed.
type FaultError struct {
	Fault
	HTTPStatus int
	Action     Action
	URL        string
}

func (e *FaultError) Error() string {
	return fmt.Sprintf("WSMan %s at %s: %s%s", e.Action.Name(), e.URL, strings.TrimSpace(e.Fault.Error()), e.hint())
}

// hint names the trap behind the faults that come from a wrong address.
func (e *FaultError) hint() string {
	if e.Code != CodeUnknownResource && e.Code != CodeInvalidResourceURI {
		return ""
	}
	if isWinRM(e.URL) {
		return "; this is the endpoint of Windows itself: Exchange's is /PowerShell on port 80 or 443"
	}
	return "; the server does not know this session configuration"
}

// An HTTPError is an answer of the web server, or of something else that speaks
// HTTP, instead of the service's.
type HTTPError struct {
	Status   int
	Offered  []string // authentication schemes of WWW-Authenticate, as written
	Server   string   // the Server header
	Location string   // of a redirection
	Title    string   // of an HTML page, or the first words of another text
	Action   Action
	URL      string
}

func (e *HTTPError) Error() string {
	text := fmt.Sprintf("%s answers HTTP %d %s", e.URL, e.Status, http.StatusText(e.Status))
	if e.Title != "" {
		text += fmt.Sprintf(" (%q)", e.Title)
	}
	return text + ": " + e.Meaning()
}

// Meaning says which of the known traps an HTTP status is, and the way out.
func (e *HTTPError) Meaning() string {
	switch {
	case e.Status == http.StatusUnauthorized:
		return e.unauthorizedHint()
	case e.Status == http.StatusForbidden:
		return "the web server forbids it: it wants TLS or a client certificate, or refuses this address" + e.addressHint()
	case e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed:
		return e.pathHint()
	case e.Status == http.StatusBadRequest && strings.Contains(e.Title, "HTTPS"):
		return "this port is one for TLS: use https, or --tls with a name"
	case e.Status == http.StatusUnsupportedMediaType:
		return "the server does not take this form of the message: it wants sealed messages, or none, or this is not a WS-Management address"
	case e.Status == http.StatusServiceUnavailable:
		return "the application pool behind the path is stopped, or the server is too busy"
	case e.Status == http.StatusInternalServerError:
		return "the service failed before it could say why; WinRM answers so when it refuses unencrypted messages (AllowUnencrypted=false), Exchange when its application pool is broken"
	case e.Status >= 300 && e.Status < 400:
		return fmt.Sprintf("redirections are not followed (to %q): use the address of the server itself", e.Location)
	case e.Status < 300:
		return "the answer is a web page or another text, not SOAP: something else answers at this address, such as a proxy or load balancer"
	}
	return "the web server did not pass it on to the service"
}

func (e *HTTPError) unauthorizedHint() string {
	if len(e.Offered) == 0 {
		return "the server did not accept the log-on and offers no log-on method" + e.addressHint()
	}
	return "the server did not accept the log-on; it offers " + strings.Join(e.Offered, ", ") + e.addressHint()
}

func (e *HTTPError) addressHint() string {
	if u, err := url.Parse(e.URL); err == nil && net.ParseIP(u.Hostname()) != nil {
		return "; Kerberos does not work with an IP address: use the server's full name"
	}
	return ""
}

func (e *HTTPError) pathHint() string {
	u, err := url.Parse(e.URL)
	switch {
	case err != nil:
		return "there is no such path"
	case isWinRM(e.URL):
		return "there is no such path: Windows has /wsman on port 5985 or 5986, Exchange has /PowerShell on port 80 or 443"
	case !strings.EqualFold(strings.TrimRight(u.Path, "/"), "/PowerShell"):
		return "there is no such path: Exchange's is /PowerShell"
	}
	return "there is no /PowerShell on this server: it is no Exchange server with the mailbox or client access role, or the virtual directory is gone"
}

// isWinRM reports whether a URL is that of the endpoint of Windows.
func isWinRM(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Port() == "5985" || u.Port() == "5986" || strings.EqualFold(strings.TrimRight(u.Path, "/"), "/wsman"))
}

// A NetworkError says that no whole answer came: the request could not be written,
// the connection was not made or was cut, or nothing came in time. Err is the
// cause: the dialer's, that of TLS, or the context's own.
type NetworkError struct {
	Action Action
	URL    string
	Sent   bool // something of the request was written: it may have been carried out
	Err    error
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

// A ProtocolError says in what way an answer is not that of a WSMan service to this
// request. The request may have been carried out.
type ProtocolError struct {
	Action Action
	URL    string
	What   string
	Err    error // may be nil
}

func (e *ProtocolError) Error() string {
	text := fmt.Sprintf("WSMan %s at %s: %s", e.Action.Name(), e.URL, e.What)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

func (e *ProtocolError) Unwrap() error { return e.Err }

// Unsent reports whether the request behind the error was certainly not carried
// out: nothing of it was written, or the web server refused it before the service
// saw it. False means that nobody knows, or that the service itself answered.
func Unsent(err error) bool {
	var network *NetworkError
	var status *HTTPError
	switch {
	case errors.As(err, &network):
		return !network.Sent
	case errors.As(err, &status):
		switch status.Status {
		case http.StatusUnauthorized, http.StatusNotFound, http.StatusMethodNotAllowed,
			http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType:
			return true
		}
		return status.Status >= 300 && status.Status < 400
	}
	return false
}
