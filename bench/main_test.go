package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func figure(name string, d time.Duration) side {
	return side{name, func(context.Context) (func(context.Context) (float64, error), error) {
		return func(context.Context) (float64, error) { return d.Seconds(), nil }, nil
	}}
}

func TestMeasure(t *testing.T) {
	line, err := measure(t.Context(), row{what: "work", unit: milliseconds, ours: figure("us", time.Millisecond), peer: figure("them", 20*time.Millisecond), expected: 2}, 3)
	if err != nil {
		t.Fatal(err)
	}
	cells := strings.Split(line, "\t")
	if len(cells) != 7 || cells[0] != "work" || cells[1] != "us" || cells[2] != "1.0 ms" || cells[3] != "them" || cells[5] != "20.0x" || cells[6] != ">= 2x" {
		t.Errorf("got %q", cells)
	}
}

func TestMeasureWithoutPeer(t *testing.T) {
	line, err := measure(t.Context(), row{what: "work", unit: count, ours: figure("us", 0), peer: absent("them", errors.New("not here")), expected: 2}, 1)
	if err != nil || !strings.Contains(line, "them\tabsent: not here\t\t>= 2x") {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestMeasureFails(t *testing.T) {
	broken := side{"us", func(context.Context) (func(context.Context) (float64, error), error) {
		return func(context.Context) (float64, error) { return 0, errors.New("broke") }, nil
	}}
	if _, err := measure(t.Context(), row{what: "work", unit: count, ours: broken, peer: figure("them", 0)}, 1); err == nil || err.Error() != "us: broke" {
		t.Errorf("got %v", err)
	}
}

// The best of the runs counts, but for the first; of what runs once that one does.
func TestMeasureTakesTheBest(t *testing.T) {
	next := func(figures ...float64) side {
		return side{"us", func(context.Context) (func(context.Context) (float64, error), error) {
			i := -1
			return func(context.Context) (float64, error) { i++; return figures[i], nil }, nil
		}}
	}
	for want, r := range map[string]row{
		"5 them 10 2.0x": {ours: next(1, 9, 5, 7), peer: next(1, 10, 90, 70)},
		"9 them 10 1.1x": {ours: next(1, 9, 5), peer: next(1, 10, 90), most: 1},
		"4 them 8 2.0x":  {ours: next(4, 1), peer: next(8, 1), once: true},
	} {
		r.what, r.unit, r.peer.name = "work", count, "them"
		line, err := measure(t.Context(), r, 3)
		if cells := strings.Split(line, "\t"); err != nil || strings.Join(cells[2:6], " ") != want {
			t.Errorf("%q, %v, want %s", line, err, want)
		}
	}
}

func TestTreeSize(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int{"a": 1, "b/c": 20, "b/d/e": 300} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := treeSize(dir); err != nil || got != 321 {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := treeSize(filepath.Join(dir, "b", "c")); err != nil || got != 20 {
		t.Errorf("a file: got %v, %v", got, err)
	}
	if _, err := treeSize(filepath.Join(dir, "none")); err == nil {
		t.Error("what is not there has a size")
	}
}
