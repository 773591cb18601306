// Package demo plays an ADIC network that does not exist, for a router that
// has no node to listen to yet: for a first look, for demonstrations and for
// trying out clients.
//
// It tells stories rather than noise. Messages are added, then finalised,
// rejected or left behind; balances add up address by address; every epoch
// draws its randomness from commits and reveals; disputes run from challenge to
// ruling, proposals from submission to the changed parameter, grants, tasks and
// escrows to their ends. The stories come at their natural rates relative to
// each other, many messages and rare economics, and each of the 54 types shows
// up within the first 2,000 events, starting with NodeStarted and
// GenesisLoaded.
//
// The network's time is counted in beats, one being the average interval
// between two messages, so that the stories are the same at one event a second
// and at 100,000. What happens follows from the seed alone; only the timestamps
// come from the clock.
//
// Another catalogue than the default one is served as well: types that it lacks
// are left out, those that it adds get generic values after the kind of each
// field, and so do fields that it adds to a known type or defines differently.
package demo
