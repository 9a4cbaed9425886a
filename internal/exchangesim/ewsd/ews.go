package ewsd

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/exgrant/exgrant/internal/exchangesim"
)

// An operation answers one request for one mailbox: with the element in the body of
// the reply, or a refusal.
type operation struct {
	run func(s *Server, x *exchanged, mailbox exchangesim.Account) (reply string, err error)
	// needsMailbox says that whoever is acted for has to have a mailbox.
	needsMailbox bool
}

var operations = map[string]operation{
	"ConvertId":                  {(*Server).convertID, false},
	"GetFolder":                  {(*Server).getFolder, true},
	"FindItem":                   {(*Server).findItem, true},
	"GetItem":                    {(*Server).getItem, true},
	"CreateItem":                 {(*Server).createItem, true},
	"DeleteItem":                 {(*Server).deleteItem, true},
	"GetUserAvailabilityRequest": {(*Server).getUserAvailability, false},
	"ResolveNames":               {(*Server).resolveNames, false},
	"GetServerTimeZones":         {(*Server).getServerTimeZones, false},
}

// serveEWS answers a request to /EWS/Exchange.asmx.
func (s *Server) serveEWS(w http.ResponseWriter, r *http.Request, x *exchanged) {
	status, reply := http.StatusOK, ""
	if s.injected(w, x) {
		return
	}
	err := s.begin(x)
	if err == nil {
		if s.enter(x.caller.GUID) {
			sleep(r.Context(), s.config.Latency)
			reply, err = s.operate(x)
			s.leave(x.caller.GUID)
		} else {
			err = &refusal{code: "ErrorServerBusy", backOff: s.manners.BackOff, whole: true}
		}
	}
	var closed *forbiddenError
	var refused *refusal
	switch {
	case errors.As(err, &closed):
		x.event.Status = page(w, closed.status)
		return
	case errors.As(err, &refused) && refused.whole:
		status, reply, x.event.Code = http.StatusInternalServerError, s.soapFault(refused), refused.code
	case errors.As(err, &refused):
		reply, x.event.Code = s.refuseInReply(x.event.Operation, refused), refused.code
	case err != nil:
		panic(err) // a fault of the simulator
	default:
		x.event.Code = "NoError"
	}
	s.send(w, r, status, reply, x)
}

// refuseInReply is the reply of an operation that went wrong for its one part.
func (s *Server) refuseInReply(operation string, f *refusal) string {
	if operation == "GetUserAvailability" {
		return s.busyReply(s.busyFailure(f))
	}
	return s.respond(operation, s.failure(operation, f))
}

// A forbiddenError is a refusal by the web server.
type forbiddenError struct{ status int }

func (e *forbiddenError) Error() string { return http.StatusText(e.status) }

// injected answers a request that the plan of faults has refused before anything is
// done. It is false for all others.
func (s *Server) injected(w http.ResponseWriter, x *exchanged) bool {
	switch x.fault.Kind {
	case Status:
		if x.fault.RetryAfter > 0 {
			w.Header().Set("Retry-After", seconds(x.fault.RetryAfter))
		}
		status := x.fault.Status
		if status == 0 {
			status = http.StatusServiceUnavailable
		}
		x.event.Status = page(w, status)
	case Empty:
		x.event.Status = http.StatusInternalServerError
		w.WriteHeader(x.event.Status)
	case Page:
		x.event.Status = page(w, http.StatusOK)
	case Login:
		w.Header().Set("Location", "/owa/auth/logon.aspx?url=https%3a%2f%2f"+serverFQDN+"%2fEWS&reason=0")
		x.event.Status = page(w, http.StatusFound)
	default:
		return false
	}
	return true
}

// begin reads the envelope, and refuses what no operation would carry out.
func (s *Server) begin(x *exchanged) error {
	request, err := parse(x.event.Body)
	if err != nil {
		return refuse("ErrorSchemaValidation")
	}
	x.request = request
	if request.impersonation == nil && !s.letsIn(x.event.UserAgent) {
		return &forbiddenError{http.StatusForbidden}
	}
	x.event.Operation, x.event.Version = strings.TrimSuffix(request.operation.Name.Local, "Request"), request.version
	if fault := x.fault; fault.Kind == SOAPFault || fault.Kind == Response {
		return &refusal{code: fault.Code, message: fault.Message, backOff: fault.BackOff, whole: fault.Kind == SOAPFault}
	}
	if request.operation.Name.Space != nsMessages {
		return refuse("ErrorInvalidRequest")
	}
	if !slices.Contains(s.versions(), request.version) {
		return refuse("ErrorInvalidServerVersion")
	}
	return nil
}

// versions are those of the schema that the server knows; "" is a request without one.
func (s *Server) versions() []string {
	old := []string{"", "Exchange2007", "Exchange2007_SP1", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2"}
	switch {
	case s.build.major == 14:
		return old
	case s.build.minor == 0:
		return append(old, "Exchange2013", "Exchange2013_SP1")
	}
	return append(old, "Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016", "V2015_10_05", "V2016_06_24", "V2016_10_10", "V2017_01_07", "V2017_04_14", "V2017_07_11")
}

// operate finds out who is acted for and carries the operation out.
func (s *Server) operate(x *exchanged) (string, error) {
	op, ok := operations[x.request.operation.Name.Local]
	if !ok {
		return "", refuse("ErrorInvalidRequest")
	}
	mailbox, err := s.actingFor(x)
	if err != nil {
		return "", err
	}
	if has := func(address string) bool { return strings.EqualFold(address, mailbox.Address) }; slices.ContainsFunc(s.manners.DisabledFor, has) {
		return "", &forbiddenError{http.StatusForbidden}
	}
	if op.needsMailbox && !mailbox.Mailbox {
		return "", fails("ErrorMissingEmailAddress")
	}
	for address, code := range s.manners.Codes {
		if strings.EqualFold(address, mailbox.Address) {
			return "", fails(code)
		}
	}
	return op.run(s, x, mailbox)
}

// actingFor returns the account that a request acts for: the caller, or the one of
// ExchangeImpersonation, where the caller's rights reach it.
func (s *Server) actingFor(x *exchanged) (exchangesim.Account, error) {
	header := x.request.impersonation
	if header == nil {
		return x.caller, nil
	}
	target, err := s.identified(header)
	if err != nil {
		return target, err
	}
	x.event.Impersonated = target.Name
	if !target.Mailbox {
		return target, refuse("ErrorNonExistentMailbox")
	}
	if s.manners.RequireAnchor && x.event.Anchor == "" {
		return target, &forbiddenError{http.StatusServiceUnavailable}
	}
	if !s.rights(x.caller.GUID).Cover(target.GUID) {
		return target, refuse("ErrorImpersonateUserDenied")
	}
	return target, nil
}

// identified returns the account that an impersonation header names.
func (s *Server) identified(header *impersonation) (exchangesim.Account, error) {
	var none exchangesim.Account
	if header.SID == nil || len(header.SID.Identities) == 0 {
		return none, refuse("ErrorInvalidExchangeImpersonationHeaderData")
	}
	if len(header.SID.Identities) > 1 {
		return none, refuse("ErrorMoreThanOneAccessModeSpecified")
	}
	identity := header.SID.Identities[0]
	name := strings.TrimSpace(identity.Text)
	if name == "" || identity.XMLName.Space != nsTypes {
		return none, refuse("ErrorInvalidExchangeImpersonationHeaderData")
	}
	kinds := map[string]struct {
		kind    exchangesim.NameKind
		unknown string
	}{
		"SmtpAddress":        {exchangesim.AddressName, "ErrorNonExistentMailbox"},
		"PrimarySmtpAddress": {exchangesim.AddressName, "ErrorNonExistentMailbox"},
		"PrincipalName":      {exchangesim.PrincipalName, "ErrorInvalidUserPrincipalName"},
		"SID":                {exchangesim.SecurityID, "ErrorInvalidUserSid"},
	}
	form, ok := kinds[identity.XMLName.Local]
	if !ok {
		return none, refuse("ErrorSchemaValidation")
	}
	account, ok := s.config.Organization.FindAccount(form.kind, name)
	switch {
	case !ok:
		return none, refuse(form.unknown)
	case identity.XMLName.Local == "PrimarySmtpAddress" && !strings.EqualFold(name, account.Address):
		return none, &refusal{code: "ErrorNonPrimarySmtpAddress", whole: true, details: [][2]string{{"Primary", account.Address}}}
	}
	return account, nil
}
