package ewsd

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A refusal is a request, or a part of it, that is not carried out.
type refusal struct {
	code    string
	message string        // in place of the usual text
	backOff time.Duration // that is asked of the caller
	whole   bool          // the request as a whole: a SOAP fault
	details [][2]string   // values beside the message
}

func (f *refusal) Error() string { return f.code }

// refuse refuses the request as a whole.
func refuse(code string) error { return &refusal{code: code, whole: true} }

// fails refuses a part of the request.
func fails(code string) error { return &refusal{code: code} }

// escape makes a text fit for XML.
func escape(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

// versionInfo is the header of every reply.
func (s *Server) versionInfo() string {
	version := "V2017_07_11"
	if s.build.major == 14 {
		version = "Exchange2010_SP2"
	}
	return fmt.Sprintf(`<s:Header><h:ServerVersionInfo MajorVersion="%d" MinorVersion="%d" MajorBuildNumber="%d" MinorBuildNumber="%d" Version="%s" `+
		`xmlns:h="%s" xmlns="%s" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/></s:Header>`,
		s.build.major, s.build.minor, s.build.build, s.build.revision, version, nsTypes, nsTypes)
}

func envelope(header, body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + nsSOAP + `">` + header +
		`<s:Body xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema">` + body + `</s:Body></s:Envelope>`
}

// respond makes the reply of an operation from its response messages.
func (s *Server) respond(operation string, messages ...string) string {
	return envelope(s.versionInfo(), fmt.Sprintf(`<m:%sResponse xmlns:m="%s" xmlns:t="%s"><m:ResponseMessages>%s</m:ResponseMessages></m:%s>`,
		operation, nsMessages, nsTypes, strings.Join(messages, ""), operation+"Response"))
}

// success is a response message with what it brings.
func success(operation, content string) string {
	return fmt.Sprintf(`<m:%[1]sResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>%[2]s</m:%[1]sResponseMessage>`, operation, content)
}

// failure is a response message about what went wrong.
func (s *Server) failure(operation string, f *refusal) string {
	return fmt.Sprintf(`<m:%[1]sResponseMessage ResponseClass="Error"><m:MessageText>%[2]s</m:MessageText><m:ResponseCode>%[3]s</m:ResponseCode>`+
		`<m:DescriptiveLinkKey>0</m:DescriptiveLinkKey>%[4]s</m:%[1]sResponseMessage>`, operation, escape(s.text(f)), escape(f.code), f.xml("m"))
}

// xml is the values of a refusal.
func (f *refusal) xml(prefix string) string {
	details := f.details
	if f.backOff > 0 {
		details = append(details[:len(details):len(details)], [2]string{"BackOffMilliseconds", strconv.FormatInt(f.backOff.Milliseconds(), 10)})
	}
	if len(details) == 0 {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<%s:MessageXml xmlns:t="%s">`, prefix, nsTypes)
	for _, d := range details {
		fmt.Fprintf(&b, `<t:Value Name="%s">%s</t:Value>`, escape(d[0]), escape(d[1]))
	}
	fmt.Fprintf(&b, `</%s:MessageXml>`, prefix)
	return b.String()
}

// soapFault is the reply that refuses a request as a whole. It has no header.
func (s *Server) soapFault(f *refusal) string {
	text, code := escape(s.text(f)), escape(f.code)
	return envelope("", fmt.Sprintf(`<s:Fault><faultcode xmlns:a="%s">a:%s</faultcode><faultstring xml:lang="%s">%s</faultstring><detail>`+
		`<e:ResponseCode xmlns:e="%s">%s</e:ResponseCode><e:Message xmlns:e="%s">%s</e:Message>%s</detail></s:Fault>`,
		nsTypes, code, s.culture(), text, nsErrors, code, nsErrors, text, f.xml("t")))
}

// send sends a reply, or what the plan of faults makes of it.
func (s *Server) send(w http.ResponseWriter, r *http.Request, status int, body string, x *exchanged) {
	if x.fault.Kind == Delay {
		sleep(r.Context(), x.fault.Delay)
	}
	if x.fault.Kind == CutBefore || r.Context().Err() != nil {
		panic(http.ErrAbortHandler)
	}
	body = spoil(body, x.fault.Kind)
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Header().Set("Cache-Control", "private")
	x.event.Status = status
	if x.fault.Kind == Enormous {
		w.WriteHeader(status)
		enormous(w, r, body)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if x.fault.Kind == CutDuring {
		_, _ = w.Write([]byte(body[:len(body)/2]))
		_ = http.NewResponseController(w).Flush() // what was cut is cut anyway
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write([]byte(body)) // a client that is gone needs no answer
}

// spoil makes a reply what a broken or hostile server would send.
func spoil(body string, kind FaultKind) string {
	switch kind {
	case Truncate:
		return body[:len(body)/2]
	case Garble:
		return body[:len(body)/2] + "\xff\xfe<\x00" + body[len(body)/2:]
	case Twice:
		return body + body
	case Other:
		return strings.NewReplacer("Response xmlns", "Answer xmlns", "Response></s:Body>", "Answer></s:Body>").Replace(body)
	case Entities:
		return `<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "aaaaaaaaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>` +
			strings.Replace(body[strings.Index(body, "?>")+2:], "NoError", "&c;", 1)
	case Deep:
		at := strings.Index(body, "<m:ResponseMessages>") // the elements come before, where nobody looks for them
		return body[:at] + strings.Repeat("<d>", 100_000) + strings.Repeat("</d>", 100_000) + body[at:]
	}
	return body
}

// maxEnormous is how much of a reply that does not end is sent to a client that does
// not stop reading.
const maxEnormous = 256 << 20

func enormous(w http.ResponseWriter, r *http.Request, body string) {
	at := strings.LastIndex(body, "</s:Body>")
	filler := []byte(strings.Repeat("<t:Value Name=\"x\">x</t:Value>", 4096))
	_, err := w.Write([]byte(body[:at]))
	for sent := 0; sent < maxEnormous && err == nil && r.Context().Err() == nil; sent += len(filler) {
		_, err = w.Write(filler)
	}
}
