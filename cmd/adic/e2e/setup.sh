#!/usr/bin/env bash
# Installs the real programs that the tests work with: Debian packages, and the
# npm packages of testdata/npm. It looks first and acts only on what is missing,
# so it costs nothing when run again. Made for Debian 12.
set -euo pipefail
cd "$(dirname "$0")"

# Debian's directory of daemons is not in everyone's PATH; nginx is there.
PATH=$PATH:/usr/sbin

fail() {
	echo "setup: $*" >&2
	exit 1
}

# The packages whose programs are missing. Python's are asked of Debian's own
# interpreter, as there may be another python3 before it in PATH.
missing=()
has() { command -v "$1" >/dev/null; }
has curl || missing+=(curl ca-certificates)
has openssl || missing+=(openssl)
has nginx || missing+=(nginx-light)
has buildah || missing+=(buildah)
has caddy || missing+=(caddy)
has chromium || missing+=(chromium)
has promtool || missing+=(prometheus)
has systemd-socket-activate || missing+=(systemd)
has docker-compose || missing+=(docker-compose)
has ip || missing+=(iproute2)
has prlimit || missing+=(util-linux)
has node || missing+=(nodejs)
has npm || missing+=(npm)
# Debian keeps the programs of PostgreSQL's server out of PATH.
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
/usr/bin/python3 -c 'import aiohttp' 2>/dev/null || missing+=(python3-aiohttp)
/usr/bin/python3 -c 'import websockets' 2>/dev/null || missing+=(python3-websockets)

root=() # what makes a command run as root
policy=/usr/sbin/policy-rc.d # Debian asks it before it starts a service

# install_packages installs Debian packages, and keeps the services among them
# from being started now or at the next boot: only their programs are wanted.
install_packages() {
	has apt-get || fail "cannot install $*: this is no Debian; install what provides them and run this again"
	if [ "$(id -u)" -ne 0 ]; then
		has sudo || fail "cannot install $*: run this as root, or install sudo"
		root=(sudo)
	fi
	if [ ! -e "$policy" ]; then
		trap '"${root[@]}" rm -f "$policy"' EXIT
		printf '#!/bin/sh\nexit 101\n' | "${root[@]}" tee "$policy" >/dev/null
		"${root[@]}" chmod +x "$policy"
	fi
	"${root[@]}" apt-get update -qq
	"${root[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends "$@"
	if [ -d /run/systemd/system ]; then
		for service in caddy nginx postgresql prometheus; do
			[[ " $* " != *" $service"* ]] || "${root[@]}" systemctl disable --quiet "$service"
		done
	fi
}

if [ ${#missing[@]} -gt 0 ]; then
	echo "setup: installing ${missing[*]}"
	install_packages "${missing[@]}"
fi

node_major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
[ "$node_major" -ge 20 ] ||
	fail "artillery and playwright-core need Node.js 20 or newer, this is $(node --version): install a newer one (https://nodejs.org)"

# Install scripts stay off: one of them would download a second browser.
cd testdata/npm
installed=node_modules/.installed-from.json
if ! cmp -s package-lock.json "$installed"; then
	echo "setup: installing npm packages"
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	cp package-lock.json "$installed"
fi
