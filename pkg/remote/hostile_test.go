package remote

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/wsman"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// Objects that hold themselves, or that are much more than they seem.
var hostileObjects = map[string]string{
	"a list in itself":                     `<Obj RefId="9"><Props><Obj N="Members" RefId="0"><LST><Ref RefId="0"/></LST></Obj></Props></Obj>`,
	"a key in its dictionary":              `<Obj RefId="9"><Props><Obj N="Members" RefId="0"><DCT><En><Ref N="Key" RefId="0"/><S N="Value">x</S></En></DCT></Obj></Props></Obj>`,
	"two that wrap each other":             `<Obj RefId="0"><Obj RefId="1"><Ref RefId="0"/></Obj></Obj>`,
	"a property's value that wraps itself": `<Obj RefId="9"><Props><Obj N="Members" RefId="0"><Ref RefId="0"/></Obj></Props></Obj>`,
	"references to references":             doubled(40),
	"a long text many times":               `<Obj RefId="9"><Props><Obj N="A" RefId="0"><ToString>` + strings.Repeat("x", 10_000) + `</ToString></Obj>` + strings.Repeat(`<Obj N="B" RefId="1"><LST><Ref RefId="0"/></LST></Obj>`, 1) + manyRefs(2000) + `</Props></Obj>`,
	"a chain of references":                chain(10_000),
}

// doubled is a list of two references to a list of two references, and so on.
func doubled(n int) string {
	var b strings.Builder
	b.WriteString(`<Obj RefId="x"><Props><Obj N="L0" RefId="0"><LST><S>0123456789</S></LST></Obj>`)
	for i := range n {
		fmt.Fprintf(&b, `<Obj N="L%d" RefId="%d"><LST><Ref RefId="%d"/><Ref RefId="%d"/></LST></Obj>`, i+1, i+1, i, i)
	}
	b.WriteString(`</Props></Obj>`)
	return b.String()
}

func manyRefs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `<Ref N="C%d" RefId="0"/>`, i)
	}
	return b.String()
}

// chain is lists of which each holds a reference to the next one.
func chain(n int) string {
	var b strings.Builder
	b.WriteString(`<Obj RefId="x"><Props>`)
	for i := range n {
		fmt.Fprintf(&b, `<Obj N="L%d" RefId="%d"><LST><Ref RefId="%d"/></LST></Obj>`, i, i, i+1)
	}
	fmt.Fprintf(&b, `<Obj N="last" RefId="%d"/></Props></Obj>`, n)
	return b.String()
}

func TestHostileObjects(t *testing.T) {
	for name, text := range hostileObjects {
		values, err := clixml.Decode([]byte(text), clixml.Limits{})
		if err == nil {
			_, err = toObject(values[0])
		}
		if !isExcess(err) || isLost(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What a server's reply costs: an object of n bytes gives values of the same order.
func FuzzObject(f *testing.F) {
	f.Add([]byte(sampleObject))
	f.Add([]byte(`<Obj RefId="0"><TN RefId="0"><T>X</T></TN><ToString>x</ToString><Props><S N="Name">a</S><Obj N="Roles" RefId="1"><LST><S>r</S><S>q</S></LST></Obj><Ref N="Again" RefId="1"/></Props></Obj>`))
	f.Add([]byte(`<Obj RefId="0"><MS><Obj N="Exception" RefId="1"><Props><S N="Message">m</S></Props></Obj><S N="FullyQualifiedErrorId">f</S></MS></Obj>`))
	f.Add([]byte(`<Obj RefId="0"><DCT><En><S N="Key">k</S><I32 N="Value">1</I32></En></DCT></Obj>`))
	for _, text := range hostileObjects {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		values, err := clixml.Decode(data, clixml.Limits{})
		if err != nil {
			return
		}
		for _, v := range values {
			o, err := toObject(v)
			if err != nil && !isExcess(err) {
				t.Errorf("%v", err)
			}
			size := 0
			for _, p := range o.Properties {
				if texts, ok := p.Value.([]string); ok {
					for _, s := range texts {
						size += len(s)
					}
				}
				size += len(fmt.Sprint(p.Value))
			}
			if size > 64*len(data)+1024 {
				t.Errorf("%d bytes gave %d", len(data), size)
			}
			if r, ok := psrp.ReadErrorRecord(v); ok {
				if record := toErrorRecord(r); len(record.Message) > len(data) {
					t.Errorf("%d bytes gave a message of %d", len(data), len(record.Message))
				}
			}
		}
	})
}

// A forger stands before a simulated server. From the first command on it answers
// each Receive by messages of its own, of which make gives the n-th reply's; nil is a
// reply with nothing in it.
type forger struct {
	server  http.Handler
	make    func(n int) []forged
	ends    bool // each reply says that its command is done
	mu      sync.Mutex
	n       int
	deleted bool
}

type forged struct {
	kind psrp.MessageType
	data string
}

func (f *forger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	request, err := wsman.ParseRequest(body)
	if err != nil || request.Receive == nil || request.Receive.CommandID == "" {
		f.mu.Lock()
		f.deleted = f.deleted || err == nil && request.Action == wsman.ActionDelete
		f.mu.Unlock()
		f.server.ServeHTTP(w, r)
		return
	}
	f.mu.Lock()
	n := f.n
	f.n++
	f.mu.Unlock()
	id := request.Receive.CommandID
	reply := wsman.Reply{Action: wsman.ActionReceive, MessageID: "uuid:1", RelatesTo: request.MessageID,
		Received: &wsman.Received{CommandID: id, State: wsman.StateRunning}}
	if f.ends {
		reply.Received.State = wsman.StateDone
	}
	if messages := f.make(n); messages != nil {
		reply.Received.Streams = []wsman.Stream{{Name: "stdout", CommandID: id, Data: fragments(n, request.ShellID(), id, messages)}}
	}
	envelope, err := reply.Append(nil)
	if err != nil {
		panic(err)
	}
	w.Header().Set("Content-Type", wsman.ContentType)
	_, _ = w.Write(envelope)
}

// fragments is messages as a server sends them, each whole in one fragment (MS-PSRP
// 2.2.1, 2.2.4).
func fragments(reply int, pool, pipeline string, messages []forged) []byte {
	var out []byte
	for i, m := range messages {
		out = binary.BigEndian.AppendUint64(out, uint64(10_000+reply*100_000+i))
		out = binary.BigEndian.AppendUint64(out, 0)
		out = append(out, 3) // start and end
		out = binary.BigEndian.AppendUint32(out, uint32(40+len(m.data)))
		out = binary.LittleEndian.AppendUint32(out, 1)
		out = binary.LittleEndian.AppendUint32(out, uint32(m.kind))
		for _, id := range []string{pool, pipeline} {
			g, _ := psrp.ParseGUID(id)
			out = append(out, g[3], g[2], g[1], g[0], g[5], g[4], g[7], g[6])
			out = append(out, g[8:]...)
		}
		out = append(out, m.data...)
	}
	return out
}

func many(n int, m forged) func(int) []forged {
	return func(int) []forged { return slices.Repeat([]forged{m}, n) }
}

// A server that never ends, whatever it says: little of it is kept, the command is
// ended, and whether something was changed is told as unknown.
func TestEndlessAnswers(t *testing.T) {
	noneLeft(t)
	const limit = 32 << 20
	record := `<Obj RefId="0"><ToString>boom</ToString><MS><S N="FullyQualifiedErrorId">X</S></MS></Obj>`
	text := `<Obj RefId="0"><MS><S N="InformationalRecord_Message">` + strings.Repeat("w", 200) + `</S></MS></Obj>`
	for name, answer := range map[string]func(int) []forged{
		"objects":       many(2000, forged{psrp.PipelineOutput, `<S>x</S>`}),
		"errors":        many(500, forged{psrp.ErrorRecordMessage, record}),
		"warnings":      many(500, forged{psrp.WarningRecord, text}),
		"verbose":       many(500, forged{psrp.VerboseRecord, text}),
		"progress":      many(1000, forged{psrp.ProgressRecord, text}),
		"states":        many(10, forged{psrp.PipelineState, `<Obj RefId="0"><MS><I32 N="PipelineState">1</I32></MS></Obj>`}),
		"a hostile one": many(1, forged{psrp.PipelineOutput, hostileObjects["a list in itself"]}),
	} {
		t.Run(name, func(t *testing.T) {
			server := simulate(t, "plain", psrpd.Config{})
			f := &forger{server: server, make: answer}
			served := httptest.NewServer(f)
			defer served.Close()
			s, err := New(Target{Server: served.URL, Timeout: 5 * time.Second}, simCredential())
			if err != nil {
				t.Fatal(err)
			}
			base := live()
			streams, err := s.Invoke(t.Context(), exchange.Pipeline{commands.NewScope("S", "City -eq 'Berlin'", "")}, ignoreObject)
			var lost *exchange.LostReplyError
			if !errors.As(err, &lost) {
				t.Errorf("it ends with %v", err)
			}
			if len(streams.Errors) > maxKept || len(streams.Warnings) > maxKept {
				t.Errorf("%d errors and %d warnings are kept", len(streams.Errors), len(streams.Warnings))
			}
			if after := live(); after > base+limit {
				t.Errorf("%d bytes are held", after-base)
			}
			if err := s.Close(t.Context()); err != nil || !f.deleted {
				t.Errorf("closing: %v; the shell is deleted: %t", err, f.deleted)
			}
		})
	}
}

// Errors and warnings beyond a thousand are counted.
func TestManyWarnings(t *testing.T) {
	messages := slices.Repeat([]forged{{psrp.WarningRecord, `<Obj RefId="0"><MS><S N="InformationalRecord_Message">w</S></MS></Obj>`}}, maxKept+234)
	messages = append(messages, forged{psrp.PipelineState, `<Obj RefId="0"><MS><I32 N="PipelineState">4</I32></MS></Obj>`})
	served := httptest.NewServer(&forger{server: simulate(t, "plain", psrpd.Config{}), make: func(int) []forged { return messages }, ends: true})
	defer served.Close()
	s, err := New(Target{Server: served.URL, Timeout: 5 * time.Second}, simCredential())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(t.Context())
	streams, err := s.Invoke(t.Context(), exchange.Pipeline{commands.GetUser("anna")}, ignoreObject)
	if err != nil || len(streams.Warnings) != maxKept+1 || !strings.HasPrefix(streams.Warnings[maxKept], "234 more ") {
		t.Errorf("%d warnings, the last %q, %v", len(streams.Warnings), streams.Warnings[len(streams.Warnings)-1], err)
	}
}

// A PowerShell that writes for ever, and no answer, is not read for ever.
func TestEndlessNoise(t *testing.T) {
	for _, noise := range []string{"", "\n", "no answer\r\n"} {
		r := answerReader{nonce: "NONCE"}
		piece := []byte(strings.Repeat("x", 1<<20) + noise)
		most := uint64(0)
		base := live()
		for n := 0; r.err == nil && n < 2*maxSilence>>20; n++ {
			_, _ = r.Write(piece)
		}
		most = max(most, live())
		if _, _, err := r.next(); !isExcess(err) || isLost(err) || most > base+2*maxAnswer {
			t.Errorf("%q: %v, %d bytes are held", noise, err, most-base)
		}
	}
}
