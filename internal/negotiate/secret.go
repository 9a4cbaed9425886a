package negotiate

import (
	"fmt"
	"log/slog"
)

const redacted = "[redacted]"

// A Secret is a password. It does not print, log or marshal itself; Reveal is the
// only way to its text. That holds in unexported fields too, of which fmt asks no
// methods: there it finds a pointer.
type Secret struct{ text *string }

// NewSecret wraps a password.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the password.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no password.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

func (Secret) String() string                { return redacted }
func (Secret) GoString() string              { return redacted }
func (Secret) LogValue() slog.Value          { return slog.StringValue(redacted) }
func (Secret) MarshalJSON() ([]byte, error)  { return []byte(`"` + redacted + `"`), nil }
func (Secret) MarshalText() ([]byte, error)  { return []byte(redacted), nil }
func (Secret) Format(f fmt.State, verb rune) { _, _ = f.Write([]byte(redacted)) }
