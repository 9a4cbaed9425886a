package ews

import (
	"encoding/xml"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzReply reads whatever a server may send. No reply makes the reader panic, and
// only one that says so in every place is a success.
func FuzzReply(f *testing.F) {
	const head = `<s:Envelope xmlns:s="` + nsSOAP + `"><s:Header><h:ServerVersionInfo MajorVersion="15" MinorVersion="2" xmlns:h="` + nsTypes + `"/></s:Header><s:Body>`
	const tail = `</s:Body></s:Envelope>`
	message := func(operation, class, code, content string) string {
		return head + `<m:` + operation + `Response xmlns:m="` + nsMessages + `" xmlns:t="` + nsTypes + `"><m:ResponseMessages><m:` + operation +
			`ResponseMessage ResponseClass="` + class + `"><m:ResponseCode>` + code + `</m:ResponseCode>` + content + `</m:` + operation +
			`ResponseMessage></m:ResponseMessages></m:` + operation + `Response>` + tail
	}
	for _, reply := range []string{
		"", "<", head + tail, "<html><title>Log on</title></html>",
		message("GetFolder", "Success", "NoError", `<m:Folders><t:CalendarFolder><t:FolderId Id="AAA="/><t:TotalCount>3</t:TotalCount></t:CalendarFolder></m:Folders>`),
		message("GetFolder", "Error", "ErrorMailboxMoveInProgress", `<m:MessageXml><t:Value Name="BackOffMilliseconds">297749</t:Value></m:MessageXml>`),
		message("GetFolder", "Warning", "NoError", ""),
		message("FindItem", "Success", "NoError", `<m:RootFolder TotalItemsInView="1" IncludesLastItemInRange="true"><t:Items><t:CalendarItem><t:ItemId Id="A"/></t:CalendarItem></t:Items></m:RootFolder>`),
		message("GetItem", "Success", "NoError", `<m:Items><t:CalendarItem><t:ItemId Id="A"/><t:Subject>a&#x1F;b</t:Subject></t:CalendarItem></m:Items>`),
		message("ResolveNames", "Warning", "ErrorNameResolutionMultipleResults", `<m:ResolutionSet><t:Resolution><t:Mailbox><t:Name>A</t:Name></t:Mailbox></t:Resolution></m:ResolutionSet>`),
		head + `<m:GetUserAvailabilityResponse xmlns:m="` + nsMessages + `"><m:FreeBusyResponseArray><m:FreeBusyResponse><m:ResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode></m:ResponseMessage><m:FreeBusyView><MergedFreeBusy>0123</MergedFreeBusy></m:FreeBusyView></m:FreeBusyResponse></m:FreeBusyResponseArray></m:GetUserAvailabilityResponse>` + tail,
		head + `<s:Fault><faultcode xmlns:a="` + nsTypes + `">a:ErrorImpersonateUserDenied</faultcode><faultstring xml:lang="de-DE">Nein.</faultstring><detail><e:ResponseCode xmlns:e="e"> ErrorImpersonateUserDenied
		</e:ResponseCode></detail></s:Fault>` + tail,
		`<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaa">]>` + head + "&a;" + tail,
		head + strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200) + tail,
		`<Autodiscover><Response><Account><Action>redirectAddr</Action><RedirectAddr>a@b.test</RedirectAddr></Account></Response></Autodiscover>`,
		head + `<GetUserSettingsResponseMessage xmlns="` + nsAutodiscover + `"><Response><ErrorCode>NoError</ErrorCode><UserResponses><UserResponse><ErrorCode>NoError</ErrorCode><UserSettings><UserSetting><Name>InternalEwsUrl</Name><Value>https://a/</Value></UserSetting></UserSettings></UserResponse></UserResponses></Response></GetUserSettingsResponseMessage>` + tail,
	} {
		f.Add([]byte(reply))
	}
	names := []string{"GetFolder", "FindItem", "GetItem", "ConvertId", "ResolveNames", "GetUserAvailability"}
	f.Fuzz(func(t *testing.T, reply []byte) {
		for i, r := range []result{new(getFolderResponse), new(findItemResponse), new(getItemResponse), new(convertIDResponse), new(resolveNamesResponse), new(getUserAvailabilityResponse)} {
			name := names[i]
			_, err := unmarshal(reply, name+"Response", r)
			if err == nil {
				if _, err = r.check(); err == nil && !strings.Contains(string(reply), noError) && name != "ResolveNames" {
					t.Errorf("%s passes without NoError", name)
				}
			}
			if err == nil {
				continue
			}
			text := (&Error{Doing: name, Err: err}).Error()
			if len(text) > 3*maxMessage || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\n") {
				t.Errorf("%s: an error of %d bytes: %.200q", name, len(text), text)
			}
		}
		var answer Answer
		if told, err := decodeUserSettings(reply, &answer); err == nil && !strings.Contains(string(reply), noError) {
			t.Errorf("settings without NoError: %+v", told)
		}
		_, _ = decodePOX(reply)
	})
}

// FuzzRequest writes whatever an identity may hold: what is accepted comes back as it
// was, from the one place where it belongs.
func FuzzRequest(f *testing.F) {
	for _, value := range []string{"anna@contoso.test", "o'brien@contoso.test", "a&b@contoso.test", "</t:SID>@x", "jürgen@contoso.test", "S-1-5-21-1-2-3-4"} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, form := range Forms() {
			as := Identity{form, value}
			if as.Validate() != nil {
				continue
			}
			envelope, err := marshal(Exchange2013SP1, as, getFolder{Shape: idAnd(), Folders: folderIDs{distinguishedFolderID{Calendar}}})
			if err != nil {
				t.Fatal(err)
			}
			if got := identitiesOf(t, envelope); len(got) != 1 || got[0] != as {
				t.Errorf("%v was written as %v", as, got)
			}
		}
	})
}

// identitiesOf reads the identities of an envelope's impersonation header.
func identitiesOf(t *testing.T, envelope []byte) []Identity {
	t.Helper()
	var e struct {
		SID struct {
			Any []struct {
				XMLName xml.Name
				Text    string `xml:",chardata"`
			} `xml:",any"`
		} `xml:"Header>ExchangeImpersonation>ConnectingSID"`
	}
	if err := xml.Unmarshal(envelope, &e); err != nil {
		t.Fatal(err)
	}
	var list []Identity
	for _, one := range e.SID.Any {
		list = append(list, Identity{Form(one.XMLName.Local), one.Text})
	}
	return list
}
