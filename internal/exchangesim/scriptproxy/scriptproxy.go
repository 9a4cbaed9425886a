// Package scriptproxy lets PowerShell scripts run against the model of an
// organization. It writes a module of proxy functions, one for each cmdlet of a
// session, as implicit remoting does, and answers their calls over loopback HTTP.
//
// A script sees what it would see in a remote Exchange shell:
//
//   - functions with the cmdlets' real parameters, so that an unknown parameter and
//     a cmdlet that the caller's roles do not give fail in PowerShell itself;
//   - objects with Deserialized.* type names, text for identities and enumerations,
//     real GUIDs, dates and lists, and PSComputerName;
//   - errors as RemoteException records with the server's FullyQualifiedErrorId,
//     category information and message, on which -ErrorAction works as usual;
//   - proxies that do not see the script's $ErrorActionPreference and
//     $WhatIfPreference, since a module's functions do not.
//
// Start-Sleep and Get-Date are the model's clock: a script that waits an hour is
// done at once, and its deadlines hold. A script that asks .NET for the time gets
// the computer's.
//
// The module needs the engine, its Utility cmdlets and System.Net.Http. It is tested
// on PowerShell 7 and keeps to what Windows PowerShell 5.1 has, where it was never run.
package scriptproxy

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
)

const (
	tokenHeader = "X-Exgrant-Token"
	// maxBody is far above any command: the longest filter Exchange takes has 32 KB.
	maxBody = 1 << 20
	// batch is how many objects go into one piece of an answer: enough that their
	// deserializer is not started for each, few enough that memory stays small.
	batch = 250
)

// A Session is what a module stands for. *exchangesim.Session is one.
type Session interface {
	exchange.Invoker
	Commands() []exchangesim.CommandInfo
	Module() string
	Deserialized() bool
}

// A Handler answers the calls of one session's module. It is safe for concurrent
// use.
type Handler struct {
	session Session
	clock   *exchangesim.Clock
	token   string
	kinds   map[string]map[string]exchangesim.ParameterType // by cmdlet and parameter, lower case
	mux     *http.ServeMux
}

// New returns the Handler of a session and of the clock that its scripts live by,
// which is their organization's. Token is the secret by which the Handler knows its
// own module: it answers nobody else, so that other accounts of the computer cannot
// drive the session.
func New(s Session, clock *exchangesim.Clock, token string) *Handler {
	h := &Handler{
		session: s,
		clock:   clock,
		token:   token,
		kinds:   map[string]map[string]exchangesim.ParameterType{},
		mux:     http.NewServeMux(),
	}
	for _, c := range s.Commands() {
		kinds := map[string]exchangesim.ParameterType{}
		for _, p := range c.Parameters {
			kinds[strings.ToLower(p.Name)] = p.Type
		}
		h.kinds[strings.ToLower(c.Name)] = kinds
	}
	h.mux.HandleFunc("POST /invoke", h.invoke)
	h.mux.HandleFunc("POST /sleep", h.sleep)
	h.mux.HandleFunc("POST /clock", h.now)
	return h
}

// ServeHTTP answers one call.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get(tokenHeader)), []byte(h.token)) != 1 {
		http.Error(w, "wrong or missing "+tokenHeader, http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	h.mux.ServeHTTP(w, r)
}

// decode reads the body of a call. It answers the caller itself when that fails.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	decoder := json.NewDecoder(r.Body)
	decoder.UseNumber()
	err := decoder.Decode(into)
	if err == nil {
		return true
	}
	status := http.StatusBadRequest
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		status = http.StatusRequestEntityTooLarge
	}
	http.Error(w, err.Error(), status)
	return false
}

func (h *Handler) sleep(w http.ResponseWriter, r *http.Request) {
	var body struct{ Milliseconds int64 }
	if !decode(w, r, &body) {
		return
	}
	const most = int64(1<<63-1) / int64(time.Millisecond)
	h.clock.Sleep(time.Duration(min(body.Milliseconds, most)) * time.Millisecond)
}

// now answers with the model's time in .NET ticks: 100 ns since the year 1.
func (h *Handler) now(w http.ResponseWriter, _ *http.Request) {
	const unixEpoch = 621355968000000000
	now := h.clock.Now()
	fmt.Fprint(w, unixEpoch+now.Unix()*1e7+int64(now.Nanosecond())/100)
}

// invocation is the body of a call of a cmdlet.
type invocation struct {
	Cmdlet     string
	Parameters []struct {
		Name  string
		Value any
	}
}

func (h *Handler) command(i invocation) (exchange.Command, error) {
	c := exchange.Command{Cmdlet: i.Cmdlet}
	kinds := h.kinds[strings.ToLower(i.Cmdlet)]
	for _, p := range i.Parameters {
		value, err := typed(kinds[strings.ToLower(p.Name)], p.Value)
		if err != nil {
			return c, fmt.Errorf("%s -%s: %w", i.Cmdlet, p.Name, err)
		}
		c = c.With(p.Name, value)
	}
	return c, nil
}

// typed gives a parameter the type that the cmdlet declares.
func typed(kind exchangesim.ParameterType, v any) (exchange.Value, error) {
	switch v := v.(type) {
	case nil:
		return exchange.Null{}, nil
	case bool:
		if kind == exchangesim.TypeBool {
			return exchange.Bool(v), nil
		}
		return exchange.Switch(v), nil
	case json.Number:
		if kind != exchangesim.TypeInt {
			return text(kind, v.String()), nil
		}
		i, err := v.Int64()
		return exchange.Int(i), err
	case string:
		return text(kind, v), nil
	case []any:
		list := make(exchange.Strings, len(v))
		for i, e := range v {
			s, ok := e.(string)
			if !ok {
				return nil, fmt.Errorf("a list may hold text only, not %T", e)
			}
			list[i] = s
		}
		if kind != exchangesim.TypeStrings && len(list) == 1 {
			return exchange.String(list[0]), nil
		}
		return list, nil
	}
	return nil, fmt.Errorf("cannot send a %T", v)
}

func text(kind exchangesim.ParameterType, s string) exchange.Value {
	if kind == exchangesim.TypeStrings {
		return exchange.Strings{s}
	}
	return exchange.String(s)
}

// invoke runs one cmdlet and streams its answer: a line "O" and a CLIXML document
// for each batch of output, then a line "S" and a document of one object that holds
// errors, warnings and whether the pipeline failed. An answer without an "S" is cut.
func (h *Handler) invoke(w http.ResponseWriter, r *http.Request) {
	var body invocation
	if !decode(w, r, &body) {
		return
	}
	command, err := h.command(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := answer{w: w, xml: clixml{origin: serverOf(h.session.Module()), references: h.session.Deserialized()}}
	streams, err := h.session.Invoke(r.Context(), exchange.Pipeline{command}, answer.add)
	if err == nil {
		err = answer.flush()
	}
	if err != nil {
		// The answer stays without its end, which the module reports.
		return
	}
	answer.finish(streams)
}

// An answer collects output into batches and writes them.
type answer struct {
	w     io.Writer
	xml   clixml
	count int
}

func (a *answer) add(o exchange.Object) error {
	if a.count == 0 {
		a.xml.begin()
	}
	a.xml.output(o)
	a.count++
	if a.count < batch {
		return nil
	}
	return a.flush()
}

func (a *answer) flush() error {
	if a.count == 0 {
		return nil
	}
	a.count = 0
	a.xml.end()
	return a.line('O')
}

func (a *answer) line(kind byte) error {
	_, err := fmt.Fprintf(a.w, "%c%s\n", kind, a.xml.String())
	return err
}

func (a *answer) finish(s exchange.Streams) {
	records := []exchange.Object{}
	for _, e := range s.Errors {
		records = append(records, exchange.Object{Properties: []exchange.Property{
			{Name: "FullyQualifiedErrorId", Value: e.FullyQualifiedErrorID},
			{Name: "ExceptionType", Value: e.ExceptionType},
			{Name: "Category", Value: e.Category},
			{Name: "Reason", Value: e.Reason},
			{Name: "Activity", Value: e.Activity},
			{Name: "TargetName", Value: e.TargetName},
			{Name: "Message", Value: e.Message},
		}})
	}
	a.xml.begin()
	a.xml.object("", exchange.Object{Properties: []exchange.Property{
		{Name: "Errors", Value: records},
		{Name: "Warnings", Value: s.Warnings},
		{Name: "Failed", Value: s.Failed},
	}}, "")
	a.xml.end()
	_ = a.line('S') // whoever asked has gone if this fails
}
