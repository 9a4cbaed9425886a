package main

import (
	"errors"
	"io"
	"strings"
)

var errTooLong = errors.New("the line is too long")

// firstLine reads a line without its end, and a byte order mark before it, a byte
// at a time so that no more is taken than the line.
func firstLine(r io.Reader, limit int) (string, error) {
	var line []byte
	var b [1]byte
	for {
		n, err := r.Read(b[:])
		switch {
		case n == 1 && b[0] == '\n':
			return trimLine(line), nil
		case n == 1 && len(line) == limit:
			return "", errTooLong
		case n == 1:
			line = append(line, b[0])
		case errors.Is(err, io.EOF):
			return trimLine(line), nil
		case err != nil:
			return "", err
		}
	}
}

func trimLine(line []byte) string {
	return strings.TrimSuffix(strings.TrimPrefix(string(line), "\ufeff"), "\r")
}
