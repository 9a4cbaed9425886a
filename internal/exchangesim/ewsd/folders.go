package ewsd

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// A folder is one that every mailbox has.
type folder struct {
	name, element, class, display string
}

var folders = []folder{
	{"root", "Folder", "", ""},
	{"msgfolderroot", "Folder", "IPF.Note", "Top of Information Store"},
	{"calendar", "CalendarFolder", "IPF.Appointment", "Calendar"},
	{"inbox", "Folder", "IPF.Note", "Inbox"},
	{"contacts", "ContactsFolder", "IPF.Contact", "Contacts"},
	{"tasks", "TasksFolder", "IPF.Task", "Tasks"},
}

// A folderRef is a folder as a request names it.
type folderRef struct {
	Distinguished []struct {
		ID      string `xml:"Id,attr"`
		Mailbox *struct {
			Address string `xml:"http://schemas.microsoft.com/exchange/services/2006/types EmailAddress"`
		} `xml:"http://schemas.microsoft.com/exchange/services/2006/types Mailbox"`
	} `xml:"http://schemas.microsoft.com/exchange/services/2006/types DistinguishedFolderId"`
	Folders []struct {
		ID string `xml:"Id,attr"`
	} `xml:"http://schemas.microsoft.com/exchange/services/2006/types FolderId"`
}

// A shape says which properties a request wants.
type shape struct {
	Base   string `xml:"http://schemas.microsoft.com/exchange/services/2006/types BaseShape"`
	Fields struct {
		URIs []struct {
			URI string `xml:"FieldURI,attr"`
		} `xml:"http://schemas.microsoft.com/exchange/services/2006/types FieldURI"`
	} `xml:"http://schemas.microsoft.com/exchange/services/2006/types AdditionalProperties"`
}

func (s shape) wants(uri string) bool {
	return s.Base != "IdOnly" || slices.ContainsFunc(s.Fields.URIs, func(f struct {
		URI string `xml:"FieldURI,attr"`
	}) bool {
		return strings.EqualFold(f.URI, uri)
	})
}

// A place is a folder of a mailbox, or why there is none.
type place struct {
	folder  folder
	refused *refusal
}

// places finds the folders that a request names, of the mailbox that is acted for.
func (ref folderRef) places(mailbox exchangesim.Account) []place {
	var list []place
	for _, d := range ref.Distinguished {
		i := slices.IndexFunc(folders, func(f folder) bool { return f.name == d.ID })
		switch {
		case d.Mailbox != nil && !strings.EqualFold(d.Mailbox.Address, mailbox.Address):
			list = append(list, place{refused: &refusal{code: "ErrorAccessDenied"}})
		case i < 0:
			list = append(list, place{refused: &refusal{code: "ErrorFolderNotFound"}})
		default:
			list = append(list, place{folder: folders[i]})
		}
	}
	for _, f := range ref.Folders {
		i := slices.IndexFunc(folders, func(known folder) bool { return known.id(mailbox.GUID) == f.ID })
		if i < 0 {
			list = append(list, place{refused: &refusal{code: "ErrorFolderNotFound"}})
		} else {
			list = append(list, place{folder: folders[i]})
		}
	}
	return list
}

func (f folder) id(mailbox exchange.GUID) string {
	return base64.StdEncoding.EncodeToString([]byte(string(mailbox) + "/" + f.name))
}

func (f folder) xml(s *Server, mailbox exchangesim.Account, want shape) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<t:%s><t:FolderId Id="%s" ChangeKey="AQAAAA=="/>`, f.element, f.id(mailbox.GUID))
	if want.wants("folder:ParentFolderId") && f.name != "root" {
		fmt.Fprintf(&b, `<t:ParentFolderId Id="%s" ChangeKey="AQAAAA=="/>`, folders[0].id(mailbox.GUID))
	}
	if want.wants("folder:FolderClass") && f.class != "" {
		fmt.Fprintf(&b, `<t:FolderClass>%s</t:FolderClass>`, f.class)
	}
	if want.wants("folder:DisplayName") {
		fmt.Fprintf(&b, `<t:DisplayName>%s</t:DisplayName>`, f.display)
	}
	if want.wants("folder:TotalCount") {
		fmt.Fprintf(&b, `<t:TotalCount>%d</t:TotalCount>`, s.countOf(f, mailbox))
	}
	if want.wants("folder:ChildFolderCount") {
		b.WriteString(`<t:ChildFolderCount>0</t:ChildFolderCount>`)
	}
	fmt.Fprintf(&b, `</t:%s>`, f.element)
	return b.String()
}

func (s *Server) countOf(f folder, mailbox exchangesim.Account) int {
	if f.name != "calendar" {
		return 0
	}
	return len(series(mailbox.GUID)) + s.Items(mailbox.GUID)
}

func (s *Server) getFolder(x *exchanged, mailbox exchangesim.Account) (string, error) {
	var q struct {
		Shape   shape     `xml:"http://schemas.microsoft.com/exchange/services/2006/messages FolderShape"`
		Folders folderRef `xml:"http://schemas.microsoft.com/exchange/services/2006/messages FolderIds"`
	}
	if err := x.request.decode(&q); err != nil {
		return "", refuse("ErrorSchemaValidation")
	}
	places := q.Folders.places(mailbox)
	if len(places) == 0 || q.Shape.Base == "" {
		return "", refuse("ErrorSchemaValidation")
	}
	var messages []string
	for _, p := range places {
		if p.refused != nil {
			messages = append(messages, s.failure("GetFolder", p.refused))
			x.event.Code = p.refused.code
			continue
		}
		messages = append(messages, success("GetFolder", "<m:Folders>"+p.folder.xml(s, mailbox, q.Shape)+"</m:Folders>"))
	}
	return s.respond("GetFolder", messages...), nil
}

func (s *Server) findItem(x *exchanged, mailbox exchangesim.Account) (string, error) {
	var q struct {
		Shape shape `xml:"http://schemas.microsoft.com/exchange/services/2006/messages ItemShape"`
		View  *struct {
			Most  int    `xml:"MaxEntriesReturned,attr"`
			Start string `xml:"StartDate,attr"`
			End   string `xml:"EndDate,attr"`
		} `xml:"http://schemas.microsoft.com/exchange/services/2006/messages CalendarView"`
		Folders folderRef `xml:"http://schemas.microsoft.com/exchange/services/2006/messages ParentFolderIds"`
	}
	if err := x.request.decode(&q); err != nil || q.View == nil || q.Shape.Base == "" {
		return "", refuse("ErrorSchemaValidation")
	}
	from, errFrom := parseTime(q.View.Start)
	to, errTo := parseTime(q.View.End)
	places := q.Folders.places(mailbox)
	switch {
	case errFrom != nil || errTo != nil || len(places) != 1:
		return "", refuse("ErrorSchemaValidation")
	case places[0].refused != nil:
		return "", places[0].refused
	case places[0].folder.name != "calendar":
		return "", fails("ErrorCalendarFolderIsInvalidForCalendarView")
	case !from.Before(to):
		return "", fails("ErrorCalendarEndDateIsEarlierThanStartDate")
	}
	found := s.calendar(mailbox.GUID, from, to)
	total := len(found)
	if q.View.Most > 0 && total > q.View.Most {
		found = found[:q.View.Most]
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<m:RootFolder TotalItemsInView="%d" IncludesLastItemInRange="%t"><t:Items>`, total, len(found) == total)
	for _, i := range found {
		b.WriteString(i.xml(q.Shape))
	}
	b.WriteString(`</t:Items></m:RootFolder>`)
	return s.respond("FindItem", success("FindItem", b.String())), nil
}
