package fault

import (
	"regexp"
	"sync"
)

// pattern is an expression that is compiled when it is first needed: most programs
// that know the table never have an error to classify.
func pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
