package fault

import "testing"

// The message of a used-up quota is often pasted without the line that says that a
// connection failed.
func TestQuotaMessageAlone(t *testing.T) {
	f, rule := Classify(Evidence{Text: "Fail to create a runspace because you have exceeded the maximum number of connections allowed : 3 " +
		"for the policy party : MaxConcurrency. Please close existing runspace and try again."})
	if f.ID != string(ConnectQuota) || rule == nil {
		t.Errorf("got %s by %v, want %s", f.ID, rule, ConnectQuota)
	}
}
