// Package systemd is a service's side of the protocols between it and the service
// manager that started it: readiness, status and watchdog (sd_notify(3),
// sd_watchdog_enabled(3)) and listening sockets that the manager holds
// (sd_listen_fds(3)). Both are environment variables, a datagram socket and
// inherited descriptors, so no library of systemd's is needed, and other managers
// that speak them do as well. Without a manager everything here does nothing.
//
// The variables are removed once they are read: they are for this process, and not
// for one that it may start.
package systemd
