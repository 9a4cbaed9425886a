package ewsd

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
)

// entryIDLength is that of a folder's EntryID (MS-OXCDATA 2.2.4.1).
const entryIDLength = 46

func (s *Server) convertID(x *exchanged, _ exchangesim.Account) (string, error) {
	var q struct {
		To     string `xml:"DestinationFormat,attr"`
		Source []struct {
			Format  string `xml:"Format,attr"`
			ID      string `xml:"Id,attr"`
			Mailbox string `xml:"Mailbox,attr"`
		} `xml:"SourceIds>AlternateId"`
	}
	if err := x.request.decode(&q); err != nil || len(q.Source) != 1 || q.To == "" {
		return "", refuse("ErrorSchemaValidation")
	}
	source := q.Source[0]
	raw, err := hex.DecodeString(source.ID)
	if source.Format != "HexEntryId" || err != nil || len(raw) != entryIDLength {
		return "", fails("ErrorInvalidIdMalformed")
	}
	if source.Mailbox == "" {
		return "", fails("ErrorInvalidSmtpAddress")
	}
	return s.respond("ConvertId", success("ConvertId", fmt.Sprintf(`<m:AlternateId xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="t:AlternateIdType" Format="%s" Id="%s" Mailbox="%s"/>`,
		escape(q.To), base64.StdEncoding.EncodeToString(raw), escape(source.Mailbox)))), nil
}

// maxResolved is how many names ResolveNames returns, as on a real server.
const maxResolved = 100

func (s *Server) resolveNames(x *exchanged, _ exchangesim.Account) (string, error) {
	var q struct {
		Entry string `xml:"http://schemas.microsoft.com/exchange/services/2006/messages UnresolvedEntry"`
	}
	if err := x.request.decode(&q); err != nil || q.Entry == "" {
		return "", refuse("ErrorSchemaValidation")
	}
	found := s.config.Organization.ResolveName(strings.TrimPrefix(strings.ToLower(q.Entry), "smtp:"), maxResolved)
	var b strings.Builder
	fmt.Fprintf(&b, `<m:ResolutionSet TotalItemsInView="%d" IncludesLastItemInRange="true">`, len(found))
	for _, r := range found {
		kind := "Mailbox"
		if !r.Mailbox {
			kind = "Contact"
		}
		fmt.Fprintf(&b, `<t:Resolution><t:Mailbox><t:Name>%s</t:Name><t:EmailAddress>%s</t:EmailAddress><t:RoutingType>SMTP</t:RoutingType>`+
			`<t:MailboxType>%s</t:MailboxType></t:Mailbox></t:Resolution>`, escape(r.DisplayName), escape(r.Address), kind)
	}
	b.WriteString(`</m:ResolutionSet>`)
	switch len(found) {
	case 0:
		return "", fails("ErrorNameResolutionNoResults")
	case 1:
		return s.respond("ResolveNames", success("ResolveNames", b.String())), nil
	}
	several := &refusal{code: "ErrorNameResolutionMultipleResults"}
	return s.respond("ResolveNames", fmt.Sprintf(`<m:ResolveNamesResponseMessage ResponseClass="Warning"><m:MessageText>%s</m:MessageText>`+
		`<m:ResponseCode>%s</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>%s</m:ResolveNamesResponseMessage>`,
		escape(s.text(several)), several.code, b.String())), nil
}

// maxSlots bounds a view of free and busy times.
const maxSlots = 62 * 24 * 12

func (s *Server) getUserAvailability(x *exchanged, _ exchangesim.Account) (string, error) {
	var q struct {
		Zone *struct {
			Bias int `xml:"http://schemas.microsoft.com/exchange/services/2006/types Bias"` // minutes from local time to UTC
		} `xml:"http://schemas.microsoft.com/exchange/services/2006/types TimeZone"`
		Mailboxes []struct {
			Address string `xml:"http://schemas.microsoft.com/exchange/services/2006/types Email>Address"`
		} `xml:"MailboxDataArray>MailboxData"`
		Options struct {
			Window struct {
				Start string `xml:"http://schemas.microsoft.com/exchange/services/2006/types StartTime"`
				End   string `xml:"http://schemas.microsoft.com/exchange/services/2006/types EndTime"`
			} `xml:"http://schemas.microsoft.com/exchange/services/2006/types TimeWindow"`
			Interval int    `xml:"http://schemas.microsoft.com/exchange/services/2006/types MergedFreeBusyIntervalInMinutes"`
			View     string `xml:"http://schemas.microsoft.com/exchange/services/2006/types RequestedView"`
		} `xml:"http://schemas.microsoft.com/exchange/services/2006/types FreeBusyViewOptions"`
	}
	if err := x.request.decode(&q); err != nil || len(q.Mailboxes) == 0 {
		return "", refuse("ErrorSchemaValidation")
	}
	if q.Zone == nil {
		return "", refuse("ErrorTimeZone")
	}
	from, errFrom := parseTime(q.Options.Window.Start)
	to, errTo := parseTime(q.Options.Window.End)
	step := time.Duration(q.Options.Interval) * time.Minute
	if errFrom != nil || errTo != nil || !from.Before(to) || step < 5*time.Minute || to.Sub(from)/step > maxSlots {
		return "", refuse("ErrorInvalidFreeBusyViewType")
	}
	bias := time.Duration(q.Zone.Bias) * time.Minute
	from, to = from.Add(bias), to.Add(bias)
	var responses []string
	for _, m := range q.Mailboxes {
		account, ok := s.config.Organization.FindAccount(exchangesim.AddressName, m.Address)
		if !ok || !account.Mailbox {
			responses = append(responses, s.busyFailure(&refusal{code: "ErrorMailRecipientNotFound"}))
			continue
		}
		responses = append(responses, fmt.Sprintf(`<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage>`+
			`<m:FreeBusyView><t:FreeBusyViewType>%s</t:FreeBusyViewType><t:MergedFreeBusy>%s</t:MergedFreeBusy></m:FreeBusyView></m:FreeBusyResponse>`,
			escape(q.Options.View), merge(s.calendar(account.GUID, from, to), from, to, step)))
	}
	return s.busyReply(responses...), nil
}

func (s *Server) busyReply(responses ...string) string {
	return envelope(s.versionInfo(), fmt.Sprintf(`<m:GetUserAvailabilityResponse xmlns:m="%s" xmlns:t="%s"><m:FreeBusyResponseArray>%s</m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>`,
		nsMessages, nsTypes, strings.Join(responses, "")))
}

func (s *Server) busyFailure(f *refusal) string {
	return fmt.Sprintf(`<m:FreeBusyResponse><m:ResponseMessage ResponseClass="Error"><m:MessageText>%s</m:MessageText><m:ResponseCode>%s</m:ResponseCode>`+
		`<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>%s</m:ResponseMessage></m:FreeBusyResponse>`, escape(s.text(f)), escape(f.code), f.xml("m"))
}

// merge writes times as one digit for each step: the strongest of what is in it.
func merge(items []item, from, to time.Time, step time.Duration) string {
	digits := map[string]byte{"Free": '0', "Tentative": '1', "Busy": '2', "OOF": '3'}
	merged := []byte(strings.Repeat("0", int((to.Sub(from)+step-1)/step)))
	for _, i := range items {
		for n := range merged {
			at := from.Add(time.Duration(n) * step)
			if i.start.Before(at.Add(step)) && i.end.After(at) {
				merged[n] = max(merged[n], digits[i.busy])
			}
		}
	}
	return string(merged)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }
