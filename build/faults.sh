#!/usr/bin/env bash
# Runs the fault matrix (test/FunctionalTests/Faults) against a cluster under load, and reports the cost of each fault.
#
#   bash build/faults.sh                        every case with 3 seeds, direct and behind nginx
#   bash build/faults.sh --seeds 10             with 10 seeds; a seed decides the moment, the victim and the load
#   bash build/faults.sh --case worker-SIGKILL  one case, or all whose names begin with this
#   bash build/faults.sh --direct | --nginx     only one way
#
# Prints a table of the cases. Exits with 0 if every run of every case ended as it should.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh

FAULT_SEEDS=3 FAULT_CASE='' FAULT_WAY=''
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage ;;
    --seeds) [[ ${2-} =~ ^[1-9][0-9]*$ ]] || wrong "--seeds needs a number such as 3"; FAULT_SEEDS=$2; shift 2 ;;
    --case) [ -n "${2-}" ] || wrong "--case needs the beginning of a name such as worker-"; FAULT_CASE=$2; shift 2 ;;
    --direct | --nginx) FAULT_WAY=${1#--}; shift ;;
    *) wrong "unknown option $1. Try --help" ;;
  esac
done

FAULT_RESULTS=$(mktemp) log=$(mktemp)
trap 'rm -f "$FAULT_RESULTS" "$log"' EXIT
# Fifty workers booting at once take a minute.
export FAULT_SEEDS FAULT_CASE FAULT_WAY FAULT_RESULTS WAIT_LIMIT_SECONDS=300

result=0
dotnet build test/FunctionalTests --nologo -v q '-clp:ErrorsOnly;NoSummary'
# Its exit code says nothing: a table with no selected case is reported as skipped, and counted as failed.
dotnet run --no-build --project test/FunctionalTests -- -noColor -noLogo -class '*FaultTests' | tee "$log" || true
grep -q 'TEST EXECUTION SUMMARY' "$log" && ! grep -q '\[FAIL\]' "$log" || result=1
[ -s "$FAULT_RESULTS" ] || wrong "no case is called $FAULT_CASE${FAULT_WAY:+, or none of that name runs $FAULT_WAY}"

# Name, way, seed, requests, lost, allowed, reason, milliseconds, verdict.
sort -s -t $'\t' -k1,2 "$FAULT_RESULTS" | awk -F '\t' '
  BEGIN { print "| case | way | runs | requests | lost | allowed | on record | |"; print "|---|---|---|---|---|---|---|---|" }
  function row() { if (key != "") printf "| %s | %s | %d | %d | %d | %d | %s | %s |\n", name, way, runs, requests, lost, allowed, reason, bad ? bad " FAILED" : "ok" }
  $1 FS $2 != key { row(); key = $1 FS $2; name = $1; way = $2; reason = $7; runs = requests = lost = allowed = bad = 0 }
  { runs++; requests += $4; lost += $5; allowed += $6; bad += $9 != "ok" }
  END { row() }'
exit $result
