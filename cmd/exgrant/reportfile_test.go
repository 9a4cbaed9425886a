package main

import (
	"os"
	"strings"
	"testing"

	"github.com/exgrant/exgrant/internal/testing/peers"
)

func sharedReport(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile(peers.Shared(t, "design", "report.v1.json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseReport(t *testing.T) {
	data := sharedReport(t)
	report, err := parseReport(data)
	if err != nil {
		t.Fatal(err)
	}
	if len(report.Inverse) == 0 || report.Grant == nil {
		t.Errorf("the report lost its grant or its inverse: %+v", report)
	}
}

func TestParseReportErrors(t *testing.T) {
	for data, want := range map[string]string{
		"":                       "it is empty",
		"[]":                     "line 1: it is a list, and must be an object in { }",
		"{}":                     `its schema is "", and must be "exgrant.report/v1"`,
		"{\n\"schema\":\n1}":     "line 3: schema is a number, and must be text",
		"{\n\n\"schema\": x}":    "line 3: it is not JSON: 'x' cannot stand there",
		`{"schema": "other/v9"}`: `its schema is "other/v9"`,
		`{"schema": "exgrant.report/v1", "surprise": 1}`: `line 1: there is no field "surprise"`,
		`{"schema": "exgrant.report/v1"} {}`:             "line 1: something stands behind its end",
		strings.Repeat(" ", maxReport+1):                 "it is larger than 16 MiB",
	} {
		_, err := parseReport([]byte(data))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60q: got %v, want %q", data, err, want)
		}
	}
}

func FuzzParseReport(f *testing.F) {
	f.Add(sharedReport(f))
	f.Add([]byte("\xff\xfe{\x00}\x00"))
	f.Add([]byte(`{"schema": "exgrant.report/v1", "inverse": [{"cmdlet": "x", "identity": "y", "parameters": [{"name": "n", "value": [1]}]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		report, err := parseReport(data)
		if err == nil && report.Schema == "" {
			t.Errorf("accepted a report without a schema: %q", data)
		}
	})
}
