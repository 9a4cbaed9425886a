package remote

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/exgrant/exgrant/internal/clixml"
	"github.com/exgrant/exgrant/internal/commands"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// A deafConsole is a PowerShell that loses commands and answers questions.
type deafConsole struct {
	answers *answerReader
	loses   func() bool // the next command
	number  int
	asked   []string
}

func (c *deafConsole) say(kind string, v any) {
	xml, err := clixml.Encode(v)
	if err != nil {
		panic(err)
	}
	c.number++
	fmt.Fprintf(c.answers, "n %d %s %d %s\n", c.number, kind, len(xml), base64.StdEncoding.EncodeToString(xml))
}

func (c *deafConsole) write(_ context.Context, p []byte) error {
	line := strings.TrimSuffix(string(p), "\n")
	question, ok := strings.CutPrefix(line, "?")
	switch {
	case ok:
		c.asked = append(c.asked, question)
		c.say(answerIdle, question)
	case !c.loses():
		c.say(answerEnd, nil)
	}
	return nil
}

func (c *deafConsole) read(context.Context) error {
	time.Sleep(20 * time.Second) // as long as a server waits before it says that there is nothing
	return nil
}

func (c *deafConsole) close(context.Context, time.Duration) error { return nil }

// A command whose end never comes is not waited for for ever: a PowerShell that says, when
// asked, that nothing runs has lost it. An answer to a question about the command before
// says nothing.
func TestLostEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := true
		l := &loop{answers: answerReader{nonce: "n"}}
		c := &deafConsole{answers: &l.answers, loses: func() bool { return lost }}
		l.console = c
		line, err := commandLine(exchange.Pipeline{commands.GetUser("anna")})
		if err != nil {
			t.Fatal(err)
		}
		err = l.command(t.Context(), line, newAttempt(nil, nil))
		if !isLost(err) || !l.unsure || len(c.asked) != 1 {
			t.Errorf("%v after the questions %q", err, c.asked)
		}

		lost = false
		l.running, l.unsure = false, false
		c.say(answerIdle, "1") // a late answer to the first question
		if err := l.command(t.Context(), line, newAttempt(nil, nil)); err != nil {
			t.Errorf("a command after a late answer: %v", err)
		}
	})
}
