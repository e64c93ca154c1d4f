#!/usr/bin/env bash
# Runs the functional tests repeatedly and reports which of them fail by chance.
#
#   build/flakes.sh --runs 10                  ten runs on an otherwise quiet machine
#   build/flakes.sh --runs 5 --busy            with two processes computing beside the tests
#   build/flakes.sh --runs 50 --filter PoolTests   one class
#
# Prints a table: each test that failed, its runs, its failures, and the first message. The output of every run stays in
# artifacts/flakes. Exits with 0 if no test failed in any run. Uses the programs as built: run build/test.sh --quick first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh

runs='' busy='' filter='*'
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage ;;
    --runs) [[ ${2-} =~ ^[1-9][0-9]*$ ]] || wrong "--runs needs a number such as 10"; runs=$2; shift 2 ;;
    --busy) busy=1; shift ;;
    --filter) [[ ${2-} =~ ^[A-Za-z*]+$ ]] || wrong "--filter needs the name of a class such as PoolTests"; filter="*.$2"; shift 2 ;;
    *) wrong "unknown option $1. Try --help" ;;
  esac
done
[ -n "$runs" ] || wrong "how many runs? Give --runs 10, for example"

program=test/FunctionalTests/bin/Debug/net10.0/FunctionalTests
[ -x "$program" ] || wrong "$program is not built. Run bash build/test.sh --quick first"
[[ $filter != '*.'* ]] || grep -rqE "class ${filter#\*.}\b" test/FunctionalTests --include='*.cs' || wrong "FunctionalTests has no class ${filter#\*.}"

results=artifacts/flakes
rm -rf "$results"
mkdir -p "$results"
computing=()
trap '[ ${#computing[@]} = 0 ] || kill "${computing[@]}" 2>/dev/null || true' EXIT
if [ -n "$busy" ]; then
  for _ in 1 2; do
    sh -c 'while :; do :; done' &
    computing+=($!)
  done
fi

for run in $(seq "$runs"); do
  began=$(date +%s)
  with_default_signals "$program" -noColor -noLogo -class "$filter" -result-xml "$results/$run.xml" > "$results/$run.log" 2>&1 || true
  grep -q 'TEST EXECUTION SUMMARY' "$results/$run.log" || { tail -20 "$results/$run.log"; fail "run $run ended without a summary: see $results/$run.log"; }
  echo "run $run of $runs: $(sed -n 's/^ *FunctionalTests  *//p' "$results/$run.log" | tail -1) ($(($(date +%s) - began)) s)"
done
python3 build/flakes.py "$results"
