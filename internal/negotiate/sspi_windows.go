package negotiate

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"github.com/alexbrainman/sspi"
	"golang.org/x/sys/windows"
)

// haveSSPI tells whether the system knows who is logged on.
const haveSSPI = true

// sspiContext is the security context of the user who is logged on to Windows. The
// keys stay with the system.
type sspiContext struct {
	credentials *sspi.Credentials
	context     *sspi.Context
	target      *uint16
	binding     []byte // SEC_CHANNEL_BINDINGS
	maxToken    uint32
	required    uint32 // flags that the context must have in the end
	begun, done bool
	ntlm        bool // an NTLM message was sent
	out, in     uint32
}

// sspiPackage is the security package that a method allows with a scheme, and the flags
// that its contexts must have in the end. Kerberos alone means that package, whose
// tokens the scheme Negotiate takes unwrapped too ([MS-SPNG] 3.3.5.1): the package
// Negotiate could choose NTLM.
func sspiPackage(method Method, scheme string) (name string, required uint32) {
	switch {
	case method == NTLM || scheme == schemeNTLM:
		return sspi.NTLMSP_NAME, sspiProtected
	case method == Negotiate && scheme == schemeNegotiate:
		return sspi.NEGOSSP_NAME, sspiProtected // NTLM has no mutual proof
	}
	return sspi.MICROSOFT_KERBEROS_NAME, sspiProtected | sspi.ISC_REQ_MUTUAL_AUTH
}

const sspiProtected = sspi.ISC_REQ_CONFIDENTIALITY | sspi.ISC_REQ_INTEGRITY

// newSSPI returns a context of the package that the method allows.
func newSSPI(method Method, scheme, spn string, binding []byte) (mechanism, error) {
	name, required := sspiPackage(method, scheme)
	s, err := newSSPIContext(name, required, spn, binding)
	if err != nil {
		return nil, err
	}
	return s, nil
}

func newSSPIContext(name string, required uint32, spn string, binding []byte) (*sspiContext, error) {
	info, err := sspi.QueryPackageInfo(name)
	if err != nil {
		return nil, sspiError("Windows has no security package "+name, err)
	}
	credentials, err := sspi.AcquireCredentials("", name, sspi.SECPKG_CRED_OUTBOUND, nil)
	if err != nil {
		return nil, sspiError(noSSPICredentials, err)
	}
	target, err := syscall.UTF16PtrFromString(spn)
	if err != nil {
		credentials.Release()
		return nil, &Error{Kind: BadCredential, What: "the service name " + quote(spn) + " cannot be used", Err: err}
	}
	flags := uint32(sspiProtected | sspi.ISC_REQ_MUTUAL_AUTH | sspi.ISC_REQ_REPLAY_DETECT | sspi.ISC_REQ_SEQUENCE_DETECT | sspi.ISC_REQ_CONNECTION)
	return &sspiContext{credentials: credentials, context: sspi.NewClientContext(credentials, flags), target: target,
		binding: secChannelBindings(binding), maxToken: info.MaxToken, required: required}, nil
}

const noSSPICredentials = "Windows gives no credentials of the user who is logged on"

// sspiError is an error of a security package: for a status, what that means.
func sspiError(what string, err error) error {
	var status syscall.Errno
	if errors.As(err, &status) {
		return windowsError(what, uint32(status))
	}
	return &Error{Kind: LogonRefused, What: what, Err: err, Advice: withoutWindows}
}

// sspiUser is who Windows logs on to other computers: that need not be who is logged
// on to this one (runas /netonly). It is empty when Windows does not say.
func sspiUser() string {
	credentials, err := sspi.AcquireCredentials("", sspi.NEGOSSP_NAME, sspi.SECPKG_CRED_OUTBOUND, nil)
	if err != nil {
		return ""
	}
	defer credentials.Release()
	return credentialsName(credentials)
}

// credentialsName asks for SECPKG_CRED_ATTR_NAMES.
func credentialsName(c *sspi.Credentials) string {
	const names = 1
	var name *uint16
	query := windows.NewLazySystemDLL("secur32.dll").NewProc("QueryCredentialsAttributesW")
	if query.Find() != nil {
		return ""
	}
	status, _, _ := query.Call(uintptr(unsafe.Pointer(&c.Handle)), names, uintptr(unsafe.Pointer(&name)))
	if status != uintptr(sspi.SEC_E_OK) || name == nil {
		return ""
	}
	defer sspi.FreeContextBuffer((*byte)(unsafe.Pointer(name)))
	return windows.UTF16PtrToString(name)
}

// sspiTicket asks Windows for credentials, and with a service name for a ticket for
// it: then Windows asks the KDC, unless it has one. What Windows keeps to itself is
// not in the answer.
func sspiTicket(ctx context.Context, spn string) (Ticket, error) {
	s, err := newSSPIContext(sspi.MICROSOFT_KERBEROS_NAME, 0, spn, nil)
	if err != nil {
		return Ticket{}, err
	}
	defer s.release()
	t := Ticket{Client: credentialsName(s.credentials), Service: spn}
	if spn == "" {
		return t, nil
	}
	_, err = s.step(ctx, nil)
	return t, err
}

// sspiKDC is what Windows knows of its domain's KDC (DsGetDcName).
func sspiKDC() (realm, address string, err error) {
	const kdcRequired, returnDNSName = 0x400, 0x40000000
	var info *domainControllerInfo
	get := windows.NewLazySystemDLL("netapi32.dll").NewProc("DsGetDcNameW")
	if err := get.Find(); err != nil {
		return "", "", &Error{Kind: NoKDC, What: "Windows cannot say where the KDC is", Err: err}
	}
	status, _, _ := get.Call(0, 0, 0, 0, kdcRequired|returnDNSName, uintptr(unsafe.Pointer(&info)))
	if status != 0 || info == nil {
		return "", "", windowsError("Windows does not say where the KDC is", uint32(status))
	}
	defer windows.NetApiBufferFree((*byte)(unsafe.Pointer(info)))
	return windows.UTF16PtrToString(info.domain), strings.TrimLeft(windows.UTF16PtrToString(info.controller), `\`), nil
}

// domainControllerInfo is DOMAIN_CONTROLLER_INFOW.
type domainControllerInfo struct {
	controller, address *uint16
	addressType         uint32
	domainGUID          [16]byte
	domain, forest      *uint16
	flags               uint32
	site, ownSite       *uint16
}

// secChannelBindings lays SEC_CHANNEL_BINDINGS out: eight lengths and offsets, and
// the data.
func secChannelBindings(binding []byte) []byte {
	if binding == nil {
		return nil
	}
	b := make([]byte, 32, 32+len(binding))
	binary.LittleEndian.PutUint32(b[24:], uint32(len(binding)))
	binary.LittleEndian.PutUint32(b[28:], 32)
	return append(b, binding...)
}

func (s *sspiContext) established() bool { return s.done }

func (s *sspiContext) final() bool { return true }

func (s *sspiContext) ends() time.Time { return time.Time{} }

func (s *sspiContext) release() {
	if s.context.Handle != nil {
		s.context.Release()
	}
	s.credentials.Release()
}

func (s *sspiContext) step(_ context.Context, token []byte) ([]byte, error) {
	if s.done {
		return nil, nil
	}
	if s.begun && token == nil {
		return nil, noProof("the server accepts the log-on without a proof of its own", nil)
	}
	s.begun = true
	var out [1]sspi.SecBuffer
	out[0].Set(sspi.SECBUFFER_TOKEN, make([]byte, s.maxToken))
	outputs := sspi.NewSecBufferDesc(out[:])
	status := s.context.Update(s.target, outputs, s.inputs(token))
	if status == sspi.SEC_I_COMPLETE_NEEDED || status == sspi.SEC_I_COMPLETE_AND_CONTINUE {
		if completed := sspi.CompleteAuthToken(s.context.Handle, outputs); completed != sspi.SEC_E_OK {
			return nil, sspiError("Windows cannot log on", completed)
		}
		if status == sspi.SEC_I_COMPLETE_NEEDED {
			status = sspi.SEC_E_OK
		} else {
			status = sspi.SEC_I_CONTINUE_NEEDED
		}
	}
	switch status {
	case sspi.SEC_E_OK:
		if err := s.context.VerifySelectiveFlags(s.required); err != nil {
			return nil, noProof("the log-on has not the protection that is needed", err)
		}
		s.done = true
	case sspi.SEC_I_CONTINUE_NEEDED:
	default:
		return nil, sspiError("Windows cannot log on", status)
	}
	answer := out[0].Bytes()
	if len(answer) == 0 {
		return nil, nil
	}
	s.ntlm = s.ntlm || bytes.Contains(answer, []byte("NTLMSSP\x00")) // also inside SPNEGO
	return answer, nil
}

// inputs are the buffers of one call: the server's token and the channel bindings. On
// the first call there is no token, and where there are no bindings either, no input
// at all.
func (s *sspiContext) inputs(token []byte) *sspi.SecBufferDesc {
	var in []sspi.SecBuffer
	for _, b := range []struct {
		kind uint32
		data []byte
	}{{sspi.SECBUFFER_TOKEN, token}, {sspi.SECBUFFER_CHANNEL_BINDINGS, s.binding}} {
		if b.data == nil {
			continue
		}
		var buffer sspi.SecBuffer
		buffer.Set(b.kind, b.data)
		in = append(in, buffer)
	}
	if in == nil {
		return nil
	}
	return sspi.NewSecBufferDesc(in)
}

// byNTLM tells who refuses: a server that NTLM was spoken with knows no ticket.
func (s *sspiContext) byNTLM() bool { return s.ntlm }

// layout is not asked of a context that seals copies.
func (s *sspiContext) layout(int) (header, padding, tail int) { return 0, 0, 0 }

func (s *sspiContext) seal([]byte, int) error {
	return &Error{Kind: Malformed, What: "this context seals copies"}
}

// sealCopy seals a message in place; how long the signature is is known only
// afterwards. There is a buffer for it and one for the message, and none for padding:
// that is what WinRM does, and what makes the packages leave padding out.
func (s *sspiContext) sealCopy(message []byte) (signature, padding []byte, err error) {
	_, _, _, trailer, err := s.context.Sizes()
	if err != nil {
		return nil, nil, sspiError("Windows cannot seal a message", err)
	}
	var b [2]sspi.SecBuffer
	b[0].Set(sspi.SECBUFFER_TOKEN, make([]byte, trailer))
	b[1].Set(sspi.SECBUFFER_DATA, message)
	if status := sspi.EncryptMessage(s.context.Handle, 0, sspi.NewSecBufferDesc(b[:]), s.out); status != sspi.SEC_E_OK {
		return nil, nil, sspiError("Windows cannot seal a message", status)
	}
	s.out++
	return b[0].Bytes(), nil, nil
}

func (s *sspiContext) open(token []byte, header int) ([]byte, error) {
	var b [2]sspi.SecBuffer
	b[0].Set(sspi.SECBUFFER_TOKEN, token[:header])
	b[1].Set(sspi.SECBUFFER_DATA, token[header:])
	var quality uint32
	switch status := sspi.DecryptMessage(s.context.Handle, sspi.NewSecBufferDesc(b[:]), s.in, &quality); status {
	case sspi.SEC_E_OK:
	case syscall.Errno(secEOutOfSequence):
		return nil, &Error{Kind: OutOfOrder, What: "a sealed message came out of order", Err: winStatus(status)}
	default:
		return nil, &Error{Kind: Altered, What: "a sealed message cannot be opened", Err: winStatus(status)}
	}
	const qualityNoEncryption = 0x80000001 // SECQOP_WRAP_NO_ENCRYPT
	if quality == qualityNoEncryption {
		return nil, altered("a message is only signed, and not sealed")
	}
	s.in++
	return b[1].Bytes(), nil
}
