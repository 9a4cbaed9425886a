package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func sleeper(name string, d time.Duration) side {
	return side{name, func(context.Context) (func(context.Context) error, error) {
		return func(context.Context) error { time.Sleep(d); return nil }, nil
	}}
}

func TestMeasure(t *testing.T) {
	line, err := measure(t.Context(), row{"work", sleeper("us", time.Millisecond), sleeper("them", 20*time.Millisecond), 2}, 3)
	if err != nil {
		t.Fatal(err)
	}
	cells := strings.Split(line, "\t")
	if len(cells) != 7 || cells[0] != "work" || cells[1] != "us" || cells[3] != "them" || !strings.HasSuffix(cells[5], "x") || cells[6] != ">= 2x" {
		t.Errorf("got %q", cells)
	}
}

func TestMeasureWithoutPeer(t *testing.T) {
	absent := side{"them", func(context.Context) (func(context.Context) error, error) { return nil, errors.New("not here") }}
	line, err := measure(t.Context(), row{"work", sleeper("us", 0), absent, 2}, 1)
	if err != nil || !strings.Contains(line, "them\tabsent: not here\t\t>= 2x") {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestMeasureFails(t *testing.T) {
	broken := side{"us", func(context.Context) (func(context.Context) error, error) {
		return func(context.Context) error { return errors.New("broke") }, nil
	}}
	if _, err := measure(t.Context(), row{"work", broken, sleeper("them", 0), 2}, 1); err == nil || err.Error() != "us: broke" {
		t.Errorf("got %v", err)
	}
}

func TestMedian(t *testing.T) {
	if got := median([]time.Duration{9, 1, 5}); got != 5 {
		t.Errorf("got %d, want 5", got)
	}
	if got := median([]time.Duration{4, 1, 9, 7}); got != 7 {
		t.Errorf("got %d, want 7", got)
	}
}
