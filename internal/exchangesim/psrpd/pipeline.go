package psrpd

import (
	"context"
	"strings"
	"sync"

	"github.com/exgrant/exgrant/internal/psrp"
	"github.com/exgrant/exgrant/internal/wsman"
)

// maxInput is how many objects a client may pipe into a pipeline.
const maxInput = 10_000

// A pipeline is one command of a shell. It has a goroutine from when all of it has
// come until its last output waits for the client.
type pipeline struct {
	id     string
	out    outbox
	ctx    context.Context
	cancel context.CancelFunc
	run    func() // starts the goroutine

	mu      sync.Mutex
	server  *psrp.ServerPipeline
	what    *psrp.PowerShell
	input   []any
	started bool
}

func (sh *shell) newPipeline(id psrp.GUID, name string) (*pipeline, error) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	switch {
	case sh.gone:
		return nil, wsman.NoShell("", sh.id)
	case sh.pipelines[strings.ToUpper(name)] != nil:
		return nil, wsman.NewFault(wsman.CodeCommandExists, "w:AlreadyExists",
			"The Windows Remote Shell received a request with a command identifier that exists already. ")
	case len(sh.pipelines) >= maxPipelines:
		return nil, wsman.NewFault(wsman.CodeQuota, "w:QuotaLimit",
			"The WS-Management service cannot process the request. The maximum number of concurrent operations for this user has been exceeded. ")
	}
	server, err := sh.pool.NewPipeline(id)
	if err != nil {
		return nil, err
	}
	p := &pipeline{id: name, server: server}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	if sh.pipelines == nil {
		sh.pipelines = map[string]*pipeline{}
	}
	sh.pipelines[strings.ToUpper(name)] = p
	return p, nil
}

// receive takes fragments of the pipeline. When it and all its input have come, it
// starts.
func (p *pipeline) receive(data []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	complete := false
	err := p.server.Receive(data, func(r psrp.Request) error {
		switch {
		case r.PowerShell != nil:
			p.what = r.PowerShell
			complete = r.PowerShell.NoInput
		case r.Input != nil && len(p.input) >= maxInput:
			return wsman.NewFault(wsman.CodeQuota, "w:QuotaLimit", "The pipeline has too much input. ")
		case r.Input != nil:
			p.input = append(p.input, r.Input.Value)
		case r.EndOfInput:
			complete = true
		}
		return nil
	})
	if err == nil && complete && !p.started {
		p.started = true
		p.run()
	}
	return err
}

// work runs the pipeline to its end and tells it.
func (p *pipeline) work(sh *shell) {
	defer p.cancel()
	reason, err := (*psrp.ErrorRecord)(nil), sh.enter(p.ctx)
	if err == nil {
		reason, err = p.statements(sh)
		sh.leave()
	}
	state := psrp.Completed
	switch {
	case p.ctx.Err() != nil:
		state, reason = psrp.Stopped, stopped()
	case err != nil:
		state, reason = psrp.Failed, broken(err)
	case reason != nil:
		state = psrp.Failed
	}
	p.mu.Lock()
	last, err := p.server.End(state, reason)
	p.mu.Unlock()
	if err != nil { // the reason cannot be sent: tell the end without it
		p.mu.Lock()
		last, _ = p.server.End(state, nil)
		p.mu.Unlock()
	}
	p.out.last(last...)
}

// enter waits for one of the pool's runspaces.
func (sh *shell) enter(ctx context.Context) error {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for sh.slots >= sh.pool.MaxRunspaces() {
		if sh.freed == nil {
			sh.freed = make(chan struct{})
		}
		freed := sh.freed
		sh.mu.Unlock()
		select {
		case <-freed:
		case <-ctx.Done():
		}
		sh.mu.Lock()
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	sh.slots++
	return nil
}

func (sh *shell) leave() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.slots--
	if sh.freed != nil {
		close(sh.freed)
		sh.freed = nil
	}
}

// statements runs the statements one after the other, until one fails.
func (p *pipeline) statements(sh *shell) (*psrp.ErrorRecord, error) {
	for _, commands := range p.what.Statements {
		reason, err := p.statement(sh, commands)
		if reason != nil || err != nil {
			return reason, err
		}
	}
	return nil, nil
}

// output sends an object. It waits while the client does not fetch what is there.
func (p *pipeline) output(v any) error {
	p.mu.Lock()
	fragments, err := p.server.Output(v)
	p.mu.Unlock()
	if err != nil {
		return err
	}
	return p.out.put(p.ctx, fragments...)
}

// report sends errors and warnings.
func (p *pipeline) report(records []psrp.ErrorRecord, warnings []string) error {
	for _, r := range records {
		p.mu.Lock()
		fragments, err := p.server.Error(r)
		p.mu.Unlock()
		if err == nil {
			err = p.out.put(p.ctx, fragments...)
		}
		if err != nil {
			return err
		}
	}
	for _, text := range warnings {
		p.mu.Lock()
		fragments, err := p.server.Inform(psrp.WarningRecord, text)
		p.mu.Unlock()
		if err == nil {
			err = p.out.put(p.ctx, fragments...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
