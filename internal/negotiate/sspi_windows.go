package negotiate

import (
	"context"
	"encoding/binary"
	"syscall"
	"time"

	"github.com/alexbrainman/sspi"
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
	out, in     uint32
}

// newSSPI returns a context of the package that the method allows. Kerberos alone
// means that package, whose tokens the scheme Negotiate takes unwrapped too ([MS-SPNG]
// 3.3.5.1): the package Negotiate could choose NTLM.
func newSSPI(method Method, scheme, spn string, binding []byte) (mechanism, error) {
	name := sspi.MICROSOFT_KERBEROS_NAME
	const protected = sspi.ISC_REQ_CONFIDENTIALITY | sspi.ISC_REQ_INTEGRITY
	required := uint32(protected | sspi.ISC_REQ_MUTUAL_AUTH)
	switch {
	case method == NTLM || scheme == schemeNTLM:
		name, required = sspi.NTLMSP_NAME, protected
	case method == Negotiate && scheme == schemeNegotiate:
		name, required = sspi.NEGOSSP_NAME, protected // NTLM has no mutual proof
	}
	info, err := sspi.QueryPackageInfo(name)
	if err != nil {
		return nil, sspiError("Windows has no security package "+name, err)
	}
	credentials, err := sspi.AcquireCredentials("", name, sspi.SECPKG_CRED_OUTBOUND, nil)
	if err != nil {
		return nil, sspiError("Windows gives no credentials of the user who is logged on", err)
	}
	target, err := syscall.UTF16PtrFromString(spn)
	if err != nil {
		credentials.Release()
		return nil, sspiError("the service name cannot be used", err)
	}
	flags := uint32(protected | sspi.ISC_REQ_MUTUAL_AUTH | sspi.ISC_REQ_REPLAY_DETECT | sspi.ISC_REQ_SEQUENCE_DETECT | sspi.ISC_REQ_CONNECTION)
	return &sspiContext{credentials: credentials, context: sspi.NewClientContext(credentials, flags), target: target,
		binding: secChannelBindings(binding), maxToken: info.MaxToken, required: required}, nil
}

func sspiError(what string, err error) error {
	return &Error{Kind: LogonRefused, What: what, Err: err, Advice: "give a user name with a password or --keytab to log on without Windows"}
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
	s.context.Release()
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
	var in [2]sspi.SecBuffer
	in[0].Set(sspi.SECBUFFER_TOKEN, token)
	inputs := sspi.NewSecBufferDesc(in[:1])
	if s.binding != nil {
		in[1].Set(sspi.SECBUFFER_CHANNEL_BINDINGS, s.binding)
		inputs = sspi.NewSecBufferDesc(in[:])
	}
	var out [1]sspi.SecBuffer
	out[0].Set(sspi.SECBUFFER_TOKEN, make([]byte, s.maxToken))
	outputs := sspi.NewSecBufferDesc(out[:])
	status := s.context.Update(s.target, outputs, inputs)
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
	if answer := out[0].Bytes(); len(answer) > 0 {
		return answer, nil
	}
	return nil, nil
}

// layout is not asked of a context that seals copies.
func (s *sspiContext) layout(int) (header, padding, tail int) { return 0, 0, 0 }

func (s *sspiContext) seal([]byte, int) error {
	return &Error{Kind: Malformed, What: "this context seals copies"}
}

// sealCopy seals a message in place; how long signature and padding are is known
// only afterwards.
func (s *sspiContext) sealCopy(message []byte) (signature, padding []byte, err error) {
	_, _, block, trailer, err := s.context.Sizes()
	if err != nil {
		return nil, nil, sspiError("Windows cannot seal a message", err)
	}
	var b [3]sspi.SecBuffer
	b[0].Set(sspi.SECBUFFER_TOKEN, make([]byte, trailer))
	b[1].Set(sspi.SECBUFFER_DATA, message)
	b[2].Set(sspi.SECBUFFER_PADDING, make([]byte, block))
	if status := sspi.EncryptMessage(s.context.Handle, 0, sspi.NewSecBufferDesc(b[:]), s.out); status != sspi.SEC_E_OK {
		return nil, nil, sspiError("Windows cannot seal a message", status)
	}
	s.out++
	return b[0].Bytes(), b[2].Bytes(), nil
}

// secEOutOfSequence is SEC_E_OUT_OF_SEQUENCE.
const secEOutOfSequence = syscall.Errno(0x80090310)

func (s *sspiContext) open(token []byte, header int) ([]byte, error) {
	var b [3]sspi.SecBuffer
	b[0].Set(sspi.SECBUFFER_TOKEN, token[:header])
	b[1].Set(sspi.SECBUFFER_DATA, token[header:])
	b[2].Set(sspi.SECBUFFER_PADDING, nil)
	var quality uint32
	switch status := sspi.DecryptMessage(s.context.Handle, sspi.NewSecBufferDesc(b[:]), s.in, &quality); status {
	case sspi.SEC_E_OK:
	case secEOutOfSequence:
		return nil, &Error{Kind: OutOfOrder, What: "a sealed message came out of order", Err: status}
	default:
		return nil, &Error{Kind: Altered, What: "a sealed message cannot be opened", Err: status}
	}
	const qualityNoEncryption = 0x80000001 // SECQOP_WRAP_NO_ENCRYPT
	if quality == qualityNoEncryption {
		return nil, altered("a message is only signed, and not sealed")
	}
	s.in++
	return b[1].Bytes(), nil
}
