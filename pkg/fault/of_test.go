package fault

import (
	"errors"
	"fmt"
	"testing"
)

type refusal struct{}

func (refusal) Error() string      { return "the server refused" }
func (refusal) Evidence() Evidence { return Evidence{HTTPStatus: 401} }

func TestOf(t *testing.T) {
	if f := Of(fmt.Errorf("opening a session: %w", refusal{})); f.ID != ConnectAuth || f.Message != "opening a session: the server refused" {
		t.Errorf("got %s, %q", f.ID, f.Message)
	}
	if f := Of(errors.New("something else")); f.ID != Other || f.Retry == "" {
		t.Errorf("got %s, retry %q", f.ID, f.Retry)
	}
}
