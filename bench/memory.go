package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"text/tabwriter"

	"github.com/exgrant/exgrant/internal/exchangesim"
	"github.com/exgrant/exgrant/internal/exchangesim/psrpd"
)

// The organization whose audit is measured.
const (
	auditRecipients  = 100_000
	auditAssignments = 20_000
	auditLimit       = 64 << 20 // bytes that the audit may take
)

// memoryTable measures the most memory that an audit takes, in every format.
func memoryTable(ctx context.Context, w io.Writer, program string) error {
	scenario, err := exchangesim.ScenarioByName("plain")
	if err != nil {
		return err
	}
	organization := exchangesim.New(scenario, exchangesim.Options{})
	organization.Populate(auditRecipients, auditAssignments)
	endpoint := psrpd.New(psrpd.Config{Organization: organization, Password: benchPassword})
	server := httptest.NewServer(http.Handler(endpoint))
	defer func() { endpoint.Close(); server.Close() }()

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "\nwhat\tprogram\tprinted\tpeak memory\tlimit\n")
	for _, format := range []string{"text", "json", "yaml"} {
		printed, peak, err := launched(ctx, []string{"EXGRANT_SERVER=" + server.URL + "/PowerShell/", "EXGRANT_AUTH=basic",
			"EXGRANT_LOGON=administrator", "EXGRANT_PASSWORD=" + benchPassword}, program, "audit", "--format", format)
		if err != nil {
			return fmt.Errorf("audit --format %s: %w", format, err)
		}
		fmt.Fprintf(t, "audit of %d assignments, %d recipients\texgrant audit --format %s\t%.1f MiB\t%s\t<= %d MiB\n",
			auditAssignments, auditRecipients, format, float64(printed)/(1<<20), peak, auditLimit>>20)
	}
	return t.Flush()
}

// modeLaunch is a measurement's part that runs another program and tells its peak
// memory, in the file that peakVariable names. Linux counts for a new process also
// what the one had that started it, which must be little therefore.
const (
	modeLaunch   = "launch"
	peakVariable = "EXGRANT_BENCH_PEAK"
)

// launched runs a program and returns how much it printed, and its peak memory in
// words.
func launched(ctx context.Context, env []string, args ...string) (counter, string, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, "", err
	}
	file, err := os.CreateTemp("", "exgrant-bench-")
	if err != nil {
		return 0, "", err
	}
	defer os.Remove(file.Name())
	if err := file.Close(); err != nil {
		return 0, "", err
	}
	var printed counter
	command := exec.CommandContext(ctx, self, args...)
	command.Env = append(append(os.Environ(), env...), modeVariable+"="+modeLaunch, peakVariable+"="+file.Name())
	command.Stdout, command.Stderr = &printed, os.Stderr
	if err := command.Run(); err != nil {
		return 0, "", err
	}
	if printed == 0 {
		return 0, "", errors.New("it printed nothing")
	}
	peak, err := os.ReadFile(file.Name())
	return printed, string(peak), err
}

// launch is the side of launched that starts the program.
func launch(args []string) error {
	command := exec.Command(args[0], args[1:]...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	if err := command.Run(); err != nil {
		return err
	}
	peak := "not known here"
	if bytes, ok := peakMemory(command.ProcessState); ok {
		peak = fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
	}
	return os.WriteFile(os.Getenv(peakVariable), []byte(peak), 0o600)
}

// A counter counts what is written to it.
type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}
