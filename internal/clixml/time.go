package clixml

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// A DateTime is a System.DateTime as its text: a date, mostly with a time, which
// has up to seven digits behind the second's point, and with a zone or none, such
// as "2026-03-01T08:30:00.1234567+01:00". A date without a zone names no instant,
// which is why nothing but the text holds all of it.
type DateTime struct {
	Text string
}

// NewDateTime returns t, with its offset, cut to the 100 ns that .NET knows.
func NewDateTime(t time.Time) DateTime {
	return DateTime{t.Format("2006-01-02T15:04:05.9999999Z07:00")}
}

// Time returns the date. Without a zone in the text (zoned is false) the clock of
// t is right and its location, UTC, means nothing.
func (d DateTime) Time() (t time.Time, zoned bool, err error) {
	rest, ok := afterShape(d.Text, "0000-00-00")
	layout := time.DateOnly
	if after, timed := afterShape(rest, "T00:00:00"); ok && timed {
		layout += "T" + time.TimeOnly
		rest = strings.TrimLeft(strings.TrimPrefix(after, "."), "0123456789")
		fraction := len(after) - len(rest) // with its point
		ok = fraction == 0 || after[0] == '.' && fraction > 1 && fraction <= len(".123456789")
	}
	zoned = rest != ""
	if zoned {
		layout += "Z07:00"
	}
	if ok {
		if t, err = time.Parse(layout, d.Text); err == nil {
			return t, zoned, nil
		}
	}
	return time.Time{}, false, fmt.Errorf("%q is no date and time of CLIXML, such as 2026-03-01T08:30:00Z", d.Text)
}

// afterShape cuts off what looks like shape, in which 0 is any digit: time.Parse
// would also take numbers that lack one.
func afterShape(s, shape string) (rest string, ok bool) {
	if len(s) < len(shape) {
		return s, false
	}
	for i := range len(shape) {
		if shape[i] == '0' && !isDigit(s[i]) || shape[i] != '0' && shape[i] != s[i] {
			return s, false
		}
	}
	return s[len(shape):], true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// A Duration is a System.TimeSpan as its text: an xs:duration without years and
// months, such as "PT9.0269026S" or "-P1DT2H".
type Duration struct {
	Text string
}

// ErrDurationRange says that a duration is longer than Go's 292 years.
var ErrDurationRange = errors.New("longer than 292 years")

// NewDuration returns d, cut to the 100 ns that .NET knows.
func NewDuration(d time.Duration) Duration {
	ticks := int64(d) / 100
	if ticks == 0 {
		return Duration{"PT0S"}
	}
	sign, magnitude := "", uint64(ticks)
	if ticks < 0 {
		sign, magnitude = "-", -magnitude
	}
	text := strconv.FormatUint(magnitude/second, 10)
	if fraction := magnitude % second; fraction != 0 {
		text += strings.TrimRight(fmt.Sprintf(".%07d", fraction), "0")
	}
	return Duration{sign + "PT" + text + "S"}
}

// Span returns the duration. The error is [ErrDurationRange] when Go cannot hold it.
func (d Duration) Span() (time.Duration, error) {
	ticks, err := parseDuration(d.Text)
	if err != nil {
		return 0, fmt.Errorf("%q is no duration of CLIXML: %w", d.Text, err)
	}
	if ticks > math.MaxInt64/100 || ticks < math.MinInt64/100 {
		return 0, fmt.Errorf("duration %q: %w", d.Text, ErrDurationRange)
	}
	return time.Duration(ticks) * 100, nil
}

var errDuration = errors.New("want [-]P[nD][T[nH][nM][n.nS]] within the range of a System.TimeSpan")

// Ticks of 100 ns in the units of a duration. A year and a month are what .NET
// makes of them.
const (
	second = 10_000_000
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

var (
	dateUnits  = [...]durationUnit{{'Y', 365 * day}, {'M', 30 * day}, {'D', day}}
	clockUnits = [...]durationUnit{{'H', hour}, {'M', minute}, {'S', second}}
)

type durationUnit struct {
	letter byte
	ticks  uint64
}

// parseDuration returns the ticks of an xs:duration.
func parseDuration(s string) (int64, error) {
	rest, negative := strings.CutPrefix(s, "-")
	rest, ok := strings.CutPrefix(rest, "P")
	date, clock, hasClock := strings.Cut(rest, "T")
	if !ok || rest == "" || hasClock && clock == "" {
		return 0, errDuration
	}
	days, okDate := durationPart(date, dateUnits[:])
	hours, okClock := durationPart(clock, clockUnits[:])
	ticks := days + hours // neither is above 1<<63
	switch {
	case !okDate || !okClock || ticks < days || ticks > 1<<63 || !negative && ticks == 1<<63:
		return 0, errDuration
	case negative:
		return -int64(ticks), nil // also of 1<<63, which is its own negative
	}
	return int64(ticks), nil
}

// durationPart adds up numbers that each have one of the units behind them, in
// the units' order. Seconds, the last of clockUnits, may have a fraction.
func durationPart(s string, units []durationUnit) (ticks uint64, ok bool) {
	for s != "" {
		end := strings.IndexFunc(s, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if end < 0 {
			return 0, false
		}
		for len(units) > 0 && units[0].letter != s[end] {
			units = units[1:]
		}
		if len(units) == 0 {
			return 0, false
		}
		whole, fraction, hasFraction := strings.Cut(s[:end], ".")
		n, err := strconv.ParseUint(whole, 10, 64)
		if err != nil || n > (1<<63)/units[0].ticks || hasFraction && s[end] != 'S' {
			return 0, false
		}
		ticks += n * units[0].ticks
		if hasFraction {
			// Digits beyond the seventh are less than .NET's unit.
			n, err := strconv.ParseUint((fraction + "0000000")[:7], 10, 32)
			if err != nil || fraction == "" || strings.Trim(fraction, "0123456789") != "" {
				return 0, false
			}
			ticks += n
		}
		if ticks > 1<<63 {
			return 0, false
		}
		s, units = s[end+1:], units[1:]
	}
	return ticks, true
}
