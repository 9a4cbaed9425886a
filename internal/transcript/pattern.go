package transcript

import (
	"regexp"
	"sync"
)

// pattern is an expression that is compiled when it is first needed: most runs of
// the program have nothing to take apart.
func pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}
