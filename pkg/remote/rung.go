package remote

import (
	"time"

	"github.com/exgrant/exgrant/pkg/fault"
	"github.com/exgrant/exgrant/pkg/report"
)

// A Level is a place on the way to a server and into a session there.
type Level int

// The levels, in the order in which they are climbed.
const (
	LevelName         Level = iota // the server's name has an address
	LevelTCP                       // something listens there
	LevelTLS                       // its certificate is trusted, and the server's
	LevelChallenge                 // it asks for a log-on that was asked for here
	LevelKDC                       // a KDC of the user's realm is there
	LevelTicket                    // it knows the user, and takes the secret
	LevelSPN                       // it knows the server's service
	LevelSession                   // the server takes the log-on, and opens a session
	LevelLanguageMode              // what the session may be told
	LevelCmdlets                   // which commands it has
)

var levelNames = [...]string{"name", "tcp", "tls", "challenge", "kdc", "ticket", "spn", "session", "language-mode", "cmdlets"}

// String is the level's name.
func (l Level) String() string { return levelNames[l] }

// Levels returns every level, the lowest first.
func Levels() []Level {
	list := make([]Level, len(levelNames))
	for i := range list {
		list[i] = Level(i)
	}
	return list
}

// A Rung is what was found at a level. The texts are without a full stop.
type Rung struct {
	Level Level
	Tried string
	Saw   string // what there was to see; "" where it was not tried
	Means string // or why it was not tried
	Next  string // what to do; "" when there is nothing
	Took  time.Duration
	Err   error // why it failed; nil for what passed, or was not tried
}

// Skipped reports whether the rung was not tried.
func (r Rung) Skipped() bool { return r.Err == nil && r.Saw == "" }

// Fault is what the rung's error means; nil where it did not fail.
func (r Rung) Fault() *fault.Fault {
	if r.Err == nil {
		return nil
	}
	f := fault.Of(r.Err)
	if r.Level < LevelSession {
		f.Hint, f.Source = r.Next, "" // what was seen here tells more than a code
	}
	return &f
}

// Step is the rung as a step of a report.
func (r Rung) Step() report.Step {
	s := report.Step{ID: report.StepPreflight, DurationMS: r.Took.Milliseconds(), Fault: r.Fault(),
		Rung: &report.Rung{Level: int(r.Level), Name: r.Level.String(), Tried: r.Tried, Saw: r.Saw, Means: r.Means, Do: r.Next}}
	switch {
	case r.Skipped():
		s.Status, s.Text, s.Rung.Verdict = report.StatusSkipped, "Not tried: "+r.Means+".", report.StatusSkipped
	case r.Err == nil:
		s.Status, s.Text, s.Rung.Verdict = report.StatusUnchanged, r.Means+": "+r.Saw+".", "passed"
	default:
		s.Status, s.Text, s.Rung.Verdict = report.StatusFailed, r.Means+": "+r.Saw+".", report.StatusFailed
	}
	return s
}
