//go:build !race

package transcript

// racing tells whether the race detector watches, which makes expressions fifteen times
// as slow. Nothing here runs at the same time as anything else: a part of the corpus is
// enough then, and the whole is for go test alone, as .ci/run runs it on Wine.
const racing = false
