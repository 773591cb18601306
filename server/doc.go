// Package server is the router's front end: it speaks HTTP through fasthttp,
// upgrades WebSockets, begins SSE streams, and hands both over to the actors.
//
// # Contract
//
// The paths, parameters, JSON keys and metric names are those of the protocol
// page, exactly. Every error outside a stream is JSON, {"error":"..."}, with the
// status and the headers that HTTP wants with it, and says what to do.
//
// A connection that became a stream is no longer fasthttp's: transport.go takes
// it over, and its actor owns it. Nothing here holds memory or a goroutine for it
// but the count that limits are checked against.
//
// fasthttp is imported in this package only.
package server
