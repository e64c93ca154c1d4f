#!/usr/bin/env bash
# Puts load on a cluster while something is done to it again and again, and says what became of every request.
#
#   build/soak.sh SCENARIO [SECONDS] [WORKERS]
#
#   scale     4 workers, or as many as given, become half as many and back again
#   kill      kill -9 of a random worker; requests may be lost by its own connections alone
#   terminate TERM to a random worker: it drains, and is replaced
#   reload    HUP to the supervisor: a new generation, one worker at a time
#   recycle   nothing is done, but each worker leaves after 1000 requests
#
# Two loads run: 24 clients that post without a pause on connections kept open, and 24 that rest between two requests,
# longer and shorter than a drain lingers. Ends with 0 if no request was lost that need not have been. CONFIGURATION=Debug
# takes the programs of a debug build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

scenario=${1:-} seconds=${2:-60} workers=${3:-4} configuration=${CONFIGURATION:-Release}
case $scenario in scale | kill | terminate | reload | recycle) ;; *) sed -n '4,11p' "$0"; exit 2 ;; esac

for project in src/KestrelGreenTransport.Tool test/TestWorker test/LoadGenerator; do
  dotnet build "$project" -c "$configuration" --nologo -v q '-clp:ErrorsOnly;NoSummary'
done
built() { echo "$PWD/$1/bin/$configuration/net10.0/$2"; }
green=$(built src/KestrelGreenTransport.Tool green.dll)

folder=$(mktemp -d)
export RUNTIME_DIRECTORY=$folder
name=soak
started=()
finish() {
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -r "$folder"
}
trap finish EXIT

options=()
[ "$scenario" != recycle ] || options=(--max-requests 1000)
dotnet "$green" run --name "$name" -w "$workers" -b 127.0.0.1:0 "${options[@]}" "$(built test/TestWorker TestWorker.dll)" >"$folder/log" 2>&1 &
supervisor=$!
started+=("$supervisor")

status() { dotnet "$green" status --name "$name" --json 2>/dev/null; }
# What a status says: "STATE NUMBER-OF-SERVING PORT PID,PID..."
facts() {
  status | python3 -c '
import json, sys
status = json.load(sys.stdin)
serving = [w for w in status["workers"] if w["state"] == "serving"]
print(status["state"], len(serving), status["listeners"][0]["endpoint"].rsplit(":", 1)[1], ",".join(str(w["pid"]) for w in serving))' 2>/dev/null
}
generation() { status | python3 -c 'import json, sys; print(json.load(sys.stdin)["generation"])'; }
# Waits until so many workers serve and nothing is under way.
settled() {
  for _ in $(seq 300); do
    [[ "$(facts)" != "running $1 "* ]] || return 0
    sleep 0.2
  done
  echo "soak: not $1 workers within a minute:"; status; tail -20 "$folder/log"; exit 1
}
settled "$workers"
port=$(facts | cut -d' ' -f3)

load() {
  dotnet "$(built test/LoadGenerator LoadGenerator.dll)" "127.0.0.1:$port" seconds="$seconds" path=/echo body=200 losses="$folder/losses.$1" "${@:2}" <&3 >"$folder/report.$1" &
  started+=($!) loads+=($!)
}
loads=()
# They end early when this does.
exec 3< <(sleep "$seconds")
load busy clients=24
load resting clients=12 pause-ms=1500
load pausing clients=12 pause-ms=150

end=$((SECONDS + seconds - 2)) rounds=0
: >"$folder/victims"
while [ $SECONDS -lt $end ]; do
  case $scenario in
    scale)
      dotnet "$green" scale --name "$name" $((workers / 2)) >/dev/null
      settled $((workers / 2))
      dotnet "$green" scale --name "$name" "$workers" >/dev/null
      settled "$workers"
      ;;
    kill | terminate)
      victim=$(facts | cut -d' ' -f4 | tr , '\n' | shuf -n 1)
      [ "$scenario" != kill ] || echo "$victim $(date +%s.%N)" >>"$folder/victims"
      kill -s "$([ "$scenario" = kill ] && echo KILL || echo TERM)" "$victim"
      while [[ ",$(facts | cut -d' ' -f4)," = *,$victim,* ]]; do sleep 0.1; done
      settled "$workers"
      ;;
    reload)
      before=$(generation)
      kill -HUP "$supervisor"
      until [ "$(generation)" -gt "$before" ]; do sleep 0.2; done
      settled "$workers"
      ;;
    recycle) sleep 1 ;;
  esac
  rounds=$((rounds + 1))
done

for pid in "${loads[@]}"; do wait "$pid" || true; done
echo "$scenario: $rounds rounds in $seconds s"
for one in busy resting pausing; do sed "s/^/$one: /" "$folder/report.$one"; done

# A request that was lost must have been on a connection of a worker that was killed: one that had answered there before,
# or, for the first request of a connection, one that died at that moment.
python3 - "$folder" <<'PYTHON'
import datetime, glob, re, sys
folder = sys.argv[1]
victims = [(pid, float(at)) for pid, at in (line.split() for line in open(f"{folder}/victims"))]
begun = answered = 0
for report in glob.glob(f"{folder}/report.*"):
    found = re.match(r"(\d+) begun, (\d+) answered", open(report).read())
    begun, answered = begun + int(found[1]), answered + int(found[2])
untraced = []
losses = [line for file in glob.glob(f"{folder}/losses.*") for line in open(file)]
for loss in losses:
    at, outcome, server = loss.split()[:3]
    moment = datetime.datetime.fromisoformat(at[:26] + at[-6:]).timestamp()
    server = server.removeprefix("server=")
    near = any(server in ("new", pid) and abs(moment - died) < 2 for pid, died in victims)
    if outcome not in ("Reset", "Ended") or not near:
        untraced.append(loss)
print(f"{begun} requests, {begun - answered} lost, {len(losses) - len(untraced)} of them by {len(victims)} killed workers, {len(untraced)} without a reason")
sys.stdout.writelines(untraced[:20])
if begun < 1000:
    sys.exit("that was no load")
sys.exit(1 if untraced or begun - answered != len(losses) and len(losses) < 1000 else 0)
PYTHON
