package winrsd

import (
	"crypto/subtle"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/wsman"
)

// admit refuses, as HTTP.sys does, what is no request for the service. It returns the
// status of the refusal, 0 for a request that may go on.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, x *exchanged) int {
	w.Header().Set("Server", "Microsoft-HTTPAPI/2.0")
	switch {
	case !strings.EqualFold(strings.TrimRight(r.URL.Path, "/"), "/wsman"):
		return page(w, http.StatusNotFound)
	case r.Method != http.MethodPost:
		return page(w, http.StatusMethodNotAllowed)
	}
	user, ok := s.logOn(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="WSMAN"`)
		w.WriteHeader(http.StatusUnauthorized)
		return http.StatusUnauthorized
	}
	x.event.User = user
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/soap+xml" && r.ContentLength != 0 {
		return page(w, http.StatusUnsupportedMediaType)
	}
	return 0
}

func (s *Server) logOn(r *http.Request) (user string, ok bool) {
	if user := r.Header.Get(s.config.UserHeader); s.config.UserHeader != "" && user != "" {
		return user, true
	}
	if s.config.Password == "" {
		return exchangesim.DefaultUser, true
	}
	user, password, _ := r.BasicAuth()
	return user, user != "" && subtle.ConstantTimeCompare([]byte(password), []byte(s.config.Password)) == 1
}

// page answers with a web page.
func page(w http.ResponseWriter, status int) int {
	text := http.StatusText(status)
	w.Header().Set("Content-Type", "text/html; charset=us-ascii")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<HTML><HEAD><TITLE>%s</TITLE></HEAD>\r\n<BODY><h2>%s</h2>\r\n<hr><p>HTTP Error %d.</p>\r\n</BODY></HTML>\r\n", text, text, status)
	return status
}

// send sends a reply, or as much of it as the plan of faults lets through.
func (s *Server) send(w http.ResponseWriter, r *http.Request, reply *wsman.Reply, x *exchanged) {
	if x.fault.Kind == psrpd.Delay {
		wait(r.Context(), x.fault.Delay)
	}
	psrpd.Spoil(reply, x.fault.Kind)
	body, err := reply.Append(nil)
	if err != nil {
		panic(fmt.Sprintf("winrsd: %v", err)) // a reply with what XML cannot hold
	}
	if x.fault.Kind == psrpd.Garble && reply.Received == nil {
		copy(body[len(body)/2:], "\xff\xff\xff\xff<")
	}
	defer func() {
		if !x.delivered && x.undo != nil {
			x.undo()
		}
	}()
	if x.fault.Kind == psrpd.CutBefore || r.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	x.event.Out = len(body)
	x.event.Status = http.StatusOK
	if reply.Fault != nil {
		x.event.Status = http.StatusInternalServerError
	}
	if x.fault.Kind == psrpd.Truncate {
		body = body[:len(body)/2]
	}
	w.Header().Set("Content-Type", wsman.ContentType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(x.event.Status)
	if x.fault.Kind == psrpd.CutDuring {
		body = body[:len(body)/2]
	}
	_, err = w.Write(body)
	x.delivered = err == nil && x.fault.Kind != psrpd.CutDuring && x.fault.Kind != psrpd.Truncate
	if x.fault.Kind == psrpd.CutDuring || x.fault.Kind == psrpd.CutAfter {
		http.NewResponseController(w).Flush() // what was cut is cut anyway
		panic(http.ErrAbortHandler)
	}
}
