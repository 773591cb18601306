// Package journal keeps what a router has emitted in files, so that its rings,
// its positions and its epoch survive a restart, a kill -9 and, as far as was
// synced, a power failure.
//
// # Contract
//
// [Open] reads a directory, repairs it and returns a [Journal], which belongs to
// one process: the directory is locked with flock(2). [Journal.Past] is what the
// stream goes on from. [Journal.Append] writes a batch before its publisher is
// answered and before anybody sees it; once it has returned, the batch survives
// the death of the process. [Options.Sync] says how long a batch may stay
// unsynced; with 0, Append does not settle a batch, [Journal.Commit] does, for all
// that were appended before it at once.
//
// A batch that cannot be written leaves nothing behind. The journal tries again
// every second and with every batch, and [Journal.Err] says why it cannot go on.
// After a sync that failed nothing is taken until the next start: the system
// reports such a loss once, and does not say of what.
//
// # Files
//
// The file "journal" (header.go) holds the epoch and how the last run ended. For
// each class there is a sequence of segments (segment.go), named by epoch, class
// and the position of their first event, of records (record.go) with checksums. A
// segment is continued up to 4 MiB. Those that hold only events older than the
// newest that the class has to retain are removed when a new one begins. The
// batch is in the records too: each says how many events of its batch follow.
//
// # When the epoch stays
//
// A cursor that was given out must never come to mean another event. So a stream
// goes on under its epoch only if nothing is missing that anybody can have seen:
//
//   - it was closed, and its files end where it was closed; or
//   - the machine has not gone down since (the boot id is the same), so that
//     everything written is there, and at most the batch being written at the end
//     is incomplete, which was not shown to anybody yet; or
//   - it was run with Sync 0, so that nothing was shown before it was synced;
//
// and nothing in it is damaged, and the catalogue takes every event of it as it
// was. Only the end of the newest segment of a class can be incomplete: it is cut
// off. In every other case what can be read begins a new stream: the same events
// in the same order, in new positions under a new epoch. Clients that resume from
// the old one get them all, after being told of a loss of unknown size.
//
// That trusts the disk to keep what it says is synced, and the directory to be the
// one that was written last. A copy that goes on beside the original, or a backup
// that goes on instead of it, is two streams of one epoch, which nothing can tell:
// remove the file "journal" from such a directory, and it begins a new stream.
package journal
