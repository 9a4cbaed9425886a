package render

import "testing"

func TestColumns(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "anna": 4, "Jörg": 4, "Jo\u0308rg": 4, "東京": 4, "ﾄｳｷｮｳ": 5, "Ａ": 2, "é́": 1, "한국": 4, "…": 1,
	} {
		if got := columns(text); got != want {
			t.Errorf("columns(%q) = %d, want %d", text, got, want)
		}
	}
	if got := padded("東京", 6) + "|"; got != "東京  |" {
		t.Errorf("padded: %q", got)
	}
}
