package negotiate

import (
	"context"
	"time"
)

// A mechanism is the security context of one connection: it logs on, and protects
// messages afterwards. It is used by one goroutine at a time.
type mechanism interface {
	// step takes the server's token, nil at first, and returns the next to send; nil is
	// none.
	step(ctx context.Context, token []byte) ([]byte, error)
	// established reports whether both sides have proved who they are, as far as the
	// mechanism has proofs.
	established() bool
	// final reports whether the token that step has returned may be the last.
	final() bool
	// ends returns when the context ends; zero is never.
	ends() time.Time
	// release frees what the system holds for it.
	release()

	// layout says for a message of n bytes how many bytes of signature go before it,
	// how many of padding behind it, and how many behind it seal uses.
	layout(n int) (header, padding, tail int)
	// seal seals the message of n bytes that begins at b[header], in place. Afterwards
	// b[:header] is the signature, b[header:header+n+padding] the message.
	seal(b []byte, n int) error
	// open opens a token of which the first header bytes are the signature, in place, and
	// returns the message within it. It may use the token's capacity.
	open(token []byte, header int) ([]byte, error)
}

// A copySealer is a mechanism that knows the sizes of signature and padding only
// when it has sealed. It seals the message in place.
type copySealer interface {
	sealCopy(message []byte) (signature, padding []byte, err error)
}
