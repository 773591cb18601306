// Package config is the configuration of a router: what can be set, what it is
// when nobody sets it, and where it was set.
//
// [Load] lays four layers over each other, each over the one before: the
// defaults, a TOML file, environment variables, flags. Every key can be set in
// every layer, but for those of named tables such as [auth.publisher.NAME], which
// only the file has:
//
//	file         [api]
//	             port = 9121
//	environment  ADIC_API_PORT=9121
//	flag         --api.port=9121
//
// What is wrong is never passed over. A key nobody knows, a value of the wrong
// type or out of its range, values that contradict each other: Load finds all
// of them in all layers and returns them as [Problems], each with its file and
// line (or variable, or flag), its key, what is wrong and what to do. A value
// that a later layer replaces must be right too. A configuration that Load
// returns is one that [Config.Validate] accepts.
//
// # Values
//
// In the file, values have their TOML type. Durations are text as
// [time.ParseDuration] takes it ("1m30s"). Sizes are a number of bytes, or text
// with one of the units B, KiB, MiB and GiB ("64KiB").
//
// Environment variables and flags hold the same as plain text; booleans as
// [strconv.ParseBool] takes them; lists with commas between the elements. A
// variable or flag that is set to nothing sets a string key to the empty
// string and a list key to the empty list; for every other key it is an error,
// because it is more likely a variable that was not filled in than a wish for
// the default.
//
// A few keys have a second variable under a shorter name, such as ENABLE_SSE.
// [ForRouter] leaves out those of the explorer.
//
// Each variable whose name begins with ADIC_ must be that of a key, but for
// ADIC_CONFIG, the path of the file, and ADIC_TOKEN, the credential of client
// commands: those are for the command line to read and Load passes them over.
//
// # Reloading
//
// A running router loads its sources again and asks [Diff] what changed and
// whether it can change without a restart.
//
// # Secrets
//
// The text of a secret is in [Config] and nowhere else: problems, changes,
// the printed configuration and formatted structs hold "***" instead.
package config
