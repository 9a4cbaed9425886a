package opath_test

import (
	"fmt"

	"github.com/exgrant/exgrant/pkg/opath"
)

// A server gives a filter back in its own form. It is the same condition all the same.
func ExampleEqual() {
	ours, err := opath.Parse("Department -eq 'Sales' -and City -like 'Ber*'")
	if err != nil {
		fmt.Println(err)
		return
	}
	theirs, err := opath.Parse("((department -eq 'sales') -and (city -like 'ber*'))")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(opath.Equal(ours, theirs))
	// Output: true
}

// What a person typed enters a filter only as a quoted text.
func ExampleQuote() {
	text, err := opath.Quote("O'Brien")
	fmt.Println("DisplayName -eq "+text, err)
	_, err = opath.Quote("a\u202eb")
	fmt.Println(err)
	// Output:
	// DisplayName -eq 'O''Brien' <nil>
	// cannot write "a\u202eb" into a filter: U+202E at byte 1 cannot be seen for what it is
}
