package ews

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// An Appointment is one without attendees: nobody is written to.
type Appointment struct {
	Subject    string
	Body       string // plain text
	Start, End time.Time
}

// An ItemID names an item of a mailbox, in one of its versions.
type ItemID struct{ ID, ChangeKey string }

type calendarItem struct { // in the order of the schema
	Subject     string `xml:"t:Subject"`
	Sensitivity string `xml:"t:Sensitivity"`
	Body        struct {
		Type string `xml:"BodyType,attr"`
		Text string `xml:",chardata"`
	} `xml:"t:Body"`
	Reminder bool   `xml:"t:ReminderIsSet"`
	Start    string `xml:"t:Start"`
	End      string `xml:"t:End"`
	Busy     string `xml:"t:LegacyFreeBusyStatus"`
}

type createItem struct {
	XMLName xml.Name     `xml:"m:CreateItem"`
	Send    string       `xml:"SendMeetingInvitations,attr"`
	Folder  folderIDs    `xml:"m:SavedItemFolderId"`
	Item    calendarItem `xml:"m:Items>t:CalendarItem"`
}

type itemResponse struct {
	responseMessage
	Items struct {
		Any []struct {
			ID      itemID `xml:"ItemId"`
			Subject string `xml:"Subject"`
		} `xml:",any"`
	} `xml:"Items"`
}

// item wants the one item of a success.
func (m *itemResponse) check() (string, error) {
	code, err := m.responseMessage.check()
	if err == nil && (len(m.Items.Any) != 1 || m.Items.Any[0].ID.ID == "") {
		err = &ProtocolError{What: "the answer says NoError and has no item"}
	}
	return code, err
}

type createItemResponse struct {
	Messages []itemResponse `xml:"ResponseMessages>CreateItemResponseMessage"`
}

func (r *createItemResponse) check() (string, error) {
	m, err := one(r.Messages)
	if err != nil {
		return "", err
	}
	return m.check()
}

// CreateAppointment puts an appointment into the calendar, shown as free time and
// without a reminder. Nobody is invited (SendToNone).
//
// Where the error is a *NetworkError or a *ProtocolError it may be there all the same.
func (c *Client) CreateAppointment(ctx context.Context, on Mailbox, a Appointment) (ItemID, Answer, error) {
	if !a.Start.Before(a.End) {
		return ItemID{}, Answer{Operation: "CreateItem"}, fmt.Errorf("CreateItem %s: the appointment ends before it begins", on)
	}
	if strings.ContainsFunc(a.Subject, isUnfitText) || strings.ContainsFunc(a.Body, isUnfitText) {
		return ItemID{}, Answer{Operation: "CreateItem"}, fmt.Errorf("CreateItem %s: subject or text has characters that XML does not have", on)
	}
	q := createItem{Send: "SendToNone", Folder: folderIDs{distinguishedFolderID{Calendar}}, Item: calendarItem{
		Subject: a.Subject, Sensitivity: "Normal", Start: a.Start.UTC().Format(timeFormat), End: a.End.UTC().Format(timeFormat), Busy: "Free",
	}}
	q.Item.Body.Type, q.Item.Body.Text = "Text", a.Body
	r, answer, err := call[createItemResponse](ctx, c, on, "CreateItem", q)
	if err != nil {
		return ItemID{}, answer, err
	}
	return ItemID(r.Messages[0].Items.Any[0].ID), answer, nil
}

type itemIDs struct {
	Item itemID `xml:"t:ItemId"`
}

type getItem struct {
	XMLName xml.Name `xml:"m:GetItem"`
	Shape   shape    `xml:"m:ItemShape"`
	Items   itemIDs  `xml:"m:ItemIds"`
}

type getItemResponse struct {
	Messages []itemResponse `xml:"ResponseMessages>GetItemResponseMessage"`
}

func (r *getItemResponse) check() (string, error) {
	m, err := one(r.Messages)
	if err != nil {
		return "", err
	}
	return m.check()
}

// GetItem reads an item's subject. One that is gone is a *ResponseError with the code
// ErrorItemNotFound.
func (c *Client) GetItem(ctx context.Context, on Mailbox, id ItemID) (subject string, answer Answer, err error) {
	r, answer, err := call[getItemResponse](ctx, c, on, "GetItem", getItem{
		Shape: idAnd("item:Subject"), Items: itemIDs{itemID{ID: id.ID}},
	})
	if err != nil {
		return "", answer, err
	}
	return clip(r.Messages[0].Items.Any[0].Subject), answer, nil
}

type deleteItem struct {
	XMLName xml.Name `xml:"m:DeleteItem"`
	Type    string   `xml:"DeleteType,attr"`
	Send    string   `xml:"SendMeetingCancellations,attr"`
	Items   itemIDs  `xml:"m:ItemIds"`
}

type deleteItemResponse struct {
	Messages []responseMessage `xml:"ResponseMessages>DeleteItemResponseMessage"`
}

func (r *deleteItemResponse) check() (string, error) {
	m, err := one(r.Messages)
	if err != nil {
		return "", err
	}
	return m.check()
}

// DeleteItem removes an item for good (HardDelete). Nobody is told (SendToNone).
func (c *Client) DeleteItem(ctx context.Context, on Mailbox, id ItemID) (Answer, error) {
	_, answer, err := call[deleteItemResponse](ctx, c, on, "DeleteItem", deleteItem{
		Type: "HardDelete", Send: "SendToNone", Items: itemIDs{itemID{ID: id.ID}},
	})
	return answer, err
}
