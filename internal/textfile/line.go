package textfile

import (
	"bytes"
	"errors"
	"io"
)

// ReadLine reads the first line of r, without its end, and decodes it. It takes no byte
// of r behind that line, and at most limit bytes. The error is ErrTooLong, an
// *EncodingError or that of r; the end of r is the end of the line.
func ReadLine(r io.Reader, limit int) (string, error) {
	var line []byte
	var b [1]byte
	for !endsLine(line) {
		n, err := r.Read(b[:])
		switch {
		case n == 1 && len(line) == limit:
			return "", ErrTooLong
		case n == 1:
			line = append(line, b[0])
		case errors.Is(err, io.EOF):
			return decodeLine(line)
		case err != nil:
			return "", err
		}
	}
	return decodeLine(line)
}

// endsLine reports whether what was read ends with the end of a line. In UTF-16 that is
// a unit, which may have a zero behind the byte of the line feed.
func endsLine(line []byte) bool {
	n := len(line)
	switch {
	case isUTF16(line, 0xFF, 0xFE, 1):
		return n%2 == 0 && n >= 2 && line[n-2] == '\n' && line[n-1] == 0
	case isUTF16(line, 0xFE, 0xFF, 0):
		return n%2 == 0 && n >= 2 && line[n-2] == 0 && line[n-1] == '\n'
	}
	return n > 0 && line[n-1] == '\n'
}

// isUTF16 tells by the mark, or by a zero in the first unit.
func isUTF16(line []byte, first, second byte, zero int) bool {
	return len(line) >= 2 && (line[0] == first && line[1] == second || line[zero] == 0 && line[1-zero] != 0)
}

func decodeLine(line []byte) (string, error) {
	text, err := Decode(line)
	if err != nil {
		return "", err
	}
	return string(bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r"))), nil
}
