#!/usr/bin/env bash
# The part of build/test-arm64.sh that runs inside its namespaces, as their first process.
#
#   build/arm64/inside.sh PUBLISHED FOLDER all | cluster | class NAME
set -euo pipefail
source build/common.sh
out=$1 work=$2 what=$3 class=${4-}

mount -t proc proc /proc
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc ||
  fail "this kernel has no binfmt_misc for a user namespace (Linux 6.7 or newer has)"
# ELF, 64 bit, a program or a shared object, for machine 183. P passes on the program's own name, O the open file, for a
# program without a path; F opens the emulator now.
printf '%s' ":qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:$(command -v qemu-aarch64):POF" \
  > /proc/sys/fs/binfmt_misc/register
ip link set lo up

# A current server processor. Without EnableWriteXorExecute=0 .NET writes code through a second mapping, which this emulator
# does not notice: it keeps running the old code.
export QEMU_CPU=neoverse-n1 DOTNET_EnableWriteXorExecute=0 DOTNET_GCHeapHardLimit=0x40000000 CC=aarch64-linux-gnu-gcc FUZZ_SECONDS=1 WAIT_SECONDS=600

passed=0 failed=0 skipped=0

source build/arm64/left-out.sh
source build/arm64/cluster.sh

# Runs one test program; its output ends in "Total: N, Errors: N, Failed: N, Skipped: N".
run() {
  local project=$1 log=$work/$1.log total errors failures skips
  shift
  step "$project on arm64"
  timeout -k 10 3600 "$out/$project/$project" -noColor -noLogo "$@" 2>&1 | tee "$log" || true
  if ! read -r total errors failures skips < <(sed -n 's/.*Total: \([0-9]*\), Errors: \([0-9]*\), Failed: \([0-9]*\), Skipped: \([0-9]*\).*/\1 \2 \3 \4/p' "$log" | tail -1); then
    echo "$project ended without a summary"
    total=0 errors=1 failures=0 skips=0
  fi
  passed=$((passed + total - failures - skips)) failed=$((failed + failures + errors)) skipped=$((skipped + skips))
}

start=$SECONDS
case $what in
  class)
    # A project without a class of that name runs no test.
    for project in KestrelGreenTransport.Tests KestrelGreenTransport.Supervisor.Tests; do run "$project" -class "*.$class"; done
    ;;
  cluster) cluster ;;
  all)
    for project in KestrelGreenTransport.Tests KestrelGreenTransport.Supervisor.Tests; do
      mapfile -t options < <(leaving_out $project)
      run $project "${options[@]}"
    done
    cluster
    left_out
    ;;
esac
[ "$passed" != 0 ] || failed=$((failed + 1))

echo
echo "$((SECONDS - start)) s under emulation"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
