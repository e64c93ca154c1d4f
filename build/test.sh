#!/usr/bin/env bash
# Builds everything with warnings as errors, checks the format, and runs the tests. Exits non-zero if anything fails.
#
#   bash build/test.sh                       every test: what a change must pass
#   bash build/test.sh --quick               every unit test and a smoke set of the functional tests: before each commit
#   bash build/test.sh --filter PoolTests    one class, with what it needs
#   bash build/test.sh --arm64               what an emulator of arm64 can run (not part of the gate; build/test-arm64.sh has options)
#
# Installs the programs that the tests start (nginx, strace ...) with apt-get if they are missing and this is root or has
# passwordless sudo. Otherwise needs the network only to restore packages. The last line is: N passed, N failed, N skipped
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh

mode=all class=''
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage ;;
    --quick) mode=quick; shift ;;
    --filter) [[ ${2-} =~ ^[A-Za-z0-9_]+$ ]] || wrong "--filter needs the name of a class such as PoolTests"; mode=filter class=$2; shift 2 ;;
    --arm64) shift; exec bash build/test-arm64.sh "$@" ;;
    *) wrong "unknown option $1. Try --help" ;;
  esac
done

command -v dotnet >/dev/null || fail "the .NET 10 SDK is missing. See https://dotnet.microsoft.com/download/dotnet/10.0"
dotnet --version >/dev/null || fail "global.json asks for a .NET 10 SDK. See https://dotnet.microsoft.com/download/dotnet/10.0"
logs=$(mktemp -d)
trap 'wait; rm -rf "$logs"' EXIT

# Beside the build, which does not need them.
need nginx=nginx haproxy=haproxy strace=strace python3=python3 curl=curl openssl=openssl redis-server=redis-server setsid=util-linux setpriv=util-linux \
  prlimit=util-linux chromium=chromium man=man-db zsh=zsh fish=fish ip=iproute2 cc=gcc jq=jq wrk=wrk \
  systemd-analyze=systemd systemd-socket-activate=systemd > "$logs/need" 2>&1 &
needed=$!

units=(KestrelGreenTransport.Tests KestrelGreenTransport.Supervisor.Tests KestrelGreenTransport.Tool.Tests)
target=KestrelGreenTransport.sln
if [ $mode = filter ]; then
  file=$(grep -rlE "class $class\b" test --include='*.cs' | grep -v /obj/ | head -1)
  [ -n "$file" ] || wrong "no project in test/ has a class $class"
  target=$(cut -d/ -f1-2 <<<"$file")
fi

result=0

step "dotnet build $target"
dotnet build "$target" --nologo -p:Strict=true -v q '-clp:NoSummary'

# The build checks what the compiler sees (IDE0055 and others are warnings); this checks the rest: final newlines and so on.
step "dotnet format whitespace"
dotnet format whitespace --folder . --verify-no-changes || result=1

wait $needed || { cat "$logs/need" >&2; exit 1; }
cat "$logs/need"

# Runs one test program; its output ends in "Total: N, Errors: N, Failed: N, Skipped: N".
run() {
  local name=$1 log=$logs/$1.log
  shift
  with_default_signals "test/$name/bin/Debug/net10.0/$name" -noColor -noLogo "$@" 2>&1 | tee "$log" || true
  grep -q 'TEST EXECUTION SUMMARY' "$log" || echo "   $name  Total: 0, Errors: 1, Failed: 0, Skipped: 0: it ended without a summary" | tee -a "$log"
}

step "tests"
case $mode in
  filter) run "${target#test/}" -class "*.$class" ;;
  *)
    # One after another. At the same time, on two hyperthreads, they took 72 s instead of 90, but the transport's tests had less of the processors.
    for unit in "${units[@]}"; do run "$unit"; done
    if [ $mode = quick ]; then run FunctionalTests -trait Set=smoke; else run FunctionalTests; fi
    ;;
esac

# Totals of all test programs. An error outside of a test is a failure too.
read -r total failed skipped < <(sed -n 's/.*Total: \([0-9]*\), Errors: \([0-9]*\), Failed: \([0-9]*\), Skipped: \([0-9]*\).*/\1 \2 \3 \4/p' "$logs"/*.log |
  awk '{ total += $1; failed += $2 + $3; skipped += $4 } END { print total + 0, failed + 0, skipped + 0 }')
passed=$((total - failed - skipped))
[ "$failed" = 0 ] && [ "$passed" -gt 0 ] || result=1

echo
echo "$passed passed, $failed failed, $skipped skipped"
exit $result
