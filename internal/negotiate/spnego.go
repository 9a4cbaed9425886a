package negotiate

import (
	"bytes"
	"context"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// spnegoContext is SPNEGO (RFC 4178) around Kerberos. It offers nothing else, so
// that a server can choose nothing else.
type spnegoContext struct {
	*krb5Context
	begun bool
}

// The states of RFC 4178 4.2.2.
const (
	stateCompleted  = 0
	stateIncomplete = 1
	stateReject     = 2
	stateRequestMIC = 3
	stateNone       = -1
)

func (s *spnegoContext) step(ctx context.Context, token []byte) ([]byte, error) {
	if !s.begun {
		s.begun = true
		inner, err := s.krb5Context.step(ctx, nil)
		if err != nil {
			return nil, err
		}
		return frameToken(oidSPNEGO, negTokenInit(inner)), nil
	}
	if bytes.HasPrefix(token, []byte(ntlmSignature)) {
		return nil, errNTLM
	}
	r, err := parseNegTokenResp(token)
	if err != nil {
		return nil, err
	}
	return s.respond(r)
}

var errNTLM = &Error{Kind: NTLMNotAllowed, What: "the server answers the log-on by Kerberos with NTLM, which was not asked for",
	Advice: "use the server's own full name, for which it has a Kerberos service name; or allow NTLM by --auth negotiate"}

func (s *spnegoContext) respond(r negTokenResp) ([]byte, error) {
	if r.mechanism != nil && !bytes.Equal(r.mechanism, oidKRB5) && !bytes.Equal(r.mechanism, oidMSKRB5) {
		if bytes.Equal(r.mechanism, oidNTLM) {
			return nil, errNTLM
		}
		return nil, &Error{Kind: NotOffered, What: "the server wants a mechanism other than Kerberos"}
	}
	if s.established() {
		// After a checksum of ours the server has nothing to say but that it is content.
		if r.state != stateCompleted {
			return nil, &Error{Kind: LogonRefused, What: "the server refuses the log-on after its end"}
		}
		return nil, s.check(r)
	}
	switch {
	case len(r.token) > 0:
		if err := s.krb5Context.finish(r.token); err != nil {
			return nil, err
		}
	case r.state == stateReject:
		return nil, &Error{Kind: LogonRefused, What: "the server refuses the ticket for " + quote(s.spn)}
	default:
		return nil, noProof("the server accepts the log-on without a proof of its own", nil)
	}
	if r.state == stateReject {
		return nil, &Error{Kind: LogonRefused, What: "the server refuses the log-on"}
	}
	if err := s.check(r); err != nil || r.state == stateCompleted || r.state == stateNone {
		return nil, err
	}
	return negTokenRespMIC(s.sign(mechTypes())), nil
}

// check verifies the checksum over what was offered, where the server gives one.
func (s *spnegoContext) check(r negTokenResp) error {
	if r.mic == nil {
		return nil
	}
	return s.verify(mechTypes(), r.mic)
}

// mechTypes is the list of mechanisms that we offer, in DER.
func mechTypes() []byte {
	var b cryptobyte.Builder
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.OBJECT_IDENTIFIER, func(b *cryptobyte.Builder) { b.AddBytes(oidKRB5) })
	})
	return b.BytesOrPanic()
}

// negTokenInit is RFC 4178 4.2.1, with the mechanism's first token.
func negTokenInit(token []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(contextTag(0), func(b *cryptobyte.Builder) { b.AddBytes(mechTypes()) })
			b.AddASN1(contextTag(2), func(b *cryptobyte.Builder) { b.AddASN1OctetString(token) })
		})
	})
	return b.BytesOrPanic()
}

// negTokenRespMIC is a NegTokenResp with nothing but a checksum.
func negTokenRespMIC(mic []byte) []byte {
	var b cryptobyte.Builder
	b.AddASN1(contextTag(1), func(b *cryptobyte.Builder) {
		b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(contextTag(3), func(b *cryptobyte.Builder) { b.AddASN1OctetString(mic) })
		})
	})
	return b.BytesOrPanic()
}

// A negTokenResp is RFC 4178 4.2.2.
type negTokenResp struct {
	state     int
	mechanism []byte // nil when absent, as are the others
	token     []byte
	mic       []byte
}

func parseNegTokenResp(der []byte) (negTokenResp, error) {
	r := negTokenResp{state: stateNone}
	s := cryptobyte.String(der)
	var outer, fields cryptobyte.String
	if !s.ReadASN1(&outer, contextTag(1)) || !s.Empty() || !outer.ReadASN1(&fields, asn1.SEQUENCE) || !outer.Empty() {
		return r, malformed("what the server answered to the log-on is no SPNEGO token")
	}
	var state, mechanism, token, mic cryptobyte.String
	var hasState, hasMechanism, hasToken, hasMIC bool
	ok := fields.ReadOptionalASN1(&state, &hasState, contextTag(0)) && fields.ReadOptionalASN1(&mechanism, &hasMechanism, contextTag(1)) &&
		fields.ReadOptionalASN1(&token, &hasToken, contextTag(2)) && fields.ReadOptionalASN1(&mic, &hasMIC, contextTag(3)) && fields.Empty()
	ok = ok && (!hasState || state.ReadASN1Enum(&r.state) && r.state >= stateCompleted && r.state <= stateRequestMIC && state.Empty())
	ok = ok && (!hasMechanism || readOnly(&mechanism, asn1.OBJECT_IDENTIFIER, &r.mechanism))
	ok = ok && (!hasToken || readOnly(&token, asn1.OCTET_STRING, &r.token))
	ok = ok && (!hasMIC || readOnly(&mic, asn1.OCTET_STRING, &r.mic))
	if !ok {
		return negTokenResp{}, malformed("a SPNEGO token that cannot be read")
	}
	return r, nil
}

// readOnly reads the one element of s.
func readOnly(s *cryptobyte.String, tag asn1.Tag, out *[]byte) bool {
	var inner cryptobyte.String
	if !s.ReadASN1(&inner, tag) || !s.Empty() {
		return false
	}
	*out = append(make([]byte, 0, len(inner)), inner...)
	return true
}
