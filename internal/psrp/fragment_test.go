package psrp

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The example of MS-PSRP 2.2.4: object 1, fragment 0, start and end.
func TestFragmentHeader(t *testing.T) {
	got := appendFragments(nil, 1, []byte("abc"), 100)
	want := "0000000000000001" + "0000000000000000" + "03" + "00000003" + "616263"
	if len(got) != 1 || hex.EncodeToString(got[0]) != want {
		t.Errorf("got %x\nwant %s", got, want)
	}
}

// Whatever the sizes, and however the transport cuts the stream, the messages come
// out as they went in.
func TestFragmentsJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		messages := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 300), 1, 5).Draw(t, "messages")
		size := rapid.IntRange(0, 120).Draw(t, "size")
		var streams [][][]byte
		for i, m := range messages {
			streams = append(streams, appendFragments(nil, uint64(i+1), m, size))
		}
		var wire []byte
		for slices.ContainsFunc(streams, func(s [][]byte) bool { return len(s) > 0 }) {
			i := rapid.IntRange(0, len(streams)-1).Draw(t, "next")
			if len(streams[i]) > 0 {
				if n := len(streams[i][0]); n > max(size, minFragment) {
					t.Fatalf("a fragment of %d bytes, at most %d are allowed", n, size)
				}
				wire = append(wire, streams[i][0]...)
				streams[i] = streams[i][1:]
			}
		}
		var got [][]byte
		var a assembler
		for len(wire) > 0 {
			n := rapid.IntRange(1, len(wire)).Draw(t, "read")
			err := a.feed(wire[:n], func(m []byte) error {
				got = append(got, bytes.Clone(m))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			wire = wire[n:]
		}
		if a.pending() || a.held != 0 || len(got) != len(messages) {
			t.Fatalf("%d of %d messages, pending %v, held %d", len(got), len(messages), a.pending(), a.held)
		}
		for _, m := range messages {
			i := slices.IndexFunc(got, func(g []byte) bool { return bytes.Equal(g, m) })
			if i < 0 {
				t.Fatalf("message %q is missing", m)
			}
			got = slices.Delete(got, i, i+1)
		}
	})
}

func rawFragment(object, id uint64, flags byte, blob string) []byte {
	f := binary.BigEndian.AppendUint64(nil, object)
	f = binary.BigEndian.AppendUint64(f, id)
	f = append(f, flags)
	f = binary.BigEndian.AppendUint32(f, uint32(len(blob)))
	return append(f, blob...)
}

func TestAssemblerRefuses(t *testing.T) {
	join := func(f ...[]byte) []byte { return slices.Concat(f...) }
	long := rawFragment(1, 0, 3, "")
	binary.BigEndian.PutUint32(long[17:], 101)
	for _, test := range []struct {
		name, want string
		data       []byte
	}{
		{"out of order", "comes where 1 is due", join(rawFragment(1, 0, 1, "a"), rawFragment(1, 2, 2, "b"))},
		{"twice", "comes where 2 is due", join(rawFragment(1, 0, 1, "a"), rawFragment(1, 1, 0, "b"), rawFragment(1, 1, 0, "b"))},
		{"no start", "without its start", rawFragment(7, 1, 2, "b")},
		{"second start", "starts twice", join(rawFragment(1, 0, 1, "a"), rawFragment(1, 0, 1, "a"))},
		{"message twice", "object 1 starts twice", join(rawFragment(1, 0, 3, "a"), rawFragment(2, 0, 3, "b"), rawFragment(1, 0, 3, "a"))},
		{"start that is not the first", "has the flags 0x1", rawFragment(1, 3, 1, "a")},
		{"first that is no start", "has the flags 0x2", rawFragment(1, 0, 2, "a")},
		{"long fragment", "longer than the limit of 100", long},
		{"long message", "longer than the limit of 100", join(rawFragment(1, 0, 1, strings.Repeat("a", 60)), rawFragment(1, 1, 2, strings.Repeat("a", 60)))},
		{"many messages", "more than 2 messages", join(rawFragment(1, 0, 1, ""), rawFragment(2, 0, 1, ""), rawFragment(3, 0, 1, ""))},
	} {
		a := assembler{limits: Limits{MaxMessage: 100, MaxPartial: 2}}
		err := a.feed(test.data, func([]byte) error { return nil })
		var protocol *ProtocolError
		if !errors.As(err, &protocol) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", test.name, err, test.want)
		}
	}
}

func FuzzFragments(f *testing.F) {
	f.Add(slices.Concat(rawFragment(1, 0, 1, "a"), rawFragment(1, 1, 2, "b")), 3)
	f.Add(rawFragment(1, 0, 3, "abc"), 30)
	f.Fuzz(func(t *testing.T, data []byte, cut int) {
		limits := Limits{MaxMessage: 1 << 12, MaxPartial: 3}
		whole, parts := assembler{limits: limits}, assembler{limits: limits}
		var got, again []string
		err := whole.feed(data, func(m []byte) error { got = append(got, string(m)); return nil })
		cut = min(max(cut, 0), len(data))
		collect := func(m []byte) error { again = append(again, string(m)); return nil }
		err2 := parts.feed(data[:cut], collect)
		if err2 == nil {
			err2 = parts.feed(data[cut:], collect)
		}
		if (err == nil) != (err2 == nil) || !slices.Equal(got, again) {
			t.Errorf("whole: %q, %v\ncut at %d: %q, %v", got, err, cut, again, err2)
		}
		if whole.held > limits.MaxMessage || len(whole.partial) > limits.MaxPartial {
			t.Errorf("holds %d bytes in %d messages", whole.held, len(whole.partial))
		}
	})
}
