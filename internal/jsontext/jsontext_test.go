package jsontext

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestExplain(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "it is empty",
		" \n":                         "it is empty",
		"[1]":                         "line 1: it is a list, and must be an object in { }",
		"\n# a comment":               "line 2: it is not JSON: '#' cannot stand there",
		"{\n\"name\":":                "line 2: it ends in the middle",
		"{\n\"name\": 1}":             "line 2: name is a number, and must be text",
		"{\"n\": \"x\"}":              "line 1: n is text, and must be a number that fits there",
		"{\"n\": 1.5}":                "line 1: n is the number 1.5, and must be a number that fits there",
		"{\"list\": {}}":              "line 1: list is an object in { }, and must be a list",
		"{\n\n\"at\": \"yesterday\"}": `line 3: "yesterday" is not a time such as 2026-11-24T09:00:00Z`,
		"{\n\"other\": 1}":            `line 2: there is no field "other"`,
		"{\"name\": \"a\nb\"}":        "line 2: a text has a line break or a control character in it",
		"{\"name\":" + strings.Repeat("[", 20000): "line 1: its lists and objects are nested too deeply",
	} {
		var v struct {
			Name string    `json:"name"`
			N    int       `json:"n"`
			List []string  `json:"list"`
			At   time.Time `json:"at"`
		}
		d := json.NewDecoder(bytes.NewReader([]byte(text)))
		d.DisallowUnknownFields()
		if err := Explain([]byte(text), d.Decode(&v)); err == nil || err.Error() != want {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
	if err := Explain([]byte("{}"), nil); err != nil {
		t.Error(err)
	}
	text := []byte("{}\n{}")
	if err := Explain(text, json.Unmarshal(text, &struct{}{})); err.Error() != "line 2: something stands behind its end" {
		t.Error(err)
	}
}
