package psrp

import (
	"encoding/hex"
	"strings"
	"testing"
)

const sampleID = "D2D2C1A0-1B2C-3D4E-5F60-718293A4B5C6"

func TestGUID(t *testing.T) {
	g, err := ParseGUID(strings.ToLower(sampleID))
	if err != nil || g.String() != sampleID {
		t.Fatalf("got %s, %v", g, err)
	}
	wire := g.wire()
	// MS-DTYP 2.3.4.2: the first three fields are little-endian.
	if got, want := hex.EncodeToString(wire[:]), "a0c1d2d22c1b4e3d5f60718293a4b5c6"; got != want {
		t.Errorf("on the wire %s, want %s", got, want)
	}
	if guidFromWire(wire[:]) != g {
		t.Error("the GUID does not come back from the wire")
	}
	for _, s := range []string{"", sampleID[1:], strings.Replace(sampleID, "-", "x", 1), strings.Replace(sampleID, "D", "G", 1), "{" + sampleID + "}"} {
		if _, err := ParseGUID(s); err == nil {
			t.Errorf("%q is taken for a GUID", s)
		}
	}
}

func TestMessageHeader(t *testing.T) {
	pool, _ := ParseGUID(sampleID)
	m := message{destination: toServer, kind: sessionCapability, pool: pool, data: []byte("<S>x</S>")}
	b := m.append(nil)
	want := "02000000" + "02000100" + "a0c1d2d22c1b4e3d5f60718293a4b5c6" + strings.Repeat("00", 16) + hex.EncodeToString(m.data)
	if got := hex.EncodeToString(b); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	withMark := append(append([]byte{}, b[:messageHeader]...), append([]byte("\xef\xbb\xbf"), m.data...)...)
	for _, wire := range [][]byte{b, withMark} {
		back, err := parseMessage(wire)
		if err != nil || back.destination != m.destination || back.kind != m.kind || back.pool != m.pool || string(back.data) != string(m.data) {
			t.Errorf("read back %+v, %v", back, err)
		}
	}
	if _, err := parseMessage(b[:39]); err == nil {
		t.Error("a message without its whole header is taken")
	}
}
