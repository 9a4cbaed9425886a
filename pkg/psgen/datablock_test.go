package psgen

import (
	"bytes"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// The block is what the hash of the body leaves out, and all that was asked for.
func TestDataBlock(t *testing.T) {
	g := exchange.Grant{Assignee: exchange.NewUser("who\u00e9"), Scope: exchange.Scope{Kind: exchange.Group, Text: "which"}, InScope: []string{"whom"}}
	var b bytes.Buffer
	if err := Grant(&b, g); err != nil {
		t.Fatal(err)
	}
	script := b.Bytes()
	begin, end := DataBlock(script)
	block, rest := string(script[begin:end]), string(script[:begin])+string(script[end:])
	if !strings.HasPrefix(block, dataHead+"\r\n") || !strings.HasSuffix(block, "\r\n") || strings.Contains(block, "\r\n\r\n") {
		t.Errorf("the block is %q", block)
	}
	if !strings.Contains(block, "'who\u00e9'") || !strings.Contains(block, "'which'") || !strings.Contains(block, "'whom'") {
		t.Errorf("not all that was asked for is in %q", block)
	}
	for _, asked := range []string{"who\u00e9", "'which'", "'whom'"} {
		if strings.Contains(rest, asked) {
			t.Errorf("%s stands outside of the block", asked)
		}
	}
	b.Reset()
	if err := Audit(&b); err != nil {
		t.Fatal(err)
	}
	if begin, end := DataBlock(b.Bytes()); begin != 0 || end != 0 {
		t.Errorf("an audit asks for nothing, and has a block from %d to %d", begin, end)
	}
	if got := digest(withoutData([]byte("a\r\n" + dataHead + "\r\n$x = 1\r\n\r\nb\r\n"))); got != digest([]byte("a\r\nb\r\n")) {
		t.Error("the block does not go with the blank line behind it")
	}
}
