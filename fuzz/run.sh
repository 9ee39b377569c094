#!/usr/bin/env bash
# Builds the fuzz targets with coverage of branches and runs each for so many seconds: run.sh SECONDS [TARGET ...]
# What a target found before is kept in fuzz/corpus and goes on; what breaks one is written to fuzz/artifacts.
set -euo pipefail
cd "$(dirname "$0")"
seconds=$1
shift
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then targets=(bytes_into_server register_writes); fi
# What cargo-fuzz passes without a sanitizer: all of it is stable.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing"
host=$(rustc -vV | sed -n 's/^host: //p')
RUSTFLAGS="$flags" cargo build --release --locked --target "$host"
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target" "artifacts/$target"
  echo "fuzzing $target for $seconds s"
  "target/$host/release/$target" "corpus/$target" "seeds/$target" -max_total_time="$seconds" -timeout=20 \
    -rss_limit_mb=2048 -max_len=2048 -len_control=0 -artifact_prefix="artifacts/$target/" -print_final_stats=1 2> "artifacts/$target.log" \
    || { tail -40 "artifacts/$target.log"; echo "$target failed: the input is in fuzz/artifacts/$target"; exit 1; }
  grep -E "stat::number_of_executed_units|^#.*DONE" "artifacts/$target.log" | tail -2
done
