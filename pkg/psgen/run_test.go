package psgen

import (
	"os"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/internal/scriptshell"
)

// engine is shared by all tests: each job has a runspace of its own.
var engine peers.Engine

func TestMain(m *testing.M) {
	code := m.Run()
	engine.Close()
	os.Exit(code)
}

// A stage is one simulated organization with a shell that is connected to it.
type stage struct{ *scriptshell.Shell }

func newStage(t *testing.T, s exchangesim.Scenario, o exchangesim.Options, so exchangesim.SessionOptions) *stage {
	t.Helper()
	return &stage{scriptshell.Open(t, &engine, s, o, so)}
}
