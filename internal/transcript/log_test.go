package transcript

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/pkg/fault"
)

// A logReader makes a log of the given length, an error in each hundredth line.
type logReader struct {
	left, line int
	rest       string
}

func (r *logReader) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.left <= 0 {
			return 0, io.EOF
		}
		r.line++
		switch {
		case r.line%100 == 0:
			r.rest = fmt.Sprintf("2026-11-28 10:%02d:%02d,123 [%d] ERROR Vendor.Job - user%d@contoso.test: ErrorImpersonateUserDenied The account does not have permission to impersonate the requested user.\n", r.line%60, r.line%59, r.line%16, r.line)
		default:
			r.rest = fmt.Sprintf("2026-11-28 10:%02d:%02d,123 [%d] INFO  Vendor.Sync - item %d of user%d@contoso.test done\n", r.line%60, r.line%59, r.line%16, r.line, r.line)
		}
		r.left -= len(r.rest)
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// TestLongLog reads 20 MB and holds that they are not kept.
func TestLongLog(t *testing.T) {
	var x Reader
	if err := x.Add("job.log", &logReader{left: 20_000_000}); err != nil {
		t.Fatal(err)
	}
	answers, more, err := x.Answers()
	if err != nil || more != 0 || x.Skipped() != 0 || len(answers) != 1 || answers[0].Fault.ID != fault.EWSImpersonationDenied || answers[0].Count < 1000 {
		t.Fatalf("%d answers, %d more, %d skipped, %v: %+v", len(answers), more, x.Skipped(), err, answers)
	}
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	if m.HeapAlloc > 24<<20 {
		t.Errorf("%d MiB are in use after a log of 20 MB", m.HeapAlloc>>20)
	}
	runtime.KeepAlive(&x)
}

// TestManyForms: a log whose every line is another one is not looked at to its end,
// and says so.
func TestManyForms(t *testing.T) {
	var b strings.Builder
	for i := range 30_000 {
		fmt.Fprintf(&b, "2026-11-28 10:00:00 ERROR failed %s\n", strings.Repeat("ab", i%60)+strings.Repeat("c", i/60%1000))
	}
	var x Reader
	if err := x.Add("job.log", strings.NewReader(b.String())); err != nil {
		t.Fatal(err)
	}
	answers, _, err := x.Answers()
	if err != nil || len(answers) != 1 || answers[0].Fault.ID != fault.Other || x.Skipped() == 0 {
		t.Errorf("%d answers, %d skipped, %v", len(answers), x.Skipped(), err)
	}
}
