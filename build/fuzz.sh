#!/usr/bin/env bash
# Fuzzes for longer than the tests do: every test class whose name ends in FuzzTests, one after another.
#
#   bash build/fuzz.sh --minutes 10             10 minutes for each of their tests, from random seeds
#   bash build/fuzz.sh --cases 100000           this many cases for each
#   bash build/fuzz.sh --seed 12345             the case with this seed first; a failure names it
#   bash build/fuzz.sh --only Parser            one class, ParserFuzzTests
#
# A failing case is printed in its shortest form, with the command that runs it again. Exits with 0 if none failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh

minutes='' cases='' seed='' only=''
while [ $# -gt 0 ]; do
  case $1 in
    --help | -h) usage ;;
    --minutes | --cases | --seed | --only) [ $# -gt 1 ] || wrong "$1 needs a value. Try --help" ;;
    *) wrong "unknown option $1. Try --help" ;;
  esac
  case $1 in
    --minutes) [[ $2 =~ ^[0-9]+(\.[0-9]+)?$ ]] || wrong "--minutes $2 must be a number such as 0.5 or 10"; minutes=$2 ;;
    --cases) [[ $2 =~ ^[0-9]+$ ]] || wrong "--cases $2 must be a whole number"; cases=$2 ;;
    --seed) [[ $2 =~ ^[0-9]+$ ]] || wrong "--seed $2 must be a number that a failure named"; seed=$2 ;;
    --only) [[ $2 =~ ^[A-Za-z]+$ ]] || wrong "--only $2 must be the beginning of a class such as ParserFuzzTests"; only=$2 ;;
  esac
  shift 2
done

# A number of cases has no time limit.
[ -n "$minutes" ] || { [ -n "$cases" ] && minutes=100000 || minutes=1; }
FUZZ_SECONDS=$(awk "BEGIN { print $minutes * 60 }")
export FUZZ_SECONDS FUZZ_CASES=$cases FUZZ_SEED=$seed

found=0 ran=''
for file in test/*/Fuzz/*FuzzTests.cs test/*/Fuzz/*/*FuzzTests.cs; do
  class=$(basename "$file" .cs)
  [ -f "$file" ] && [[ -z $only || $class == "${only}FuzzTests" ]] || continue
  ran=1 project=$(cut -d/ -f1-2 <<<"$file")
  dotnet build "$project" --nologo -v q '-clp:ErrorsOnly;NoSummary'

  # Nothing runs beside it: that would change the order of events.
  dotnet run --no-build --project "$project" -- -noColor -noLogo -diagnostics -parallelMode none -class "*.$class" || found=1
done
[ -n "$ran" ] || wrong "no class is called ${only}FuzzTests"
exit $found
