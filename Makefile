# Two commands do everything on a fresh machine: `make run` and `make test`.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)
# Of `make bench`: --reps, --loads, --servers, --quick.
BENCHFLAGS ?=

.PHONY: run build test check unit setup bench soak release image install clean

## run: build adic and serve on port 9121 with the demo source
run: build
	./adic serve --demo

## build: build the binary ./adic
BINARY ?= adic
build:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o '$(BINARY)' ./cmd/adic

## test: install what the tests need, then run every check and every test
test: setup check unit

## setup: install the real programs that the tests work with
setup:
	./cmd/adic/e2e/setup.sh

## check: format, vet, staticcheck, vulnerabilities, tidy, import rules
check:
	@test -z "$$(gofmt -l .)" || { echo "not gofmt-ed:"; gofmt -l .; exit 1; }
	$(GO) vet ./...
	$(GO) tool staticcheck ./...
	$(GO) mod tidy -diff
	cd bench/peers && $(GO) vet ./... && $(GO) tool -modfile=../../go.mod staticcheck ./... && $(GO) mod tidy -diff
	@out=$$($(GO) tool govulncheck ./... 2>&1) || { \
	  case "$$out" in \
	  *"no such host"*|*"connection refused"*|*"i/o timeout"*|*"dial tcp"*) \
	    echo "vulnerabilities were not checked: the database cannot be reached from here";; \
	  *) echo "$$out"; exit 1;; \
	  esac; }

## unit: all tests, with the race detector, and every benchmark once; nothing beside those
## end to end, whose clients must be let read
unit:
	$(GO) test -race -timeout 15m $$($(GO) list ./... | grep -v '/e2e$$')
	$(GO) test -race -timeout 30m ./cmd/adic/e2e
	$(GO) test -run '^$$' -bench . -benchtime 1x ./...
	cd bench/peers && $(GO) test -timeout 15m ./...

## bench: compare with other servers, an hour or less; writes bench/RESULTS.md
bench:
	cd bench/peers && dir=$$(mktemp -d) && $(GO) build -o $$dir/peers . && \
	  $$dir/peers run --out $$dir $(BENCHFLAGS) && $$dir/peers report --out $$dir --write .. && \
	  echo "every run: $$dir/results.json"

## soak: run the binary for long under churn, stalls, bursts and restarts (SOAK=30m)
SOAK ?= 30m
soak: build
	$(GO) run ./bench/soak -adic ./adic -for $(SOAK)

## release: static binaries and Debian packages for amd64 and arm64 in dist/, with checksums
ARCHS ?= amd64 arm64
DIST  ?= dist
# What is built from one commit is the same, byte for byte.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
release:
	rm -rf '$(DIST)' && mkdir -p '$(DIST)'
	for arch in $(ARCHS); do \
	  CGO_ENABLED=0 GOOS=linux GOARCH=$$arch $(GO) build -trimpath -ldflags '-s -w -buildid= $(LDFLAGS)' -o '$(DIST)'/adic-linux-$$arch ./cmd/adic && \
	  DIST='$(DIST)' ARCH=$$arch VERSION=$(DEBVERSION) $(GO) tool -modfile=deploy/package/go.mod nfpm package -f deploy/package/nfpm.yaml -p deb -t '$(DIST)'/ || exit 1; \
	done
	cd '$(DIST)' && sha256sum * >SHA256SUMS && cat SHA256SUMS
# A Debian version begins with a digit.
DEBVERSION = $(shell echo '$(VERSION)' | sed -E 's/^v//; s/^([^0-9])/0~\1/')

## image: a container of what `make release` has built (ENGINE=docker, podman or buildah)
ENGINE ?= docker
IMAGE  ?= adic
image:
	$(ENGINE) build $(IMAGEFLAGS) -t $(IMAGE) -f deploy/container/Containerfile .

## install: the binary, units and configuration below DESTDIR (PREFIX=/usr/local)
PREFIX ?= /usr/local
install: build
	install -D -m 0755 '$(BINARY)' $(DESTDIR)$(PREFIX)/bin/adic
	install -d $(DESTDIR)/etc/systemd/system
	install -m 0644 deploy/systemd/* $(DESTDIR)/etc/systemd/system/
	sed -i 's#/usr/bin/adic#$(PREFIX)/bin/adic#' $(DESTDIR)/etc/systemd/system/adic*.service
	for file in adic.toml explorer.toml; do \
	  test -e $(DESTDIR)/etc/adic/$$file || install -D -m 0644 deploy/$$file $(DESTDIR)/etc/adic/$$file || exit 1; \
	done

clean:
	rm -rf adic dist
