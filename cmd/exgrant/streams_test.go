package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestInterruptibleReadsOn(t *testing.T) {
	got, err := io.ReadAll(interruptible{t.Context(), strings.NewReader("all of it")})
	if err != nil || string(got) != "all of it" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestInterruptibleEndsWhileNobodyTypes(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	defer w.Close() // ends the read that is left behind
	done := make(chan error, 1)
	go func() {
		_, err := interruptible{ctx, r}.Read(make([]byte, 1))
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
