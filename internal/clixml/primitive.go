package clixml

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gofrs/uuid"
)

func isPrimitive(element string) bool {
	switch element {
	case "B", "C", "SB", "By", "I16", "U16", "I32", "U32", "I64", "U64", "Sg", "Db", "D",
		"DT", "TS", "BA", "G", "URI", "Version", "XD", "SBK", "SS":
		return true
	}
	return false
}

// primitive reads an element of a primitive type other than S. A text that the
// type cannot have is an error, as it is for PowerShell.
func (r *reader) primitive(t *tag) any {
	start := r.at
	raw := r.content(t)
	switch t.name {
	case "URI":
		return URI(unescape(raw))
	case "XD":
		return XMLText(unescape(raw))
	case "SBK":
		return ScriptBlock(unescape(raw))
	}
	v, problem := parsePrimitive(t.name, strings.Trim(raw, " \t\r\n"))
	switch {
	case problem == "" || r.err != nil:
	case t.name == "SS":
		r.fail(start, t.name, "want "+problem) // without the text, which may be a secret
	default:
		r.fail(start, t.name, "want "+problem+fmt.Sprintf(", not %.40q", raw))
	}
	return v
}

// parsePrimitive returns the value of a text, or what the text should be.
func parsePrimitive(element, text string) (v any, want string) {
	switch element {
	case "B":
		return parseBool(text)
	case "C":
		n, want := parseUint(text, 16)
		return Char(n), want
	case "Sg":
		f, want := parseFloat(text, 32)
		return float32(f), want
	case "Db":
		return orNil(parseFloat(text, 64))
	case "D":
		return Decimal(text), unless(isDecimal(text), "a decimal number")
	case "DT":
		d := DateTime{text}
		_, _, err := d.Time()
		return d, unless(err == nil, "a date and time")
	case "TS":
		_, err := parseDuration(text)
		return Duration{text}, unless(err == nil, "a duration")
	case "BA":
		return parseBytes(text)
	case "G":
		return GUID(text), unless(isGUID(text), "a GUID")
	case "Version":
		return Version(text), unless(isVersion(text), "two to four numbers with points between")
	case "SS":
		return SecureString(text), unless(isEncrypted(text), "base64 or hexadecimal digits")
	}
	return parseInteger(element, text)
}

func parseInteger(element, text string) (any, string) {
	switch element {
	case "SB":
		n, want := parseInt(text, 8)
		return int8(n), want
	case "I16":
		n, want := parseInt(text, 16)
		return int16(n), want
	case "I32":
		n, want := parseInt(text, 32)
		return int32(n), want
	case "I64":
		return orNil(parseInt(text, 64))
	case "By":
		n, want := parseUint(text, 8)
		return uint8(n), want
	case "U16":
		n, want := parseUint(text, 16)
		return uint16(n), want
	case "U32":
		n, want := parseUint(text, 32)
		return uint32(n), want
	default:
		return orNil(parseUint(text, 64))
	}
}

func orNil[T any](v T, want string) (any, string) { return v, want }

func unless(ok bool, want string) string {
	if ok {
		return ""
	}
	return want
}

func parseBool(text string) (any, string) {
	switch text {
	case "true", "1":
		return true, ""
	case "false", "0":
		return false, ""
	}
	return false, "true or false"
}

func parseInt(text string, bits int) (int64, string) {
	n, err := strconv.ParseInt(text, 10, bits)
	return n, unless(err == nil, "a whole number of "+strconv.Itoa(bits)+" bits")
}

func parseUint(text string, bits int) (uint64, string) {
	n, err := strconv.ParseUint(strings.TrimPrefix(text, "+"), 10, bits)
	return n, unless(err == nil, "a whole number of "+strconv.Itoa(bits)+" bits that is not negative")
}

func parseFloat(text string, bits int) (float64, string) {
	switch text {
	case "INF", "Infinity":
		return math.Inf(1), ""
	case "-INF", "-Infinity":
		return math.Inf(-1), ""
	case "NaN":
		return math.NaN(), ""
	}
	f, err := strconv.ParseFloat(text, bits)
	plain := strings.Trim(text, "0123456789+-.eE") == "" // Go would take more
	return f, unless(err == nil && plain, "a number")
}

func parseBytes(text string) (any, string) {
	if strings.ContainsAny(text, " \t") {
		text = strings.Join(strings.Fields(text), "")
	}
	b, err := base64.StdEncoding.DecodeString(text)
	return b, unless(err == nil, "base64")
}

func isDecimal(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	whole, fraction, _ := strings.Cut(s, ".")
	return whole+fraction != "" && strings.Trim(whole+fraction, "0123456789") == ""
}

// isGUID takes what System.Guid takes: with or without dashes, with or without
// braces round it.
func isGUID(s string) bool {
	_, err := uuid.FromString(s)
	return err == nil && len(s) <= len("{00000000-0000-0000-0000-000000000000}") // and no URN
}

// isEncrypted takes the characters of both forms that a secure string has.
func isEncrypted(s string) bool {
	return strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") == ""
}

func isVersion(s string) bool {
	numbers := strings.Split(s, ".")
	for _, n := range numbers {
		if _, err := strconv.ParseUint(n, 10, 31); err != nil {
			return false
		}
	}
	return len(numbers) >= 2 && len(numbers) <= 4
}

func (r *reader) int32(t *tag) int32 {
	n, _ := r.primitiveAs(t, "I32").(int32)
	return n
}

// primitiveAs reads an element that has a name of its own and a primitive value.
func (r *reader) primitiveAs(t *tag, element string) any {
	as := *t
	as.name = element
	return r.primitive(&as)
}
