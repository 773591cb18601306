#!/bin/bash
# Compares a router of its own with 1, 2 and 3 routers of a cluster on one nats-server, all
# on this machine: what NATS adds to the latency, how fast events are taken, and how long a
# router takes that joins. Prints a table in Markdown; ROUNDS=5 repeats it that often.
# Needs curl and python3.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
running=()
cleanup() { for pid in "${running[@]}"; do kill "$pid" 2>/dev/null || true; done; rm -rf "$dir"; }
trap cleanup EXIT
go build -o "$dir/adic" ./cmd/adic
go build -o "$dir/nats-server" github.com/nats-io/nats-server/v2

export ADIC_AUTH_PUBLISH_TOKEN=bench ADIC_TOKEN=bench ADIC_STREAM_DRAIN_TIMEOUT=0s ADIC_LOG_LEVEL=error ADIC_API_HOST=127.0.0.1
export ADIC_EVENTS_HIGH_PRIORITY_BUFFER=50000 ADIC_EVENTS_MEDIUM_PRIORITY_BUFFER=50000 ADIC_EVENTS_LOW_PRIORITY_BUFFER=50000
readonly events=200000 clients=500 rate=100
for i in $(seq $events); do
  echo "{\"type\":\"MessageAdded\",\"message_id\":\"m$i\",\"depth\":42,\"timestamp\":\"2024-01-15T10:30:00Z\"}"
done >"$dir/events"

start() { "$@" >/dev/null 2>"$dir/errors" & running+=($!); }
stop() { for pid in "${running[@]}"; do kill "$pid"; wait "$pid" 2>/dev/null || true; done; running=(); }
await() {
  for _ in $(seq 600); do
    curl -sf "http://127.0.0.1:$1/health/ready" >/dev/null && return
    sleep 0.01
  done
  echo "no router on port $1" >&2; cat "$dir/errors" >&2; exit 1
}
now() { date +%s.%N; }

# measure NAME PORT... notes latency and throughput of the routers on these ports.
measure() {
  local name=$1; shift
  local pids=() port began i=0
  for port in "$@"; do
    "$dir/adic" bench "http://127.0.0.1:$port" --websocket $clients --rate $rate --duration 5s --json >"$dir/bench.$port" 2>/dev/null & pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || true; done # each sees the events of the others, which it calls foreign
  for port in "$@"; do
    python3 -c 'import json,sys; l=json.load(open(sys.argv[1]))["deliveries"]["latency_ms"]; print("latency", sys.argv[2], l["p50"], l["p99"])' "$dir/bench.$port" "$name" >>"$dir/results"
  done
  split -n "l/$#" "$dir/events" "$dir/part."
  local parts=("$dir"/part.*)
  pids=(); began=$(now)
  for port in "$@"; do
    "$dir/adic" emit --batch 500 --url "http://127.0.0.1:$port" "${parts[$i]}" >/dev/null 2>&1 & pids+=($!)
    i=$((i + 1))
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  echo "taken $name $(python3 -c "print($events / ($(now) - $began))")" >>"$dir/results"
  rm "${parts[@]}"
}

for _ in $(seq "${ROUNDS:-3}"); do
  start "$dir/adic" serve --api.port 9301
  await 9301
  measure 0 9301
  stop
  for n in 1 2 3; do
    rm -rf "$dir/js"
    start "$dir/nats-server" -js -sd "$dir/js" -a 127.0.0.1 -p 4301
    sleep 1
    ports=()
    for i in $(seq $n); do
      ports+=($((9301 + i)))
      start "$dir/adic" serve --api.port $((9301 + i)) --cluster.nats nats://127.0.0.1:4301
      await $((9301 + i))
    done
    measure $n "${ports[@]}"
    began=$(now)
    start "$dir/adic" serve --api.port 9309 --cluster.nats nats://127.0.0.1:4301
    await 9309
    echo "joined $n $(python3 -c "print($(now) - $began)")" >>"$dir/results"
    stop
  done
done

python3 - "$dir/results" <<'E2'
import statistics, sys
rows = {}
for line in open(sys.argv[1]):
    what, n, *values = line.split()
    rows.setdefault((what, n), []).append([float(v) for v in values])
def median(what, n, column=0):
    values = [v[column] for v in rows.get((what, n), [])]
    return statistics.median(values) if values else None
print("| routers | latency p50, ms | latency p99, ms | events taken/s | joins with 50,000 events after, s |")
print("| --- | ---: | ---: | ---: | ---: |")
for n in "0123":
    name = "1, without NATS" if n == "0" else n
    joined = median("joined", n)
    print(f"| {name} | {median('latency', n):.2f} | {median('latency', n, 1):.2f} | {median('taken', n):,.0f} | {'' if joined is None else f'{joined:.2f}'} |")
E2
