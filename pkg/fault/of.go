package fault

import (
	"errors"

	"github.com/exgrant/exgrant/pkg/exchange"
)

// Of returns the meaning of a Go error: of the evidence that it, or an error that
// it wraps, carries (a method Evidence() Evidence), else of its text. The fault's
// message is the error's own, and its hint too where the error knows better (a
// method Hint() string).
func Of(err error) Fault {
	var witness interface{ Evidence() Evidence }
	evidence := Evidence{Record: exchange.ErrorRecord{Message: err.Error()}}
	if errors.As(err, &witness) {
		evidence = witness.Evidence()
	}
	f, _ := Classify(evidence)
	f.Message = err.Error()
	var adviser interface{ Hint() string }
	if errors.As(err, &adviser) && adviser.Hint() != "" {
		f.Hint = adviser.Hint()
	}
	return f
}
