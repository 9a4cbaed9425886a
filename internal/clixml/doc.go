// Package clixml reads and writes CLIXML, the XML in which PowerShell stores objects
// and sends them over PSRP ([MS-PSRP] 2.2.5).
//
// Nothing that a document says is lost: properties and added members stay apart,
// dates without a zone stay without one, lone surrogates, secure strings and
// elements that nobody knows are kept as they came.
package clixml
