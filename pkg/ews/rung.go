package ews

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/internal/httptext"
	"github.com/exgrant/exgrant/pkg/fault"
)

// A Level is a place on the ladder of a diagnosis. Each can be tried by itself.
type Level int

// The levels of the ladder. LevelRBAC is asked of an Exchange session, not here.
const (
	LevelEndpoint     Level = 0  // name, connection, certificate, ways to log on
	LevelAutodiscover Level = 1  // where EWS is
	LevelLogOn        Level = 2  // the account, acting for nobody
	LevelRBAC         Level = 3  // what the role assignments say
	LevelRead         Level = 4  // the calendar of a mailbox in scope
	LevelUse          Level = 5  // what a scheduling product does with it
	LevelRefused      Level = 6  // a mailbox out of scope
	LevelWrite        Level = 7  // create and delete an appointment
	LevelForms        Level = 8  // the ways to name a mailbox
	LevelCoverage     Level = 9  // one mailbox for each database, server, site
	LevelLoad         Level = 10 // several at once
)

var levelNames = []string{"endpoint", "autodiscover", "log-on", "rbac", "read", "use", "refused", "write", "forms", "coverage", "load"}

// String is the level's name, in one word.
func (l Level) String() string {
	if l < 0 || int(l) >= len(levelNames) {
		return fmt.Sprintf("level %d", int(l))
	}
	return levelNames[l]
}

// A Verdict is how a rung came out.
type Verdict string

// The verdicts. Unknown is a rung that was tried and shows neither: it was cut short,
// the server asks to come back later, or it refuses what should be refused for another
// reason.
const (
	Passed   Verdict = "passed"
	Failed   Verdict = "failed"
	Unknown  Verdict = "unknown"
	Security Verdict = "security" // a mailbox that must be out of reach was reached
)

// What a mailbox allows, as far as a rung shows it.
const (
	Allowed = "allowed"
	Refused = "refused"
)

// A Rung is one step of a diagnosis: what was tried, what was seen, what it means and
// what to do. The texts are whole sentences without a full stop, fit to be shown.
type Rung struct {
	Level   Level
	Mailbox string // that it is about; "" for the server or the account
	Form    Form   // of naming the mailbox; "" when nobody was acted for
	Verdict Verdict
	// Access is Allowed or Refused where the rung shows that impersonation of the
	// mailbox is one of them, else "".
	Access string

	Tried string
	Saw   string
	Means string
	Next  string // "" when nothing is to be done

	Answer Answer       // of the last call
	Fault  *fault.Fault // nil unless something went wrong
	Err    error        // behind Fault
}

// IsCancel reports whether the rung was cut short by the caller's context.
func (r Rung) IsCancel() bool {
	return errors.Is(r.Err, context.Canceled) || errors.Is(r.Err, context.DeadlineExceeded)
}

// saw describes an answer: code, HTTP status, build, servers.
func (a Answer) saw() string {
	var parts []string
	switch {
	case a.Code != "":
		parts = append(parts, a.Code)
	case a.Status != 0:
		parts = append(parts, fmt.Sprintf("HTTP %d", a.Status))
	default:
		return "no answer"
	}
	if !a.Build.IsZero() {
		parts = append(parts, "from "+a.Build.Named())
	}
	if a.BackEnd != "" && !strings.EqualFold(a.BackEnd, a.FrontEnd) {
		parts = append(parts, "on "+a.BackEnd)
	}
	if a.Waited > 0 {
		parts = append(parts, fmt.Sprintf("after waiting %v as the server asked", a.Waited))
	}
	return strings.Join(parts, " ")
}

// pass makes a rung one that came out as it should.
func (r Rung) pass(saw, means string) Rung {
	r.Verdict, r.Saw, r.Means = Passed, saw, means
	return r
}

// fail makes a rung one that did not, for the reason of an error.
func (r Rung) fail(err error) Rung {
	f := fault.Of(err)
	r.Err, r.Fault = err, &f
	r.Verdict, r.Means, r.Next = Failed, sentence(fault.Meaning(f.ID)), strings.TrimSuffix(f.Hint, ".")
	var failed *Error
	switch {
	case r.IsCancel():
		r.Verdict, r.Saw, r.Means, r.Next, r.Fault = Unknown, "the answer was not waited for", "It was stopped before it could show anything", "", nil
		return r
	case errors.As(err, &failed):
		r.Answer = failed.Answer
		r.Saw = seen(failed)
		if hint := failed.Hint(); hint != "" {
			r.Next = sentence(hint)
		}
	default:
		r.Saw = err.Error()
	}
	if f.Retry == fault.RetryBackoff {
		r.Verdict = Unknown
	}
	if f.ID == fault.EWSImpersonationDenied {
		r.Access = Refused
	}
	return r
}

// seen is what an error shows, in the server's words where it has some.
func seen(e *Error) string {
	var response *ResponseError
	if errors.As(e.Err, &response) {
		text := e.Answer.saw()
		if response.Message != "" {
			text += ": " + httptext.Line(strings.TrimRight(response.Message, ".。"), 300)
		}
		if response.BackOff > 0 {
			text += fmt.Sprintf("; it asks to be left alone for %v", response.BackOff)
		}
		return text
	}
	return e.Err.Error()
}

// sentence begins a text with a capital letter.
func sentence(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
