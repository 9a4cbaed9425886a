//go:build race

package transcript

const racing = true
