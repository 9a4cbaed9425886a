package psrpd

import (
	"bytes"
	"compress/gzip"
	"crypto/subtle"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/wsman"
)

// The names of the simulated server.
const (
	serverName = "EX01"
	serverFQDN = "ex01.contoso.test"
	path       = "/PowerShell"
	cookieName = "X-BackEndCookie"
)

// admit refuses, as the web server does, what is no request for the service. It
// returns the status of the refusal, 0 for a request that may go on.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, x *exchanged) int {
	w.Header().Set("Server", "Microsoft-IIS/10.0")
	w.Header().Set("X-Powered-By", "ASP.NET")
	switch {
	case !strings.EqualFold(strings.TrimRight(r.URL.Path, "/"), path):
		return page(w, http.StatusNotFound)
	case r.Method != http.MethodPost:
		return page(w, http.StatusMethodNotAllowed)
	}
	user, ok := s.logOn(r)
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="`+serverFQDN+`"`)
		return page(w, http.StatusUnauthorized)
	}
	x.event.User = user
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); media != "application/soap+xml" && r.ContentLength != 0 {
		return page(w, http.StatusUnsupportedMediaType)
	}
	cookie, err := r.Cookie(cookieName)
	x.hasCookie = err == nil && cookie.Value == s.cookie
	return 0
}

func (s *Server) logOn(r *http.Request) (user string, ok bool) {
	if s.config.Password == "" {
		return exchangesim.DefaultUser, true
	}
	user, password, _ := r.BasicAuth()
	return user, user != "" && subtle.ConstantTimeCompare([]byte(password), []byte(s.config.Password)) == 1
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

// send sends a reply, or as much of it as the plan of faults lets through.
func (s *Server) send(w http.ResponseWriter, r *http.Request, reply *wsman.Reply, x *exchanged) {
	if x.fault.Kind == Delay {
		sleep(r.Context(), x.fault.Delay)
	}
	Spoil(reply, x.fault.Kind)
	body, err := reply.Append(nil)
	if err != nil { // an object with what XML cannot hold: a fault of the model
		panic(fmt.Sprintf("psrpd: %v", err))
	}
	if x.fault.Kind == Garble && reply.Received == nil {
		copy(body[len(body)/2:], "\xff\xff\xff\xff<")
	}
	defer func() {
		if !x.delivered && x.undo != nil {
			x.undo()
		}
	}()
	if x.fault.Kind == CutBefore || r.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	x.event.Out = len(body)
	body = s.headers(w, r, reply, body, x)
	write(w, body, x)
}

// Spoil makes the output in a reply come twice, or broken.
func Spoil(reply *wsman.Reply, kind FaultKind) {
	received := reply.Received
	switch {
	case received == nil || len(received.Streams) == 0:
	case kind == Duplicate:
		received.Streams = append(received.Streams[:len(received.Streams):len(received.Streams)], received.Streams...)
	case kind == Garble:
		broken := bytes.Repeat([]byte{0xFF}, len(received.Streams[0].Data))
		received.Streams[0].Data = broken
	}
}

// headers sets the headers of a reply and returns its body as it is sent.
func (s *Server) headers(w http.ResponseWriter, r *http.Request, reply *wsman.Reply, body []byte, x *exchanged) []byte {
	h := w.Header()
	h.Set("Content-Type", wsman.ContentType)
	h.Set("request-id", strings.ToLower(s.config.NewID()))
	h.Set("X-CalculatedBETarget", serverFQDN)
	h.Set("X-DiagInfo", serverName)
	h.Set("X-BEServer", serverName)
	h.Set("X-FEServer", serverName)
	if x.cookie {
		http.SetCookie(w, &http.Cookie{Name: cookieName, Value: s.cookie, Path: path, HttpOnly: true})
	}
	// The web.config of the virtual directory lets IIS compress.
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && len(body) > 300 {
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		z.Write(body) // a Buffer takes everything
		z.Close()
		body = packed.Bytes()
		h.Set("Content-Encoding", "gzip")
		h.Set("Vary", "Accept-Encoding")
	}
	x.event.Status = http.StatusOK
	if reply.Fault != nil {
		x.event.Status = http.StatusInternalServerError
	}
	return body
}

// write writes a reply and notes whether the client may have all of it.
func write(w http.ResponseWriter, body []byte, x *exchanged) {
	if x.fault.Kind == Duplicate && x.event.Action != wsman.ActionReceive.Name() {
		x.delivered = writeTwice(w, body, x.event.Status)
		return
	}
	if x.fault.Kind == Truncate {
		body = body[:len(body)/2]
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(x.event.Status)
	if x.fault.Kind == CutDuring {
		body = body[:len(body)/2]
	}
	_, err := w.Write(body)
	x.delivered = err == nil && x.fault.Kind != CutDuring
	if x.fault.Kind == CutDuring || x.fault.Kind == CutAfter {
		http.NewResponseController(w).Flush() // what was cut is cut anyway
		panic(http.ErrAbortHandler)
	}
}

// writeTwice sends the same reply two times and closes the connection.
func writeTwice(w http.ResponseWriter, body []byte, status int) bool {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return false
	}
	defer conn.Close()
	var reply bytes.Buffer
	fmt.Fprintf(&reply, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(body))
	w.Header().Write(&reply) // a Buffer takes everything
	reply.WriteString("\r\n")
	reply.Write(body)
	for range 2 {
		if _, err = conn.Write(reply.Bytes()); err != nil {
			return false
		}
	}
	return true
}
