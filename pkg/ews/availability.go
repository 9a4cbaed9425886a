package ews

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// Availability is when somebody is free or busy.
type Availability struct {
	// Slots are half hours from the beginning of the window: '0' free, '1' tentative,
	// '2' busy, '3' away, '4' no data or elsewhere.
	Slots string
	Busy  int // slots that are tentative, busy or away
}

// serializableTimeZone is UTC (MS-OXWAVLS 2.2.4.14): both halves of the year alike.
type serializableTimeZone struct {
	Bias     int            `xml:"t:Bias"`
	Standard zoneTransition `xml:"t:StandardTime"`
	Daylight zoneTransition `xml:"t:DaylightTime"`
}

type zoneTransition struct {
	Bias  int    `xml:"t:Bias"`
	Time  string `xml:"t:Time"`
	Order int    `xml:"t:DayOrder"`
	Month int    `xml:"t:Month"`
	Day   string `xml:"t:DayOfWeek"`
}

type getUserAvailability struct {
	XMLName xml.Name             `xml:"m:GetUserAvailabilityRequest"`
	Zone    serializableTimeZone `xml:"t:TimeZone"`
	Mailbox struct {
		Address  string `xml:"t:Email>t:Address"`
		Attendee string `xml:"t:AttendeeType"`
		Exclude  bool   `xml:"t:ExcludeConflicts"`
	} `xml:"m:MailboxDataArray>t:MailboxData"`
	Options struct {
		Start    string `xml:"t:TimeWindow>t:StartTime"`
		End      string `xml:"t:TimeWindow>t:EndTime"`
		Interval int    `xml:"t:MergedFreeBusyIntervalInMinutes"`
		View     string `xml:"t:RequestedView"`
	} `xml:"t:FreeBusyViewOptions"`
}

type getUserAvailabilityResponse struct {
	Responses []struct {
		Message responseMessage `xml:"ResponseMessage"`
		View    *struct {
			Type   string `xml:"FreeBusyViewType"`
			Merged string `xml:"MergedFreeBusy"`
		} `xml:"FreeBusyView"`
	} `xml:"FreeBusyResponseArray>FreeBusyResponse"`
}

func (r *getUserAvailabilityResponse) check() (string, error) {
	m, err := one(r.Responses)
	if err != nil {
		return "", err
	}
	code, err := m.Message.check()
	if err == nil && (m.View == nil || strings.Trim(m.View.Merged, "01234") != "") {
		err = &ProtocolError{What: "the answer says NoError and has no times"}
	}
	return code, err
}

// slot is the length of a slot in minutes.
const slot = 30

// GetUserAvailability asks when the mailbox is free or busy between two times, of 62
// days at most. The right to see that is one of the calendar, not of impersonation:
// it is asked for as the impersonated account itself, for itself.
func (c *Client) GetUserAvailability(ctx context.Context, on Mailbox, from, to time.Time) (Availability, Answer, error) {
	if !from.Before(to) || to.Sub(from) > 62*24*time.Hour {
		return Availability{}, Answer{Operation: "GetUserAvailability"}, fmt.Errorf("GetUserAvailability %s: the window has to be between 0 and 62 days", on)
	}
	q := getUserAvailability{Zone: serializableTimeZone{
		Standard: zoneTransition{Time: "00:00:00", Order: 1, Month: 10, Day: "Sunday"},
		Daylight: zoneTransition{Time: "00:00:00", Order: 1, Month: 4, Day: "Sunday"},
	}}
	q.Mailbox.Address, q.Mailbox.Attendee = on.Address, "Required"
	const local = "2006-01-02T15:04:05" // of the zone above
	q.Options.Start, q.Options.End = from.UTC().Format(local), to.UTC().Format(local)
	q.Options.Interval, q.Options.View = slot, "MergedOnly"
	r, answer, err := call[getUserAvailabilityResponse](ctx, c, on, "GetUserAvailability", q)
	if err != nil {
		return Availability{}, answer, err
	}
	a := Availability{Slots: r.Responses[0].View.Merged}
	a.Busy = len(a.Slots) - strings.Count(a.Slots, "0") - strings.Count(a.Slots, "4")
	return a, answer, nil
}
