package negotiate

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"testing"
)

// RFC 5929 4.1: the hash of the signature, but never a weak one.
func TestEndpointBinding(t *testing.T) {
	raw := []byte("certificate")
	s256, s384, s512 := sha256.Sum256(raw), sha512.Sum384(raw), sha512.Sum512(raw)
	for algorithm, want := range map[x509.SignatureAlgorithm][]byte{
		x509.MD5WithRSA: s256[:], x509.SHA1WithRSA: s256[:], x509.ECDSAWithSHA1: s256[:], x509.SHA256WithRSA: s256[:], x509.SHA256WithRSAPSS: s256[:],
		x509.ECDSAWithSHA256: s256[:], x509.PureEd25519: s256[:], x509.UnknownSignatureAlgorithm: s256[:],
		x509.SHA384WithRSA: s384[:], x509.ECDSAWithSHA384: s384[:], x509.SHA384WithRSAPSS: s384[:],
		x509.SHA512WithRSA: s512[:], x509.ECDSAWithSHA512: s512[:], x509.SHA512WithRSAPSS: s512[:],
	} {
		got := endpointBinding(&x509.Certificate{Raw: raw, SignatureAlgorithm: algorithm})
		if !bytes.Equal(got, append([]byte("tls-server-end-point:"), want...)) {
			t.Errorf("%v: %x", algorithm, got)
		}
	}
	if bindingHash(nil) != [16]byte{} || bindingHash([]byte("x")) == bindingHash([]byte("y")) {
		t.Error("the hash of a binding")
	}
}
