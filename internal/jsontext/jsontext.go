// Package jsontext puts the errors of reading JSON into words for whoever wrote the file.
package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
	"time"
)

// Explain says what is wrong with a text that could not be read as JSON, and in which line
// where that is known.
func Explain(text []byte, err error) error {
	var (
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
		moment *time.ParseError
	)
	switch {
	case err == nil:
		return nil
	case len(bytes.TrimSpace(text)) == 0:
		return errors.New("it is empty")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), err.Error() == "unexpected end of JSON input":
		return fmt.Errorf("line %d: it ends in the middle", line(text, int64(len(text))))
	case errors.As(err, &syntax):
		return fmt.Errorf("line %d: %s", line(text, syntax.Offset), syntaxText(syntax))
	case errors.As(err, &kind):
		return fmt.Errorf("line %d: %s", line(text, kind.Offset), kindText(kind))
	case errors.As(err, &moment):
		value := strings.Trim(moment.Value, `"`)
		at := max(bytes.Index(text, []byte(value)), 0)
		return fmt.Errorf("line %d: %q is not a time such as 2026-11-24T09:00:00Z", line(text, int64(at)), value)
	}
	if m := unknownField.FindStringSubmatch(err.Error()); m != nil {
		at := max(bytes.Index(text, []byte(`"`+m[1]+`"`)), 0)
		return fmt.Errorf("line %d: there is no field %q", line(text, int64(at)), m[1])
	}
	if strings.HasPrefix(err.Error(), "Time.UnmarshalJSON") {
		return errors.New("a time in it is not one such as \"2026-11-24T09:00:00Z\"")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}

var (
	unknownField = regexp.MustCompile(`^json: unknown field "(.*)"$`)
	character    = regexp.MustCompile(`^invalid character ('.*') `)
)

func line(text []byte, offset int64) int {
	return 1 + bytes.Count(text[:min(max(offset, 0), int64(len(text)))], []byte("\n"))
}

func syntaxText(err *json.SyntaxError) string {
	text := err.Error()
	m := character.FindStringSubmatch(text)
	switch {
	case strings.Contains(text, "after top-level value"):
		return "something stands behind its end"
	case strings.Contains(text, "max depth"):
		return "its lists and objects are nested too deeply"
	case strings.Contains(text, "in string") && strings.Contains(text, "literal"):
		return "a text has a line break or a control character in it"
	case m != nil:
		return "it is not JSON: " + m[1] + " cannot stand there"
	}
	return "it is not JSON: " + text
}

func kindText(err *json.UnmarshalTypeError) string {
	field := err.Field
	if field == "" {
		field = "it"
	}
	value, _, _ := strings.Cut(err.Value, " ")
	is := map[string]string{"array": "a list", "object": "an object in { }", "string": "text", "number": "a number", "bool": "true or false"}[value]
	if value != err.Value || is == "" {
		is = "the " + err.Value // number, with its digits
	}
	return field + " is " + is + ", and must be " + typeText(err.Type)
}

func typeText(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.String:
		return "text"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "an object in { }"
	}
	return "a number that fits there"
}
