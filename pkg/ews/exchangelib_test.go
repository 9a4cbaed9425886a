package ews_test

import (
	"bufio"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/ews"
)

// seenByPeer is what exchangelib says about a mailbox.
type seenByPeer struct {
	Mailbox  string
	Items    [][]string
	Busy     string
	Written  string
	Names    []string
	Build    string
	EWS      string
	Redirect string
	Error    string
	Text     string
}

func exchangelib(t *testing.T, s *server, mailboxes ...string) map[string]seenByPeer {
	t.Helper()
	python := peers.Python(t, "exchangelib")
	c := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "exchangelib_peer.py"), s.web.URL, service, password)
	c.Stdin = strings.NewReader(strings.Join(mailboxes, "\n") + "\n")
	var trouble strings.Builder
	c.Stderr = &trouble
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, trouble.String())
	}
	seen := map[string]seenByPeer{}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	for lines.Scan() {
		var one seenByPeer
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatalf("%v: %s", err, lines.Text())
		}
		seen[one.Mailbox] = one
	}
	return seen
}

// TestExchangelib has a client that others wrote read, write and be refused at the
// simulator, and holds ours to what it sees and to how it asks.
func TestExchangelib(t *testing.T) {
	peers.Python(t, "exchangelib")
	s := start(t, "ews-granted")
	const clara = "clara@contoso.test"
	peer := exchangelib(t, s, anna, boss, clara)
	theirs := s.seen()

	for mailbox, want := range map[string]string{boss: "ErrorImpersonateUserDenied", clara: "ErrorNonExistentMailbox", anna: ""} {
		if peer[mailbox].Error != want {
			t.Errorf("%s: exchangelib sees %q (%s), want %q", mailbox, peer[mailbox].Error, peer[mailbox].Text, want)
		}
	}
	if got := peer[clara].Redirect; got != "clara@contoso.mail.onmicrosoft.test" {
		t.Errorf("Autodiscover sends exchangelib to %q", got)
	}
	if got := peer[anna]; got.EWS != s.url || got.Written != "by exchangelib" || got.Build != "15.2.2562.17" || !slices.Equal(got.Names, []string{anna}) {
		t.Errorf("exchangelib sees %+v", got)
	}

	c := s.as(t, service)
	on := ews.Mailbox{Address: anna, As: ews.Identity{Form: ews.PrimarySMTPAddress, Value: anna}}
	from := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)
	view, _, err := c.FindAppointments(t.Context(), on, from, from.AddDate(0, 0, 14))
	if err != nil || view.Items != len(peer[anna].Items) {
		t.Errorf("%d items, exchangelib has %d; %v", view.Items, len(peer[anna].Items), err)
	}
	times, _, err := c.GetUserAvailability(t.Context(), on, from, from.AddDate(0, 0, 7))
	if err != nil || times.Slots != peer[anna].Busy {
		t.Errorf("free and busy times differ: %s and %s; %v", times.Slots, peer[anna].Busy, err)
	}
	if _, _, err := c.GetFolder(t.Context(), on, ews.Calendar); err != nil {
		t.Error(err)
	}
	id, _, err := c.CreateAppointment(t.Context(), on, ews.Appointment{Subject: "by exchangelib", Start: from, End: from.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.GetItem(t.Context(), on, id); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteItem(t.Context(), on, id); err != nil {
		t.Error(err)
	}
	if _, _, err := c.ResolveNames(t.Context(), on, "ann"); err != nil {
		t.Error(err)
	}
	w := newWorld(t, "", map[string]http.Handler{"https://contoso.test": s.Server})
	if d, err := ews.Discover(t.Context(), w.config(t), anna); err != nil || d.URL != "https://contoso.test/EWS/Exchange.asmx" {
		t.Errorf("%+v, %v", d, err)
	}
	ours := s.seen()[len(theirs):]
	for _, operation := range []string{"GetUserSettings", "GetFolder", "FindItem", "GetUserAvailability", "CreateItem", "GetItem", "DeleteItem", "ResolveNames"} {
		compareRequests(t, operation, find(t, ours, operation), find(t, theirs, operation))
	}
}

func find(t *testing.T, events []ewsd.Event, operation string) request {
	t.Helper()
	for _, e := range events {
		if e.Operation == operation && e.Code == "NoError" && (operation != "GetFolder" || strings.Contains(string(e.Body), `"calendar"`)) {
			return flatten(t, e.Body)
		}
	}
	t.Fatalf("no %s was asked for", operation)
	return request{}
}

// A request is an envelope by what it means: the elements by their path, with
// namespaces instead of prefixes, and their texts and attributes.
type request struct {
	order  []string // paths in order, each once
	values map[string]string
}

func flatten(t *testing.T, envelope []byte) request {
	t.Helper()
	r := request{values: map[string]string{}}
	short := strings.NewReplacer("http://schemas.xmlsoap.org/soap/envelope/", "soap", "http://schemas.microsoft.com/exchange/services/2006/", "")
	d := xml.NewDecoder(strings.NewReader(string(envelope)))
	var path []string
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return r
		}
		if err != nil {
			t.Fatal(err)
		}
		at := strings.Join(path, "/")
		switch token := token.(type) {
		case xml.StartElement:
			path = append(path, short.Replace(token.Name.Space)+":"+token.Name.Local)
			at = strings.Join(path, "/")
			if !slices.Contains(r.order, at) {
				r.order = append(r.order, at)
			}
			for _, a := range token.Attr {
				if a.Name.Space != "xmlns" && a.Name.Local != "xmlns" {
					r.values[at+"@"+a.Name.Local] = strings.ToLower(a.Value)
				}
			}
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.CharData:
			if text := strings.TrimSpace(string(token)); text != "" {
				r.values[at] = strings.ToLower(text)
			}
		}
	}
}

// compareRequests wants what both ask for to be asked for alike, in the same order:
// the schema has one. What may differ is what is to be returned, and the parts of a
// time zone without daylight saving.
func compareRequests(t *testing.T, operation string, ours, theirs request) {
	t.Helper()
	both := func(r, other request) []string {
		return slices.DeleteFunc(slices.Clone(r.order), func(path string) bool { return !slices.Contains(other.order, path) })
	}
	if diff := cmp.Diff(both(theirs, ours), both(ours, theirs)); diff != "" {
		t.Errorf("%s: in another order than exchangelib's:\n%s", operation, diff)
	}
	mayDiffer := func(path string) bool {
		return strings.Contains(path, "Shape") || strings.Contains(path, "types:TimeZone/") || strings.Contains(path, "@Id") && operation != "GetFolder" ||
			strings.HasSuffix(path, "@ChangeKey") || strings.HasSuffix(path, "/addressing:To") || strings.HasSuffix(path, ":RequestedServerVersion") ||
			strings.HasSuffix(path, ":Setting") || strings.HasSuffix(path, "/types:LegacyFreeBusyStatus") // ours is shown as free
	}
	compared := 0
	for _, path := range slices.Sorted(maps.Keys(ours.values)) {
		want, shared := theirs.values[path]
		if !shared || mayDiffer(path) {
			continue
		}
		compared++
		if got := ours.values[path]; sameValue(got) != sameValue(want) {
			t.Errorf("%s: %s is %q, of exchangelib %q", operation, path, got, want)
		}
	}
	const header = "soap:Envelope/soap:Header/"
	wanted := []string{header + "types:RequestServerVersion@Version", header + "types:ExchangeImpersonation/types:ConnectingSID/types:PrimarySmtpAddress"}
	switch operation {
	case "GetUserAvailability", "ResolveNames": // exchangelib asks for these as the account itself
		wanted = wanted[:1]
	case "GetUserSettings":
		wanted = []string{header + "http://www.w3.org/2005/08/addressing:Action"}
	}
	for _, path := range wanted {
		if ours.values[path] == "" || ours.values[path] != theirs.values[path] {
			t.Errorf("%s: %s is %q, of exchangelib %q", operation, path, ours.values[path], theirs.values[path])
		}
	}
	if compared < 2 {
		t.Errorf("%s: only %d values are in both requests", operation, compared)
	}
}

// sameValue makes one form of the ways to write a time in UTC, and a truth.
func sameValue(text string) string {
	if truth, ok := map[string]string{"0": "false", "1": "true"}[text]; ok {
		return truth
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02t15:04:05z", "2006-01-02t15:04:05z07:00", "2006-01-02t15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return fmt.Sprint(at.UTC())
		}
	}
	return text
}
