package transcript

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
	"github.com/exgrant/exgrant/pkg/fault"
)

// A corpusRecord is one line of the shared corpus of real errors.
type corpusRecord struct {
	ID           string `json:"id"`
	Class        string `json:"class"`
	Lang         string `json:"lang"`
	Text         string `json:"text"`
	Exception    string `json:"exception"`
	FQEID        string `json:"fqeid"`
	CategoryInfo string `json:"category_info"`
}

func readCorpus(t testing.TB) []corpusRecord {
	t.Helper()
	var out []corpusRecord
	for _, name := range []string{"errors.jsonl", "errors-2.jsonl"} {
		data, err := os.ReadFile(peers.Shared(t, "corpus", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(data)) {
			var r corpusRecord
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			out = append(out, r)
		}
	}
	return out
}

// pasted is the record as a person copies it from a console.
func (r corpusRecord) pasted() string {
	s := r.Text
	if strings.Contains(s, "CategoryInfo") || strings.Contains(s, "FullyQualifiedErrorId") {
		return s
	}
	if r.CategoryInfo != "" {
		s += "\n    + CategoryInfo          : " + r.CategoryInfo
	}
	if r.FQEID != "" {
		s += "\n    + FullyQualifiedErrorId : " + r.FQEID
	}
	return s
}

// fields is the record as a program has it.
func (r corpusRecord) fields() fault.Evidence {
	var e fault.Evidence
	e.Record.FullyQualifiedErrorID = r.FQEID
	e.Record.ExceptionType = r.Exception
	e.Record.Message = r.Text
	addCategoryLine(&e.Record, r.CategoryInfo)
	return e
}

// costly are the faults that no evidence of another class may be called.
var costly = []string{fault.Dehydrated, fault.AlreadyCustomized, fault.AlreadyExists, fault.Transient}

func TestCorpus(t *testing.T) {
	records := readCorpus(t)
	for _, way := range []struct {
		name     string
		evidence func(corpusRecord) fault.Evidence
	}{
		{"text alone", func(r corpusRecord) fault.Evidence { return mustParse(t, r.Text) }},
		{"pasted", func(r corpusRecord) fault.Evidence { return mustParse(t, r.pasted()) }},
		{"fields", corpusRecord.fields},
	} {
		t.Run(way.name, func(t *testing.T) {
			seen, right := map[string]int{}, map[string]int{}
			total := 0
			for _, r := range records {
				f, _ := fault.Classify(way.evidence(r))
				seen[r.Class]++
				if f.ID == r.Class {
					right[r.Class]++
					total++
					continue
				}
				t.Logf("%-22s %s by %s", r.ID, f.ID, f.Rule)
				if slices.Contains(costly, f.ID) {
					t.Errorf("%s: wrongly called %s by %s", r.ID, f.ID, f.Rule)
				}
			}
			for _, class := range fault.IDs() {
				if seen[class] > 0 {
					t.Logf("%-26s %3d of %3d", class, right[class], seen[class])
				}
			}
			t.Logf("%-26s %3d of %3d", "together", total, len(records))
			if total*100 < len(records)*97 {
				t.Errorf("%d of %d records right, want 97 %%", total, len(records))
			}
		})
	}
}

func mustExplain(t testing.TB, text string) []Answer {
	t.Helper()
	answers, err := explain([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

// mustParse is the evidence of the first answer.
func mustParse(t testing.TB, text string) fault.Evidence {
	t.Helper()
	return mustExplain(t, text)[0].Evidence
}
