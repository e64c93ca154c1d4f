# A supervisor with two workers, all of them arm64 programs, for build/arm64/inside.sh to source.

green() { timeout 180 "$out/KestrelGreenTransport.Tool/green" "$@"; }
status() { green status --json; }
workers() { status | jq -e "([.workers[] | select(.state == \"serving\")] | length == $1) $2" >/dev/null; }

# Waits for a condition, for at most five minutes: starting one program may take half a minute here. A command that outlasts the
# supervisor's time limit for a request is told to try again, and this does that.
eventually() {
  local until=$((SECONDS + 300))
  while [ $SECONDS -lt $until ]; do "$@" 2>/dev/null && return; sleep 1; done
  return 1
}

check() {
  local claim=$1
  shift
  if "$@"; then echo "ok      $claim"; passed=$((passed + 1)); else echo "FAILED  $claim"; failed=$((failed + 1)); fi
}

answered() { curl -s --max-time 60 "$(status | jq -r '.listeners[0].endpoint' | sed 's,^tcp://,http://,')" | grep -q '^Hello from process '; }

cluster() {
  local supervisor before=$failed log=$work/supervisor.log
  step "green run -w 2 on arm64"
  export RUNTIME_DIRECTORY=$work/run
  mkdir "$RUNTIME_DIRECTORY"
  (cd "$out/Hello" && exec "$out/KestrelGreenTransport.Tool/green" run --name arm -w 2 -b 127.0.0.1:0 --timeout 60s --boot-timeout 5m ./Hello) > "$log" 2>&1 &
  supervisor=$!
  check "both workers are serving" eventually workers 2 ''
  check "a worker answers" answered
  kill -KILL "$(status | jq '.workers[0].pid')" || true
  check "a killed worker is replaced, and the reason is known" eventually workers 2 'and any(.workers[]; .lastExit.signal == "SIGKILL")'
  check "green scale 3" eventually green scale 3
  check "green reload" eventually green reload
  check "the new generation is serving" eventually workers 3 'and .generation >= 2'
  check "a worker of the new generation answers" answered
  check "green stop" eventually green stop
  check "the supervisor exits with 0" wait "$supervisor"
  check "nothing is left in its run-time directory" test -z "$(ls -A "$RUNTIME_DIRECTORY")"
  [ "$failed" = "$before" ] || tail -60 "$log"
}
