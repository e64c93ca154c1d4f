#!/usr/bin/env bash
# Makes the packages: the two libraries, and the tool as one package for every platform and one compiled ahead of time.
#
#   build/pack.sh [--portable | --tool] [--no-build] [FOLDER]
#
# FOLDER is artifacts/packages if not given. --portable leaves out what is compiled ahead of time, which takes minutes
# and needs gcc or clang, and zlib's headers. --tool makes the tool's packages alone. --no-build takes what was built. CONFIGURATION is Release if not set.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh

# In a folder of its own: what is built for one platform must not stand where the next build looks for the others.
portable='' tool='' folder='' build=(--artifacts-path "$PWD/artifacts/pack")
for argument in "$@"; do
  case $argument in
    --portable) portable=1 ;;
    --tool) tool=1 ;;
    --no-build) build=(--no-build) ;;
    -h | --help) usage ;;
    -*) wrong "unknown option $argument. Try --help" ;;
    *) folder=$argument ;;
  esac
done
folder=$(realpath -m "${folder:-artifacts/packages}")

if [ -z "$portable" ]; then
  command -v clang >/dev/null || command -v gcc >/dev/null || fail "compiling ahead of time needs a linker: apt-get install clang zlib1g-dev. Or give --portable"
fi

rm -f "$folder"/KestrelGreenTransport.*nupkg

# One MSBuild for all packages, and in one process: each project waits for the one before it.
options=(-c "${CONFIGURATION:-Release}" -o "$folder" -m:1 --nologo -v q '-clp:ErrorsOnly;NoSummary')

# The SDK installs the tool's package that fits the machine; that of linux-x64 asks for glibc 2.28.
[ -n "$portable" ] || options+=(-p:PackForRuntimes=true)

# Needs crossgen2 from the feed, which --no-build does not restore.
[ -n "$portable$tool" ] || options+=(-p:PackReadyToRun=true)

packages=build/packages.slnf
[ -z "$tool" ] || packages=src/KestrelGreenTransport.Tool
dotnet pack $packages "${build[@]}" "${options[@]}"
ls -l "$folder"
