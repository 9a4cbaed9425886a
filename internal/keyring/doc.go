// Package keyring keeps passwords where the system keeps those of a person: the
// Secret Service of a Linux desktop, the Keychain of macOS, the Credential Manager
// of Windows.
//
// A password is kept for a user of a realm, not for a server: whoever logs on as
// alice@CONTOSO.TEST has one password everywhere.
package keyring
