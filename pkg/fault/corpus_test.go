package fault_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
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

// record is what a program has of the error.
func (r transcriptRecord) record() exchange.ErrorRecord {
	out := exchange.ErrorRecord{FullyQualifiedErrorID: r.FQEID, ExceptionType: r.Exception, Message: r.Text}
	if m := regexp.MustCompile(`\[([A-Za-z-]*)\].{1,2}([A-Za-z.]+)$`).FindStringSubmatch(r.CategoryInfo); m != nil {
		out.Activity, out.Reason = m[1], m[2]
	}
	return out
}

func readCorpus(t *testing.T) []transcriptRecord {
	t.Helper()
	var out []transcriptRecord
	for _, name := range []string{"errors.jsonl", "errors-2.jsonl"} {
		data, err := os.ReadFile(peers.Shared(t, "corpus", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var r transcriptRecord
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			out = append(out, r)
		}
	}
	return out
}

// costly are the faults that no evidence of another class may be called.
var costly = []string{fault.Dehydrated, fault.AlreadyCustomized, fault.AlreadyExists, fault.Transient}

func TestClassifyCorpusFields(t *testing.T) {
	records := readCorpus(t)[:105]
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
