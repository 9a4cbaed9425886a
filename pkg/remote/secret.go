package remote

import "github.com/exgrant/exgrant/internal/negotiate"

// A Secret is a password. It does not print, log or marshal itself; Reveal is the
// only way to its text.
type Secret = negotiate.Secret

// NewSecret wraps a password.
func NewSecret(text string) Secret { return negotiate.NewSecret(text) }
