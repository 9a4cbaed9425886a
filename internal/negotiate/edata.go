package negotiate

import (
	"encoding/binary"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// windowsStatus returns the NTSTATUS in the e-data of a KRB-ERROR from an Active
// Directory, or 0: KERB-EXT-ERROR ([MS-KILE] 2.2.2) in a KERB-ERROR-DATA or in
// PA-PW-SALT of METHOD-DATA, whichever the server chose.
func windowsStatus(eData []byte) uint32 {
	const kerbErrTypeExtended, paPwSalt = 3, 3
	der := cryptobyte.String(eData)
	var sequence cryptobyte.String
	if !der.ReadASN1(&sequence, asn1.SEQUENCE) {
		return 0
	}
	// METHOD-DATA is a sequence of such sequences.
	if list := sequence; list.PeekASN1Tag(asn1.SEQUENCE) {
		var item cryptobyte.String
		for list.ReadASN1(&item, asn1.SEQUENCE) {
			if kind, value := typedData(item); kind == paPwSalt {
				return extendedStatus(value)
			}
		}
		return 0
	}
	if kind, value := typedData(sequence); kind == kerbErrTypeExtended {
		return extendedStatus(value)
	}
	return 0
}

// typedData reads a sequence of an integer under tag 1 and octets under tag 2.
func typedData(item cryptobyte.String) (kind int64, value []byte) {
	var number, octets, text cryptobyte.String
	if !item.ReadASN1(&number, contextTag(1)) || !number.ReadASN1Integer(&kind) ||
		!item.ReadASN1(&octets, contextTag(2)) || !octets.ReadASN1(&text, asn1.OCTET_STRING) {
		return 0, nil
	}
	return kind, text
}

func extendedStatus(value []byte) uint32 {
	if len(value) < 12 {
		return 0
	}
	return binary.LittleEndian.Uint32(value)
}

// contextTag is the tag of a constructed, context-specific element.
func contextTag(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }
