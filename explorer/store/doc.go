// Package store keeps the events of a node and what is known from them, in SQLite or in
// PostgreSQL.
//
// # Contract
//
// A [Store] has one schema and one behaviour on both. [Open] makes or migrates the
// database.
//
// [Store.Append] stores a batch of events, everything that follows from them and the
// position behind them in one transaction: what is stored is exactly what the position
// says, however often the program is killed, batches are repeated, or two programs write
// by mistake ([ErrConflict]).
//
// Events have a number, Seq, in the order in which they came, and all lists of what they
// tell are in that order: times are what nodes claim.
//
// There are two kinds of index. Every event is on the timeline of each identifier in its
// fields (see [Kinds]). And there are projections: messages, tips, balances, proposals,
// validators and series of metrics.
//
// With SQLite the log is not forced to the disk at each commit (WAL and
// synchronous=NORMAL): a crash of the program takes nothing, a power failure can take
// the last transactions, whole, with their position. The node sends those events again.
// PostgreSQL waits for its disk as it is set up to.
//
// # Errors
//
// An error that is [ErrUnavailable] may be gone when one tries again; one that is
// [ErrConflict], [ErrNewerSchema] or [ErrReadOnly] needs somebody to act. [ErrNotFound] is
// an answer. A failed Append has changed nothing.
//
// # Concurrency
//
// Any number of goroutines may use a Store. Writes take turns; queries see what was
// committed and, with SQLite, never wait for a write.
package store
