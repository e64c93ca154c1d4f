#!/usr/bin/env bash
# What the supervisor itself costs: build/bench-supervisor-cost.sh [WORKERS] [SECONDS]
#
# Starts WORKERS (16) idle workers of samples/Hello under `green run`, lets them settle, and reads the supervisor's
# processor time and anonymous memory from /proc over SECONDS (30). Wants a machine with nothing else to do.
set -euo pipefail
cd "$(dirname "$0")/.."

cost() {
  local workers=${1:-16} seconds=${2:-30} folder pid before after ticks
  dotnet build -c Release --nologo -v q src/KestrelGreenTransport.Tool >&2
  dotnet build -c Release --nologo -v q samples/Hello >&2
  folder=$(mktemp -d)
  trap 'kill -TERM "$pid" 2>/dev/null && wait "$pid"; rm -r "$folder"' EXIT
  # The app's own settings name a port that may be taken.
  RUNTIME_DIRECTORY=$folder GREEN_SUPERVISOR=0 dotnet src/KestrelGreenTransport.Tool/bin/Release/net10.0/green.dll \
    run -w "$workers" -b 127.0.0.1:0 --name bench samples/Hello/bin/Release/net10.0/Hello.dll >"$folder/log" 2>&1 &
  pid=$!
  until [ "$(grep -c ' serves, ' "$folder/log")" -ge "$workers" ]; do
    kill -0 "$pid" || { cat "$folder/log" >&2; exit 1; }
    sleep 0.5
  done
  sleep 10
  before=$(awk '{print $14 + $15}' "/proc/$pid/stat")
  sleep "$seconds"
  after=$(awk '{print $14 + $15}' "/proc/$pid/stat")
  ticks=$(getconf CLK_TCK)
  awk -v used=$((after - before)) -v ticks="$ticks" -v seconds="$seconds" -v workers="$workers" \
    'BEGIN { printf "%d workers: %.2f %% of a core\n", workers, 100 * used / ticks / seconds }'
  awk '/RssAnon|VmRSS/ { printf "%s %.1f MB\n", $1, $2 / 1024 }' "/proc/$pid/status"
}

cost "$@"
