package fault_test

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"

	"github.com/exgrant/exgrant/internal/peers"
	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// A transcriptRecord is one line of the shared corpus of real errors.
type transcriptRecord struct {
	ID           string `json:"id"`
	Class        string `json:"class"`
	Text         string `json:"text"`
	Exception    string `json:"exception"`
	FQEID        string `json:"fqeid"`
	CategoryInfo string `json:"category_info"`
}

func readCorpus(t *testing.T) []transcriptRecord {
	t.Helper()
	f, err := os.Open(peers.Shared(t, "corpus", "errors.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []transcriptRecord
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r transcriptRecord
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// costly are the faults that no evidence of another class may be called.
var costly = []string{fault.Dehydrated, fault.AlreadyCustomized, fault.AlreadyExists, fault.Transient}

func TestClassifyCorpusFields(t *testing.T) {
	records := readCorpus(t)
	right := 0
	for _, r := range records {
		e := fault.Evidence{
			Record: exchange.ErrorRecord{FullyQualifiedErrorID: r.FQEID, ExceptionType: r.Exception, Message: r.Text},
		}
		got, _ := fault.Classify(e)
		if got.ID == r.Class {
			right++
			continue
		}
		t.Logf("%s: %s by %s", r.ID, got.ID, got.Rule)
		for _, id := range costly {
			if got.ID == id {
				t.Errorf("%s: wrongly called %s by %s", r.ID, got.ID, got.Rule)
			}
		}
	}
	t.Logf("%d of %d right", right, len(records))
	if right*100 < len(records)*97 {
		t.Errorf("%d of %d records right, want 97 %%", right, len(records))
	}
}
