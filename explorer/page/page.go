// Package page holds the pages of the explorer, one concept a file. What they share
// with other frontends, and how files become what is served, is in package web.
//
// There is one document for all addresses, and it shows what its address is of. It
// names its files as assets/NAME, which whoever serves it makes right for the depth of
// the address, so that a proxy can put the explorer below a path.
package page

import "embed"

// Files are the pages' own.
//
//go:embed *.html *.css *.js
var Files embed.FS

// Index is the name of the document among them.
const Index = "index.html"
