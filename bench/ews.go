package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/ewsd"
	"github.com/exgrant/exgrant/pkg/ews"
	"github.com/exgrant/exgrant/pkg/exchange"
)

// proofPython is what exchangelib does.
//
//go:embed ews.py
var proofPython string

const (
	proofAccount   = `CONTOSO\svc-reschedule`
	proofMailboxes = 1000
	proofAtOnce    = 16 // below EwsMaxConcurrency
)

// Figures of a proof.
const (
	secondsPerMailbox = 0
	bytesOfProcess    = 1
)

// proofRows prove by Exchange Web Services that many mailboxes can be acted for.
func proofRows() []row {
	what := fmt.Sprintf("%d mailboxes proven over EWS, %d at once", proofMailboxes, proofAtOnce)
	own := func(figure int) side {
		return proofSide("ews.Prober", figure, func(ctx context.Context, url string) (*worker, error) { return startSelf(ctx, modeProof, url) })
	}
	peer := func(figure int) side {
		return proofSide("exchangelib", figure, func(ctx context.Context, url string) (*worker, error) {
			path, err := pythonWith(ctx, "exchangelib")
			if err != nil {
				return nil, err
			}
			return startWorker(ctx, path, "-c", proofPython, url, proofAccount, benchPassword, strconv.Itoa(proofMailboxes), strconv.Itoa(proofAtOnce))
		})
	}
	return []row{
		{what: what, unit: perSecond, ours: own(secondsPerMailbox), peer: peer(secondsPerMailbox), expected: 5, most: 2},
		{what: what + ": memory of the process", unit: kibibytes, ours: own(bytesOfProcess), peer: peer(bytesOfProcess), expected: 2, once: true},
	}
}

// proofSide is a worker beside a server of its own.
func proofSide(name string, figure int, start func(ctx context.Context, url string) (*worker, error)) side {
	return side{name, func(ctx context.Context) (func(context.Context) (float64, error), error) {
		server, err := startServerAs(ctx, modeEWS)
		if err != nil {
			return nil, err
		}
		w, err := start(ctx, server.url)
		if err != nil {
			return nil, err
		}
		return func(context.Context) (float64, error) { return w.work(figure) }, nil
	}}
}

// serveEWS serves until standard input ends the Exchange Web Services of an
// organization in which the account may act for all of 50,000 mailboxes: the less a
// server has to look up, the more of the figure is the client's.
func serveEWS() error {
	scenario, err := exchangesim.ScenarioByName("recipients-50000")
	if err != nil {
		return err
	}
	o := exchangesim.New(scenario, exchangesim.Options{})
	grant := exchange.Command{Cmdlet: "New-ManagementRoleAssignment", Params: []exchange.Param{{Name: "Name", Value: exchange.String("Reschedule")},
		{Name: "User", Value: exchange.String(proofAccount)}, {Name: "Role", Value: exchange.String(exchange.Role)}}}
	streams, err := o.Session(exchangesim.SessionOptions{}).Invoke(context.Background(), exchange.Pipeline{grant}, func(exchange.Object) error { return nil })
	if err != nil || len(streams.Errors) > 0 {
		return fmt.Errorf("%s: %w %v", grant.Cmdlet, err, streams.Errors)
	}
	server := httptest.NewServer(ewsd.New(ewsd.Config{Organization: o, Password: benchPassword,
		WebServices: &exchangesim.WebServices{CacheLife: 15 * time.Minute}}))
	fmt.Println(server.URL)
	_, err = io.Copy(io.Discard, os.Stdin)
	return err // and with the process all connections
}

// prove proves, for each line on standard input, every mailbox, and prints the time
// that each took and the memory of this process.
func prove(ctx context.Context, url string) error {
	logOn, err := ews.NewLogOn(ews.TransportConfig{}, ews.Credential{Method: ews.Basic, Username: proofAccount, Password: ews.NewSecret(benchPassword)})
	if err != nil {
		return err
	}
	client, err := ews.New(ews.Config{URL: url + "/EWS/Exchange.asmx", Transport: logOn})
	if err != nil {
		return err
	}
	prober := ews.NewProber(ews.ProberConfig{Client: client, Account: "svc-reschedule@contoso.test"})
	return eachLine(func() error {
		start := time.Now()
		if err := proveAll(ctx, prober); err != nil {
			return err
		}
		took := time.Since(start)
		resident, err := residentBytes()
		fmt.Println(took.Seconds()/proofMailboxes, resident)
		return err
	})
}

func proveAll(ctx context.Context, prober *ews.Prober) error {
	errs := make([]error, proofMailboxes)
	atOnce := make(chan struct{}, proofAtOnce)
	var wait sync.WaitGroup
	for i := range proofMailboxes {
		atOnce <- struct{}{}
		wait.Go(func() {
			defer func() { <-atOnce }()
			address := fmt.Sprintf("user%05d@contoso.test", 10*(i+1))
			if r := prober.Read(ctx, address); r.Verdict != ews.Passed {
				errs[i] = fmt.Errorf("%s: %s", address, r.Saw)
			}
		})
	}
	wait.Wait()
	return errors.Join(errs...)
}
