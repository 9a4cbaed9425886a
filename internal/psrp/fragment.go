package psrp

import "encoding/binary"

// A fragment is a header of 21 bytes and a part of a message (MS-PSRP 2.2.4):
// ObjectId and FragmentId, 8 bytes each, a byte of flags, the part's length in 4
// bytes; all big-endian.
const (
	fragmentHeader = 21
	flagStart      = 1
	flagEnd        = 2
)

// minFragment is the smallest fragment size that makes progress.
const minFragment = fragmentHeader + 1

// maxFragments is how many one message may come in, empty ones among them.
const maxFragments = 1 << 16

// appendFragments cuts a message into fragments of at most size bytes, header
// included.
func appendFragments(out [][]byte, objectID uint64, message []byte, size int) [][]byte {
	part := max(size, minFragment) - fragmentHeader
	for id := uint64(0); ; id++ {
		n := min(part, len(message))
		flags := byte(0)
		if id == 0 {
			flags |= flagStart
		}
		if n == len(message) {
			flags |= flagEnd
		}
		f := make([]byte, fragmentHeader, fragmentHeader+n)
		binary.BigEndian.PutUint64(f, objectID)
		binary.BigEndian.PutUint64(f[8:], id)
		f[16] = flags
		binary.BigEndian.PutUint32(f[17:], uint32(n))
		out = append(out, append(f, message[:n]...))
		message = message[n:]
		if flags&flagEnd != 0 {
			return out
		}
	}
}

// An assembler puts the messages of one stream together. Fragments of one message
// come in order; those of different messages may be mixed.
type assembler struct {
	limits  Limits
	rest    []byte // of a fragment that is not whole yet
	partial map[uint64]*partialMessage
	held    int // bytes in partial
	begun   recent
}

// recent knows the ids of the messages that began last.
type recent struct {
	known  map[uint64]bool
	order  []uint64
	oldest int // in order, once that is full
}

// maxRecent is how many they are: more than the largest reply holds.
const maxRecent = 4096

// add says whether an id is new.
func (r *recent) add(id uint64) bool {
	if r.known[id] {
		return false
	}
	if r.known == nil {
		r.known = map[uint64]bool{}
	}
	r.known[id] = true
	if len(r.order) < maxRecent {
		r.order = append(r.order, id)
		return true
	}
	delete(r.known, r.order[r.oldest])
	r.order[r.oldest] = id
	r.oldest = (r.oldest + 1) % maxRecent
	return true
}

type partialMessage struct {
	next uint64
	data []byte
}

// feed takes what arrived and calls yield for each message that is whole now. The
// message is only valid during the call.
func (a *assembler) feed(data []byte, yield func(message []byte) error) error {
	if len(a.rest) > 0 {
		a.rest = append(a.rest, data...)
		data = a.rest
	}
	for len(data) >= fragmentHeader {
		n := binary.BigEndian.Uint32(data[17:])
		if uint64(n) > uint64(a.limits.maxMessage()) {
			return protocolErrorf("a fragment of %d bytes is longer than the limit of %d", n, a.limits.maxMessage())
		}
		size := fragmentHeader + int(n)
		if len(data) < size {
			break
		}
		if err := a.fragment(data[:size], yield); err != nil {
			return err
		}
		data = data[size:]
	}
	a.rest = append(a.rest[:0], data...)
	return nil
}

func (a *assembler) fragment(f []byte, yield func([]byte) error) error {
	objectID, id := binary.BigEndian.Uint64(f), binary.BigEndian.Uint64(f[8:])
	start, end := f[16]&flagStart != 0, f[16]&flagEnd != 0
	blob := f[fragmentHeader:]
	p := a.partial[objectID]
	switch {
	case start != (id == 0):
		return protocolErrorf("fragment %d of object %d has the flags %#x", id, objectID, f[16])
	case start && !a.begun.add(objectID): // a number is of one message (2.2.4)
		return protocolErrorf("object %d starts twice", objectID)
	case start && end:
		return yield(blob)
	case start:
		if len(a.partial) >= a.limits.maxPartial() {
			return protocolErrorf("more than %d messages are under way at once", a.limits.maxPartial())
		}
		if a.partial == nil {
			a.partial = map[uint64]*partialMessage{}
		}
		p = &partialMessage{}
		a.partial[objectID] = p
	case p == nil:
		return protocolErrorf("fragment %d of object %d comes without its start", id, objectID)
	case id != p.next:
		return protocolErrorf("fragment %d of object %d comes where %d is due", id, objectID, p.next)
	}
	if a.held += len(blob); a.held > a.limits.maxMessage() {
		return protocolErrorf("object %d is longer than the limit of %d bytes", objectID, a.limits.maxMessage())
	}
	p.data = append(p.data, blob...)
	if p.next++; p.next > maxFragments {
		return protocolErrorf("object %d comes in more than %d fragments", objectID, maxFragments)
	}
	if !end {
		return nil
	}
	delete(a.partial, objectID)
	a.held -= len(p.data)
	return yield(p.data)
}

// pending reports whether something has begun that is not whole.
func (a *assembler) pending() bool { return len(a.rest) > 0 || len(a.partial) > 0 }
