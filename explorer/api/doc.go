// Package api is what the explorer answers over HTTP: the index as JSON below /api/v1/,
// its health, and the pages of its frontend.
//
// A [Handler] is an ordinary http.Handler that needs neither to flush nor to hijack, so
// that any server can have it. Every answer is made whole before its first byte is
// written: what fails becomes an error with a status, never half an answer.
//
// openapi.json describes all of it, and the tests hold the answers against that.
//
// # Rules
//
// A parameter that is not known, is there twice or has a bad value is an error that
// names it; one that is empty counts as absent. Errors are {"error":"what is wrong; what
// to do"}. Lists are cut into pages: next of an answer is the cursor of the page behind
// it, which is opaque and holds for the same list with the same filters only. While new
// rows come, the pages of a list that is ordered by time hold every row once; in a list
// that is ordered by a value, rows whose value changes meanwhile may move past the reader.
package api
