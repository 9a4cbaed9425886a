package ews

import (
	"context"
	"encoding/xml"
	"fmt"
	"strings"
)

// The identifier of a folder in no mailbox (MS-OXCDATA 2.2.4.1): ConvertId only
// rewrites it.
const nobodysFolder = "00000000" + // flags
	"1A447390AA6611CD9BC800AA002FC45A" + // provider
	"0100" + // a folder of a mailbox
	"00000000000000000000000000000001" + "000000000001" + "0000"

type alternateID struct {
	Format  string `xml:"Format,attr"`
	ID      string `xml:"Id,attr"`
	Mailbox string `xml:"Mailbox,attr"`
}

type convertID struct {
	XMLName xml.Name    `xml:"m:ConvertId"`
	To      string      `xml:"DestinationFormat,attr"`
	Source  alternateID `xml:"m:SourceIds>t:AlternateId"`
}

type convertIDResponse struct {
	Messages []responseMessage `xml:"ResponseMessages>ConvertIdResponseMessage"`
}

func (r *convertIDResponse) check() (string, error) {
	m, err := one(r.Messages)
	if err != nil {
		return "", err
	}
	return m.check()
}

// ConvertID has the server rewrite an identifier. It needs no mailbox and touches
// none: whoever gets a response code, whatever it is about, is logged on.
func (c *Client) ConvertID(ctx context.Context, on Mailbox) (Answer, error) {
	_, answer, err := call[convertIDResponse](ctx, c, on, "ConvertId", convertID{
		To: "EwsId", Source: alternateID{"HexEntryId", nobodysFolder, on.Address},
	})
	return answer, err
}

// A Resolution is an entry of the address book.
type Resolution struct {
	Name    string
	Address string // its primary SMTP address, or what takes the place of one
	Type    string // "Mailbox", "PublicDL", "Contact" …
}

type resolveNames struct {
	XMLName xml.Name `xml:"m:ResolveNames"`
	Full    bool     `xml:"ReturnFullContactData,attr"`
	Scope   string   `xml:"SearchScope,attr"`
	Entry   string   `xml:"m:UnresolvedEntry"`
}

type resolveNamesResponse struct {
	Messages []struct {
		responseMessage
		Found []struct {
			Name    string `xml:"Name"`
			Address string `xml:"EmailAddress"`
			Routing string `xml:"RoutingType"`
			Type    string `xml:"MailboxType"`
		} `xml:"ResolutionSet>Resolution>Mailbox"`
	} `xml:"ResponseMessages>ResolveNamesResponseMessage"`
}

// check takes the warning that there are several for what it is: an answer.
func (r *resolveNamesResponse) check() (string, error) {
	m, err := one(r.Messages)
	if err != nil {
		return "", err
	}
	code, err := m.check()
	if m.Class == "Warning" && code == "ErrorNameResolutionMultipleResults" || code == "ErrorNameResolutionNoResults" {
		return code, nil
	}
	return code, err
}

// ResolveNames looks a name or address up in the address book, by the beginning of
// names or by the whole address. None found is no error.
func (c *Client) ResolveNames(ctx context.Context, on Mailbox, entry string) ([]Resolution, Answer, error) {
	if entry == "" || strings.ContainsFunc(entry, isUnfitText) {
		return nil, Answer{Operation: "ResolveNames"}, fmt.Errorf("ResolveNames %s: %.80q cannot be looked up", on, entry)
	}
	r, answer, err := call[resolveNamesResponse](ctx, c, on, "ResolveNames", resolveNames{Scope: "ActiveDirectory", Entry: entry})
	if err != nil {
		return nil, answer, err
	}
	var found []Resolution
	for _, m := range r.Messages[0].Found {
		found = append(found, Resolution{clip(m.Name), clip(m.Address), clip(m.Type)})
	}
	return found, answer, nil
}
