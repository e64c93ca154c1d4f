#!/usr/bin/env bash
# Runs on x64 what can be tested of the arm64 build there, under qemu's user-mode emulation. Not part of the gate.
#
#   build/test-arm64.sh
#
# Installs qemu-user, an arm64 compiler and arm64 libraries by apt-get where they are missing and root allows it. On an arm64
# machine run build/test.sh instead. What this leaves out, and why, is printed at the end (docs: CONTRIBUTING.md, "arm64").
# The last line is: N passed, N failed, N skipped
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh

[ "$(uname -m)" = x86_64 ] || fail "this emulates arm64 on x64; elsewhere run build/test.sh"
command -v dotnet >/dev/null || fail "the .NET 10 SDK is missing. See https://dotnet.microsoft.com/download/dotnet/10.0"

# The libraries that .NET itself needs. Debian has renamed the last one.
ssl=libssl3
! apt-cache show libssl3t64 >/dev/null 2>&1 || ssl=libssl3t64
libraries=(/lib/ld-linux-aarch64.so.1=libc6:arm64 /usr/lib/aarch64-linux-gnu/libstdc++.so.6=libstdc++6:arm64
  /usr/lib/aarch64-linux-gnu/libz.so.1=zlib1g:arm64 /usr/lib/aarch64-linux-gnu/libssl.so.3=$ssl:arm64)
if [ -n "$(missing "${libraries[@]}")" ] && [ "$(id -u)" = 0 ] && command -v dpkg >/dev/null; then
  dpkg --add-architecture arm64
fi
need qemu-aarch64=qemu-user aarch64-linux-gnu-gcc=gcc-aarch64-linux-gnu curl=curl jq=jq cc=gcc \
  /usr/aarch64-linux-gnu/include/sys/epoll.h=libc6-dev-arm64-cross "${libraries[@]}"

out=$PWD/artifacts/arm64
publish() {
  dotnet publish "$1" -c Debug -r linux-arm64 --self-contained -o "$out/$(basename "$1")" --artifacts-path "$out/build" \
    --nologo -v q '-clp:ErrorsOnly;NoSummary' -p:ValidateExecutableReferencesMatchSelfContained=false
}

step "publishing for linux-arm64"
for project in test/KestrelGreenTransport.Tests test/KestrelGreenTransport.Supervisor.Tests src/KestrelGreenTransport.Tool samples/Hello; do
  publish "$project"
done

# A server's processor of today. Without EnableWriteXorExecute=0 .NET writes code by way of a second mapping, which this emulator does not
# notice: it goes on with what stood there before.
export QEMU_CPU=neoverse-n1 DOTNET_EnableWriteXorExecute=0 DOTNET_GCHeapHardLimit=0x40000000 CC=aarch64-linux-gnu-gcc FUZZ_SECONDS=1

passed=0 failed=0 skipped=0 result=0

# --- the tests ------------------------------------------------------------------------------------------------------
transport_leaves_out=(-class- '*SystemdSocketsTests' -class- '*DescriptorExhaustionTests' -method- '*64_MB*')
supervisor_leaves_out=(-class- '*AppResolverTests' -class- '*ListenQueueTests' -class- '*RandomStoryTests'
  -method- '*A_missing_program_is_an_error_of_the_call_itself' -method- '*A_child_begins_with_every_signal_at_its_default*')
run() {
  local project=$1 log; shift
  log=$(mktemp)
  step "$project under qemu-aarch64"
  timeout 900 qemu-aarch64 "$out/$project/$project" -noColor "$@" 2>&1 | tee "$log" || result=1
  count() { sed -n "s/.*Total: .*\b$1: \([0-9]\+\).*/\1/p" "$log" | tail -1; }
  local total errors failures skips
  total=$(count Total) errors=$(count Errors) failures=$(count Failed) skips=$(count Skipped)
  [ -n "$total" ] || fail "$project ended without a summary"
  passed=$((passed + total - failures - skips)) failed=$((failed + failures + errors)) skipped=$((skipped + skips))
  rm -f "$log"
}

run KestrelGreenTransport.Tests "${transport_leaves_out[@]}"
run KestrelGreenTransport.Supervisor.Tests "${supervisor_leaves_out[@]}"

# --- a supervisor with two workers ------------------------------------------------------------------------------------
# The kernel does not start an arm64 program by itself, so each worker is a small program that becomes the emulator with it.
step "green run -w 2 under qemu-aarch64"
work=$(mktemp -d) supervisor=''
trap '[ -z "$supervisor" ] || kill -KILL "$supervisor" 2>/dev/null || true; rm -rf "$work"' EXIT
cc -x c -o "$work/hello" - <<C
#include <unistd.h>
int main(int count, char **given)
{
    char *arguments[count + 2];
    arguments[0] = "qemu-aarch64";
    arguments[1] = "$out/Hello/Hello";
    for (int i = 1; i <= count; i++)
        arguments[i + 1] = given[i];
    return execvp(arguments[0], arguments);
}
C
export RUNTIME_DIRECTORY=$work
green() { timeout 120 qemu-aarch64 "$out/KestrelGreenTransport.Tool/green" "$@"; }
status() { green status --json; }
workers() { status | jq -e "([.workers[] | select(.state == \"serving\")] | length == $1) $2" >/dev/null; }
# Waits for a fact, two minutes at most.
eventually() { for _ in $(seq 120); do "$@" 2>/dev/null && return; sleep 1; done; return 1; }
check() {
  local what=$1; shift
  if "$@"; then echo "ok      $what"; passed=$((passed + 1)); else echo "FAILED  $what"; failed=$((failed + 1)); fi
}

cd "$work"
ASPNETCORE_CONTENTROOT=$out/Hello qemu-aarch64 "$out/KestrelGreenTransport.Tool/green" run --name arm -w 2 -b 127.0.0.1:0 --timeout 60s --boot-timeout 2m ./hello > "$work/log" 2>&1 &
supervisor=$!
check "both workers serve" eventually workers 2 ""
url=http://$(status | jq -r '.listeners[0].endpoint' | sed 's,^tcp://,,')
check "a request is answered by one of them" grep -q "^Hello from process " <(curl -s --max-time 60 "$url/")
first=$(status | jq '.workers[0].pid')
kill -KILL "$first"
check "one that is killed is replaced, and the reason is known" eventually workers 2 'and any(.workers[]; .lastExit.signal == "SIGKILL")'
check "green scale 3" green scale 3
check "green reload" green reload
check "the new generation serves" eventually workers 3 'and .generation == 2'
check "green stop" green stop
check "it leaves with 0" wait "$supervisor"
supervisor=''
[ "$failed" = 0 ] || tail -40 "$work/log"

cat <<'TEXT'

== left out, and why
SystemdSocketsTests, DescriptorExhaustionTests   they start a second arm64 program, and the kernel does not put the emulator before it
the functional tests, green upgrade, process 1   for the same reason
AppResolverTests                                 they take the test program for an app of the installed dotnet, which it is not here
ListenQueueTests                                 the emulator does not pass NETLINK_SOCK_DIAG on: status shows no clients in the queue
SpawnTests, two of them                          the emulator's vfork is a fork, so posix_spawn cannot tell that the program is missing; and it keeps two signals to itself
RandomStoryTests, uploads of 64 MB               minutes each, for code that no processor makes a difference to
the order of writes between processors           x64's own: a barrier that only arm64 would miss is not missed here
TEXT

[ "$failed" = 0 ] || result=1
echo
echo "$passed passed, $failed failed, $skipped skipped"
exit $result
