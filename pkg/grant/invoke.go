package grant

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/exgrant/exgrant/pkg/exchange"
	"github.com/exgrant/exgrant/pkg/fault"
)

// An exchangeError is an error that Exchange reported, with its meaning.
type exchangeError struct{ fault fault.Fault }

func (e *exchangeError) Error() string { return e.fault.Message }

// faultOf is the meaning of an error: Exchange's own, or that of the connection.
func faultOf(err error) fault.Fault {
	var reported *exchangeError
	if errors.As(err, &reported) {
		return reported.fault
	}
	return fault.Of(err)
}

// reports tells whether err is an error of Exchange with the given meaning.
func reports(err error, id string) bool {
	var reported *exchangeError
	return errors.As(err, &reported) && reported.fault.ID == id
}

// once runs one command and hands each object to yield. The first error that
// Exchange reports ends it, as -ErrorAction Stop does.
func (r *run) once(ctx context.Context, c exchange.Command, yield func(exchange.Object) error) error {
	streams, err := r.inv.Invoke(ctx, exchange.Pipeline{c}, yield)
	switch {
	case err != nil:
		return err
	case len(streams.Errors) > 0:
		f, _ := fault.Classify(fault.Evidence{Record: streams.Errors[0]})
		return &exchangeError{f}
	case streams.Failed:
		return fmt.Errorf("%s failed and reported no error", c.Cmdlet)
	}
	return nil
}

// maxHeld is how many bytes of output of one command are held.
const maxHeld = 64 << 20

// listOnce runs one command and returns its objects, none when there was an error.
func (r *run) listOnce(ctx context.Context, c exchange.Command) ([]exchange.Object, error) {
	var objects []exchange.Object
	held := 0
	err := r.once(ctx, c, func(o exchange.Object) error {
		if held += o.Size(); held > maxHeld {
			return fmt.Errorf("%s gave more than %d MiB of output: it was stopped", c.Cmdlet, maxHeld>>20)
		}
		objects = append(objects, o)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return objects, nil
}

// listLoosely is list for what only enriches the report: Exchange's errors are as
// good as no answer. Errors of the connection are errors still.
func (r *run) listLoosely(ctx context.Context, c exchange.Command) ([]exchange.Object, error) {
	objects, err := r.list(ctx, c)
	var reported *exchangeError
	if errors.As(err, &reported) {
		return nil, nil
	}
	return objects, err
}

// one runs a change, once, and returns the first object that it gave, if it gave one.
func (r *run) one(ctx context.Context, c exchange.Command) (exchange.Object, error) {
	var first exchange.Object
	seen := false
	err := r.once(ctx, c, func(o exchange.Object) error {
		if !seen {
			first, seen = o, true
		}
		return nil
	})
	if err != nil {
		return exchange.Object{}, err
	}
	return first, nil
}

// byGUID reads one object by its GUID, and tells whether it is there. Servers may
// answer an unknown identity with everything: the GUID is compared.
func (r *run) byGUID(ctx context.Context, c exchange.Command, guid string) (exchange.Object, bool, error) {
	objects, err := r.list(ctx, c)
	if reports(err, fault.PrincipalNotFound) {
		return exchange.Object{}, false, nil
	}
	for _, o := range objects {
		if strings.EqualFold(o.Text("Guid"), guid) {
			return o, true, nil
		}
	}
	return exchange.Object{}, false, err
}

// from sends a command to a domain controller; an empty one leaves the choice to
// the server.
func from(c exchange.Command, domainController string) exchange.Command {
	if domainController == "" {
		return c
	}
	return c.With("DomainController", exchange.String(domainController))
}

// has tells whether the session has a command.
func (r *run) has(cmdlet string) bool {
	_, ok := r.commands[strings.ToLower(cmdlet)]
	return ok
}
