package ews_test

import (
	"context"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/pkg/ews"
)

func (s *server) left(t *testing.T, address string) int {
	t.Helper()
	account, ok := s.organization.FindAccount(exchangesim.AddressName, address)
	if !ok {
		t.Fatalf("no %s", address)
	}
	return s.Items(account.GUID)
}

// TestWriteLeavesNothing has every request of the write test go wrong in every way:
// the appointment is gone, or Next says that it is there.
func TestWriteLeavesNothing(t *testing.T) {
	for _, kind := range []ewsd.FaultKind{ewsd.Refuse, ewsd.CutBefore, ewsd.CutDuring, ewsd.Truncate, ewsd.Garble, ewsd.Status, ewsd.Empty, ewsd.SOAPFault, ewsd.Response, ewsd.Page} {
		for n := 1; n <= 4; n++ {
			s := start(t, "ews-granted", faults(ewsd.FaultPlan{n: {Kind: kind, Code: "ErrorInternalServerError"}}))
			r := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: anna}).Write(t.Context(), anna)
			if left := s.left(t, anna); left > 0 && !strings.Contains(r.Next, "by hand") {
				t.Errorf("%s at request %d: %d appointments are left, and it says %q", kind, n, left, r.Next)
			}
			if r.Verdict == ews.Passed || r.Saw == "" || r.Means == "" || r.Fault == nil {
				// A lost reply to the deletion is made up for by looking again, and that to
				// a question by asking again.
				if !(n > 1 && r.Verdict == ews.Passed && s.left(t, anna) == 0) {
					t.Errorf("%s at request %d: %+v", kind, n, r)
				}
			}
		}
	}
}

// TestWriteCreatedAllTheSame finds and removes an appointment whose creation was
// never answered.
func TestWriteCreatedAllTheSame(t *testing.T) {
	s := start(t, "ews-granted", faults(ewsd.FaultPlan{1: {Kind: ewsd.CutBefore}}))
	r := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: anna}).Write(t.Context(), anna)
	if s.left(t, anna) != 0 || !strings.Contains(r.Next, "is removed") || r.Verdict == ews.Passed {
		t.Errorf("%d left; %+v", s.left(t, anna), r)
	}
}

// TestWriteCancelled removes the appointment after the caller has given up.
func TestWriteCancelled(t *testing.T) {
	s := start(t, "ews-granted")
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	client := s.as(t, service, func(c *ews.Config) {
		c.Trace = func(string) {
			if n++; n == 1 {
				cancel()
			}
		}
	})
	r := ews.NewProber(ews.ProberConfig{Client: client, Account: anna}).Write(ctx, anna)
	if s.left(t, anna) != 0 || !r.IsCancel() || r.Verdict != ews.Unknown {
		t.Errorf("%d left; %+v", s.left(t, anna), r)
	}
}

// TestWriteRefused tells a mailbox that takes no more from one out of scope.
func TestWriteRefused(t *testing.T) {
	s := start(t, "ews-granted", faults(ewsd.FaultPlan{1: {Kind: ewsd.Response, Code: "ErrorQuotaExceeded"}}))
	p := ews.NewProber(ews.ProberConfig{Client: s.as(t, service), Account: anna})
	if r := p.Write(t.Context(), anna); r.Verdict != ews.Failed || r.Access != "" || !strings.Contains(r.Next, "quota") {
		t.Errorf("%+v", r)
	}
	if r := p.Write(t.Context(), boss); r.Verdict != ews.Failed || r.Access != ews.Refused {
		t.Errorf("%+v", r)
	}
}
