package ewsd

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// An item is an appointment.
type item struct {
	id         string
	subject    string
	start, end time.Time
	busy       string // LegacyFreeBusyStatus
}

// A meeting is one that a mailbox has every week.
type meeting struct {
	day     time.Weekday
	hour    int
	subject string
	busy    string
}

// series are the weekly meetings of a mailbox: two to four, which follow from it.
func series(mailbox exchange.GUID) []meeting {
	sum := sha256.Sum256([]byte(mailbox))
	subjects := []string{"Weekly planning", "Jour fixe", "週次会議", "Review: R&D <draft>", "One to one"}
	var list []meeting
	for i := range 2 + int(sum[0])%3 {
		list = append(list, meeting{
			day: time.Monday + time.Weekday(int(sum[1+i])%5), hour: 8 + 2*i, subject: subjects[int(sum[8+i])%len(subjects)],
			busy: []string{"Busy", "Busy", "Tentative", "OOF"}[int(sum[16+i])%4],
		})
	}
	return list
}

// maxWeeks bounds what a window shows of a series.
const maxWeeks = 120

// calendar returns what a mailbox has between two times, in their order.
func (s *Server) calendar(mailbox exchange.GUID, from, to time.Time) []item {
	var found []item
	inWindow := func(i item) bool { return i.start.Before(to) && i.end.After(from) }
	monday := from.UTC().Truncate(24*time.Hour).AddDate(0, 0, -int(from.UTC().Weekday()+6)%7)
	for week := 0; week < maxWeeks && monday.Before(to); week++ {
		for n, m := range series(mailbox) {
			start := monday.AddDate(0, 0, int(m.day-time.Monday)).Add(time.Duration(m.hour) * time.Hour)
			i := item{itemID(mailbox, fmt.Sprintf("%d/%s", n, start.Format(time.DateOnly))), m.subject, start, start.Add(time.Hour), m.busy}
			if inWindow(i) {
				found = append(found, i)
			}
		}
		monday = monday.AddDate(0, 0, 7)
	}
	s.mu.Lock()
	for _, i := range s.items[mailbox] {
		if inWindow(i) {
			found = append(found, i)
		}
	}
	s.mu.Unlock()
	slices.SortStableFunc(found, func(a, b item) int { return a.start.Compare(b.start) })
	return found
}

func itemID(mailbox exchange.GUID, name string) string {
	return base64.StdEncoding.EncodeToString([]byte(string(mailbox) + "/item/" + name))
}

// find returns an item of a mailbox.
func (s *Server) find(mailbox exchange.GUID, id string) (item, bool) {
	s.mu.Lock()
	for _, i := range s.items[mailbox] {
		if i.id == id {
			s.mu.Unlock()
			return i, true
		}
	}
	s.mu.Unlock()
	name, err := base64.StdEncoding.DecodeString(id)
	if err != nil {
		return item{}, false
	}
	day, err := time.Parse(time.DateOnly, string(name[max(0, len(name)-len(time.DateOnly)):]))
	if err != nil {
		return item{}, false
	}
	for _, i := range s.calendar(mailbox, day, day.AddDate(0, 0, 1)) {
		if i.id == id {
			return i, true
		}
	}
	return item{}, false
}

const timeFormat = "2006-01-02T15:04:05Z"

// parseTime reads xs:dateTime. Without a zone it is UTC.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t, err = time.Parse("2006-01-02T15:04:05", text)
	}
	return t.UTC(), err
}

func (i item) xml(want shape) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<t:CalendarItem><t:ItemId Id="%s" ChangeKey="DwAAABYA"/>`, i.id)
	for _, p := range []struct{ uri, element, value string }{
		{"item:ItemClass", "ItemClass", "IPM.Appointment"},
		{"item:Subject", "Subject", i.subject},
		{"item:Sensitivity", "Sensitivity", "Normal"},
		{"calendar:Start", "Start", i.start.Format(timeFormat)},
		{"calendar:End", "End", i.end.Format(timeFormat)},
		{"calendar:IsAllDayEvent", "IsAllDayEvent", "false"},
		{"calendar:LegacyFreeBusyStatus", "LegacyFreeBusyStatus", i.busy},
	} {
		if want.wants(p.uri) {
			fmt.Fprintf(&b, `<t:%s>%s</t:%s>`, p.element, escape(p.value), p.element)
		}
	}
	b.WriteString(`</t:CalendarItem>`)
	return b.String()
}

// An itemRef is a list of items as a request names them.
type itemRef struct {
	Items []struct {
		ID string `xml:"Id,attr"`
	} `xml:"http://schemas.microsoft.com/exchange/services/2006/types ItemId"`
}

func (s *Server) getItem(x *exchanged, mailbox exchangesim.Account) (string, error) {
	var q struct {
		Shape shape   `xml:"http://schemas.microsoft.com/exchange/services/2006/messages ItemShape"`
		Items itemRef `xml:"http://schemas.microsoft.com/exchange/services/2006/messages ItemIds"`
	}
	if err := x.request.decode(&q); err != nil || len(q.Items.Items) == 0 || q.Shape.Base == "" {
		return "", refuse("ErrorSchemaValidation")
	}
	var messages []string
	for _, ref := range q.Items.Items {
		if i, ok := s.find(mailbox.GUID, ref.ID); ok {
			messages = append(messages, success("GetItem", "<m:Items>"+i.xml(q.Shape)+"</m:Items>"))
			continue
		}
		messages = append(messages, s.failure("GetItem", &refusal{code: "ErrorItemNotFound"}))
	}
	return s.respond("GetItem", messages...), nil
}

// maxItems is how many appointments clients may leave in a mailbox.
const maxItems = 1000

func (s *Server) createItem(x *exchanged, mailbox exchangesim.Account) (string, error) {
	var q struct {
		Send   string    `xml:"SendMeetingInvitations,attr"`
		Folder folderRef `xml:"http://schemas.microsoft.com/exchange/services/2006/messages SavedItemFolderId"`
		Items  []struct {
			Subject   string    `xml:"http://schemas.microsoft.com/exchange/services/2006/types Subject"`
			Start     string    `xml:"http://schemas.microsoft.com/exchange/services/2006/types Start"`
			End       string    `xml:"http://schemas.microsoft.com/exchange/services/2006/types End"`
			Busy      string    `xml:"http://schemas.microsoft.com/exchange/services/2006/types LegacyFreeBusyStatus"`
			Attendees *struct{} `xml:"http://schemas.microsoft.com/exchange/services/2006/types RequiredAttendees"`
		} `xml:"Items>CalendarItem"`
	}
	if err := x.request.decode(&q); err != nil || len(q.Items) != 1 {
		return "", refuse("ErrorSchemaValidation")
	}
	for _, p := range q.Folder.places(mailbox) {
		if p.refused != nil {
			return "", p.refused
		}
	}
	start, errStart := parseTime(q.Items[0].Start)
	end, errEnd := parseTime(q.Items[0].End)
	switch {
	case q.Send == "":
		return "", fails("ErrorSendMeetingInvitationsRequired")
	case errStart != nil || errEnd != nil:
		return "", refuse("ErrorSchemaValidation")
	case !start.Before(end):
		return "", fails("ErrorCalendarEndDateIsEarlierThanStartDate")
	case q.Items[0].Attendees != nil:
		return "", fails("ErrorInvalidOperation") // the simulator sends nothing to anybody
	}
	i := item{subject: q.Items[0].Subject, start: start, end: end, busy: q.Items[0].Busy}
	if i.busy == "" {
		i.busy = "Busy"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.items[mailbox.GUID]) >= maxItems {
		return "", fails("ErrorQuotaExceeded")
	}
	s.nextID++
	i.id = itemID(mailbox.GUID, fmt.Sprintf("new/%d", s.nextID))
	s.items[mailbox.GUID] = append(s.items[mailbox.GUID], i)
	return s.respond("CreateItem", success("CreateItem", "<m:Items>"+i.xml(shape{Base: "IdOnly"})+"</m:Items>")), nil
}

func (s *Server) deleteItem(x *exchanged, mailbox exchangesim.Account) (string, error) {
	var q struct {
		Type  string  `xml:"DeleteType,attr"`
		Send  string  `xml:"SendMeetingCancellations,attr"`
		Items itemRef `xml:"http://schemas.microsoft.com/exchange/services/2006/messages ItemIds"`
	}
	if err := x.request.decode(&q); err != nil || len(q.Items.Items) == 0 || q.Type == "" {
		return "", refuse("ErrorSchemaValidation")
	}
	if q.Send == "" {
		return "", fails("ErrorSendMeetingCancellationsRequired")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var messages []string
	for _, ref := range q.Items.Items {
		n := slices.IndexFunc(s.items[mailbox.GUID], func(i item) bool { return i.id == ref.ID })
		if n < 0 {
			messages = append(messages, s.failure("DeleteItem", &refusal{code: "ErrorItemNotFound"}))
			continue
		}
		s.items[mailbox.GUID] = slices.Delete(s.items[mailbox.GUID], n, n+1)
		messages = append(messages, success("DeleteItem", ""))
	}
	return s.respond("DeleteItem", messages...), nil
}
