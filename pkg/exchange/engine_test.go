package exchange

import (
	"os"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

var engine peers.Engine

func TestMain(m *testing.M) {
	code := m.Run()
	engine.Close()
	os.Exit(code)
}
