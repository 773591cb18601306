// Package logging keeps the log of a service from getting in its way. A log goes
// to a disk that may be full, or through a pipe to a program that may have
// stopped reading; those who write lines must not wait for either.
//
// A [Writer] takes lines at once and writes them in the background: what does not
// fit its buffer is dropped and counted, and the count is written as soon as
// writing works again. A [Limiter] keeps a message that many connections cause
// from filling the log: beyond a rate its lines are counted, not written, and the
// count is. Nothing is left out without a line that says so.
package logging
