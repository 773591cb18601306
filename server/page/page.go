// Package page holds the live page of a router, one concept a file. What it shares
// with other frontends, and how files become what is served, is in package web.
package page

import "embed"

// Files are the page's own.
//
//go:embed *.html *.css *.js
var Files embed.FS

// Index is the name of the page itself among them.
const Index = "index.html"
