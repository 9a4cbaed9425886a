package ews

import (
	"context"
	"encoding/xml"
	"fmt"
	"time"
)

// A FolderName is the name of a folder that every mailbox has
// (https://learn.microsoft.com/exchange/client-developer/web-service-reference/distinguishedfolderid).
type FolderName string

// The folders that a proof reads.
const (
	Calendar FolderName = "calendar"
	Root     FolderName = "msgfolderroot"
)

// A Folder is what GetFolder tells: no name, which is in the mailbox's language.
type Folder struct {
	ID    string
	Items int // that are in it; -1 where the server does not say
}

type distinguishedFolderID struct {
	ID FolderName `xml:"Id,attr"`
}

type folderIDs struct {
	Folder distinguishedFolderID `xml:"t:DistinguishedFolderId"`
}

type fieldURI struct {
	URI string `xml:"FieldURI,attr"`
}

// A shape says which properties are wanted: the identifier, and Fields.
type shape struct {
	Base   string      `xml:"t:BaseShape"`
	Fields *properties `xml:"t:AdditionalProperties"`
}

type properties struct {
	URIs []fieldURI `xml:"t:FieldURI"`
}

func idAnd(fields ...string) shape {
	s := shape{Base: "IdOnly"}
	if len(fields) > 0 {
		s.Fields = &properties{}
	}
	for _, f := range fields {
		s.Fields.URIs = append(s.Fields.URIs, fieldURI{f})
	}
	return s
}

type getFolder struct {
	XMLName xml.Name  `xml:"m:GetFolder"`
	Shape   shape     `xml:"m:FolderShape"`
	Folders folderIDs `xml:"m:FolderIds"`
}

type itemID struct {
	ID        string `xml:"Id,attr"`
	ChangeKey string `xml:"ChangeKey,attr,omitempty"`
}

type getFolderResponse struct {
	Messages []struct {
		responseMessage
		Folders struct {
			Any []struct {
				ID    itemID `xml:"FolderId"`
				Total *int   `xml:"TotalCount"`
			} `xml:",any"`
		} `xml:"Folders"`
	} `xml:"ResponseMessages>GetFolderResponseMessage"`
}

func (r *getFolderResponse) check() (string, error) {
	m, err := one(r.Messages)
	if err != nil {
		return "", err
	}
	code, err := m.check()
	if err == nil && (len(m.Folders.Any) != 1 || m.Folders.Any[0].ID.ID == "") {
		err = &ProtocolError{What: "the answer says NoError and has no folder"}
	}
	return code, err
}

// GetFolder reads a folder's properties, nothing of what is in it.
func (c *Client) GetFolder(ctx context.Context, on Mailbox, name FolderName) (Folder, Answer, error) {
	r, answer, err := call[getFolderResponse](ctx, c, on, "GetFolder", getFolder{
		Shape: idAnd("folder:TotalCount"), Folders: folderIDs{distinguishedFolderID{name}},
	})
	if err != nil {
		return Folder{}, answer, err
	}
	found := r.Messages[0].Folders.Any[0]
	f := Folder{ID: found.ID.ID, Items: -1}
	if found.Total != nil {
		f.Items = *found.Total
	}
	return f, answer, nil
}

// A View is a part of a calendar.
type View struct {
	Items    int      // that the window has, recurring ones once for each time
	IDs      []ItemID // of those that the answer lists
	Complete bool     // it lists all
}

type findItem struct {
	XMLName   xml.Name `xml:"m:FindItem"`
	Traversal string   `xml:"Traversal,attr"`
	Shape     shape    `xml:"m:ItemShape"`
	View      struct {
		Most  int    `xml:"MaxEntriesReturned,attr"`
		Start string `xml:"StartDate,attr"`
		End   string `xml:"EndDate,attr"`
	} `xml:"m:CalendarView"`
	Folders folderIDs `xml:"m:ParentFolderIds"`
}

type findItemResponse struct {
	Messages []struct {
		responseMessage
		Folder *struct {
			Total    int  `xml:"TotalItemsInView,attr"`
			Complete bool `xml:"IncludesLastItemInRange,attr"`
			Items    struct {
				Any []struct {
					ID itemID `xml:"ItemId"`
				} `xml:",any"`
			} `xml:"Items"`
		} `xml:"RootFolder"`
	} `xml:"ResponseMessages>FindItemResponseMessage"`
}

func (r *findItemResponse) check() (string, error) {
	m, err := one(r.Messages)
	if err != nil {
		return "", err
	}
	code, err := m.check()
	if err == nil && m.Folder == nil {
		err = &ProtocolError{What: "the answer says NoError and has no folder"}
	}
	return code, err
}

// maxView is how many items of a calendar are asked for: a proof counts them, and
// many are as good as all.
const maxView = 50

// FindAppointments counts what is in the calendar between two times. It asks for
// identifiers alone: what somebody has planned is not ours to read.
func (c *Client) FindAppointments(ctx context.Context, on Mailbox, from, to time.Time) (View, Answer, error) {
	if !from.Before(to) {
		return View{}, Answer{Operation: "FindItem"}, fmt.Errorf("FindItem %s: the window ends before it begins", on)
	}
	q := findItem{Traversal: "Shallow", Shape: idAnd(), Folders: folderIDs{distinguishedFolderID{Calendar}}}
	q.View.Most, q.View.Start, q.View.End = maxView, from.UTC().Format(timeFormat), to.UTC().Format(timeFormat)
	r, answer, err := call[findItemResponse](ctx, c, on, "FindItem", q)
	if err != nil {
		return View{}, answer, err
	}
	found := r.Messages[0].Folder
	view := View{Items: found.Total, Complete: found.Complete}
	for _, item := range found.Items.Any {
		view.IDs = append(view.IDs, ItemID(item.ID))
	}
	return view, answer, nil
}
