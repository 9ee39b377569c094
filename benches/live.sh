#!/usr/bin/env bash
# A live farm of UNITS containers (200 are 1 GWh, 2000 are 10 GWh; each has 12 racks of 416 cells of
# 314 Ah) for SECONDS at 10 Hz: overruns, skipped ticks, lateness, the share of one core that the tick
# thread takes, and the memory for each cell.
# usage: live.sh BESS [UNITS] [SECONDS]
set -euo pipefail
bess=$1
units=${2:-200}
seconds=${3:-60}
dir=$(mktemp -d)
trap 'kill "$pid" 2>/dev/null || true; rm -rf "$dir"' EXIT
"$bess" farm init | sed "s/^count = 10/count = $units/" > "$dir/farm.toml"
"$bess" profile agc --for 1h --seed 1 > "$dir/dispatch.csv" 2>/dev/null
"$bess" serve --farm "$dir/farm.toml" --dispatch "$dir/dispatch.csv" --modbus-port 0 --api-port 0 \
  --metrics-port 0 --endpoints "$dir/endpoints.json" --log warn 2>"$dir/log" &
pid=$!
for _ in $(seq 300); do [ -s "$dir/endpoints.json" ] && break; sleep 0.1; done
url=$(sed -n 's/.*"url": "\(.*metrics\)".*/\1/p' "$dir/endpoints.json")
sleep 2 # the start itself is not the question
thread=$(for t in /proc/"$pid"/task/*; do if grep -q '^farm-tick$' "$t/comm"; then basename "$t"; fi; done)
ticks_of() { awk '{ print $14 + $15 }' "/proc/$pid/task/$thread/stat"; }
metric() { curl -sf "$url" | awk -v name="$1" '$1 == name { print $2 }'; }
before=$(ticks_of); n0=$(metric bess_ticks_total); o0=$(metric bess_tick_overruns_total); s0=$(metric bess_ticks_skipped_total)
sleep "$seconds"
after=$(ticks_of); n1=$(metric bess_ticks_total); o1=$(metric bess_tick_overruns_total); s1=$(metric bess_ticks_skipped_total)
awk -v a="$before" -v b="$after" -v hz="$(getconf CLK_TCK)" -v s="$seconds" -v n="$((n1 - n0))" \
  -v o="$((o1 - o0))" -v k="$((s1 - s0))" 'BEGIN {
    printf "ticks %d in %d s, overruns %d, skipped %d\n", n, s, o, k
    printf "tick thread: %.1f %% of one core, %.2f ms a tick\n", (b - a) / hz / s * 100, (b - a) / hz / n * 1000 }'
awk -v cells="$((units * 12 * 416))" '/^VmHWM/ { printf "memory at most %.0f MB, %.0f bytes a cell\n", $2 / 1024, $2 * 1024 / cells }' "/proc/$pid/status"
curl -sf "$url" | grep -E '^bess_tick_(jitter|duration)_seconds_(bucket|sum|count)'
kill -TERM "$pid" && wait "$pid"
