package negotiate

import (
	"crypto"
	"crypto/md5"
	_ "crypto/sha256" // the hashes below
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/binary"
)

// endpointBinding returns the channel binding of a TLS connection to a server with
// this certificate (RFC 5929 4.1): its hash, by the hash of its signature, where
// MD5, SHA-1 and hashes that are not known count as SHA-256.
func endpointBinding(certificate *x509.Certificate) []byte {
	hash := crypto.SHA256
	switch certificate.SignatureAlgorithm {
	case x509.SHA384WithRSA, x509.ECDSAWithSHA384, x509.SHA384WithRSAPSS:
		hash = crypto.SHA384
	case x509.SHA512WithRSA, x509.ECDSAWithSHA512, x509.SHA512WithRSAPSS:
		hash = crypto.SHA512
	}
	digest := hash.New()
	digest.Write(certificate.Raw)
	return digest.Sum([]byte("tls-server-end-point:"))
}

// bindingHash returns the MD5 over a channel binding that both mechanisms carry
// (RFC 4121 4.1.1.2, MS-NLMP 2.2.2.1): over gss_channel_bindings_struct without
// addresses. Without a binding it is zero.
func bindingHash(binding []byte) [16]byte {
	if binding == nil {
		return [16]byte{}
	}
	b := make([]byte, 20, 20+len(binding))
	binary.LittleEndian.PutUint32(b[16:], uint32(len(binding)))
	return md5.Sum(append(b, binding...))
}
