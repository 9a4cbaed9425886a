package remote

import (
	"runtime"
	"testing"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// Output of any length goes through a session, and through the server that gives
// it, in little memory.
func TestOutputStreams(t *testing.T) {
	const (
		objects = 7_000   // some 25 MB of CLIXML
		limit   = 8 << 20 // the model notes 200 bytes of each that it will give
	)
	server := simulate(t, "recipients-50000", psrpd.Config{})
	target := server.target()
	target.Timeout = time.Minute
	s, err := Dial(t.Context(), target, simCredential())
	if err != nil {
		t.Fatal(err)
	}
	list := exchange.Command{Cmdlet: "Get-Recipient", Params: []exchange.Param{{Name: "ResultSize", Value: exchange.Int(objects)}}}
	base, most, n := live(), uint64(0), 0
	_, err = s.Invoke(t.Context(), exchange.Pipeline{list}, func(o exchange.Object) error {
		if n++; n%(objects/5) == 0 {
			most = max(most, live())
		}
		return nil
	})
	if err != nil || n != objects {
		t.Errorf("%d objects, want %d: %v", n, objects, err)
	}
	if most > base+limit {
		t.Errorf("they take %d bytes, at most %d are allowed", most-base, limit)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// live is how many bytes the program holds. The first collection lets those live
// that are allocated meanwhile; then the server waits for its client.
func live() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
