package ewsd

import (
	"crypto/subtle"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/exchangesim"
)

// The names of the simulated server.
const (
	serverName = "EX01"
	serverFQDN = "ex01.contoso.test"
)

// admit refuses, as the web server does, what is no request for the service. It
// returns the status of the refusal, 0 for a request that may go on.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, x *exchanged) int {
	s.headers(w, r)
	user, ok := s.logOn(r)
	if ok {
		x.caller, ok = s.config.Organization.FindAccount(exchangesim.AnyName, user)
		x.event.User = x.caller.Name
	}
	if !ok || x.caller.Disabled {
		for _, scheme := range s.config.Offered {
			w.Header().Add("WWW-Authenticate", scheme)
		}
		return page(w, http.StatusUnauthorized)
	}
	if r.Method != http.MethodPost {
		return page(w, http.StatusMethodNotAllowed)
	}
	if !s.letsIn(r.UserAgent()) && !s.manners.ImpersonationPassesLists {
		return page(w, http.StatusForbidden)
	}
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "text/xml" && r.ContentLength != 0 {
		return page(w, http.StatusUnsupportedMediaType)
	}
	return 0
}

func (s *Server) headers(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Server", "Microsoft-IIS/10.0")
	h.Set("X-Powered-By", "ASP.NET")
	h.Set("request-id", s.config.NewID())
	h.Set("X-FEServer", serverName)
	h.Set("X-BEServer", serverName)
	h.Set("X-CalculatedBETarget", serverFQDN)
	if id := r.Header.Get("client-request-id"); id != "" && strings.EqualFold(r.Header.Get("return-client-request-id"), "true") {
		h.Set("client-request-id", id)
	}
}

func (s *Server) logOn(r *http.Request) (user string, ok bool) {
	switch {
	case s.config.LogOn != nil:
		return s.config.LogOn(r)
	case s.config.Password == "":
		return exchangesim.DefaultUser, true
	}
	user, password, _ := r.BasicAuth()
	return user, user != "" && subtle.ConstantTimeCompare([]byte(password), []byte(s.config.Password)) == 1
}

// letsIn reports whether the organization lets a client use EWS. Autodiscover is not
// asked about it, but clients have no use for it then.
func (s *Server) letsIn(agent string) bool {
	matches := func(pattern string) bool { return like(agent, pattern) }
	switch {
	case s.manners.Disabled:
		return false
	case len(s.manners.AllowList) > 0:
		return slices.ContainsFunc(s.manners.AllowList, matches)
	}
	return !slices.ContainsFunc(s.manners.BlockList, matches)
}

// like compares a text with a pattern in which * stands for anything.
func like(text, pattern string) bool {
	text, parts := strings.ToLower(text), strings.Split(strings.ToLower(pattern), "*")
	if !strings.HasPrefix(text, parts[0]) {
		return false
	}
	text = text[len(parts[0]):]
	for i, part := range parts[1:] {
		if i == len(parts)-2 {
			return strings.HasSuffix(text, part)
		}
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return text == ""
}

// page answers with a web page, as IIS does.
func page(w http.ResponseWriter, status int) int {
	text := http.StatusText(status)
	w.Header().Set("Content-Type", "text/html; charset=us-ascii")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\"http://www.w3.org/TR/html4/strict.dtd\">\r\n"+
		"<HTML><HEAD><TITLE>%s</TITLE></HEAD>\r\n<BODY><h2>%s</h2>\r\n<hr><p>HTTP Error %d. %s</p>\r\n</BODY></HTML>\r\n", text, text, status, text)
	return status
}
