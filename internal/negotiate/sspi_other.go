//go:build !windows

package negotiate

// haveSSPI tells whether the system knows who is logged on.
const haveSSPI = false

func newSSPI(Method, string, string, []byte) (mechanism, error) {
	return nil, &Error{Kind: BadCredential, What: "only Windows can log on as the user who is logged on"}
}
