# Two commands do everything on a fresh machine: `make run` and `make test`.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)
# Of `make bench`: --reps, --loads, --servers, --quick.
BENCHFLAGS ?=

.PHONY: run build test check unit setup bench soak clean

## run: build adic and serve on port 9121 with the demo source
run: build
	./adic serve --demo

## build: build the binary ./adic
build:
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o adic ./cmd/adic

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

## unit: all tests, with the race detector, and every benchmark once
unit:
	$(GO) test -race -timeout 15m ./...
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

clean:
	rm -f adic
