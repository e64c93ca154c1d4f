#!/usr/bin/env bash
# Two workers of samples/Hello on one listening socket, without the supervisor.
#
#   bash samples/WorkerContract/two-workers.sh
#
# HUP replaces one worker after the other and loses no request; TERM and Ctrl+C stop both. PORT chooses another port than
# 8080, HELLO_DLL an app that is already built.
set -euo pipefail

address=127.0.0.1:${PORT:-8080}
hello=$(cd "$(dirname "${BASH_SOURCE[0]}")/../Hello" && pwd)

# A shell cannot bind. Python can, leaves the socket as descriptor 3, and becomes this script again, now with an argument.
if [ $# = 0 ]; then
  dll=${HELLO_DLL:-$(dotnet build "$hello" --nologo -t:Build --getProperty:TargetPath)} || { dotnet build "$hello" --nologo >&2; exit 1; }
  exec python3 -c '
import os, socket, sys
host, port = sys.argv[1].split(":")
listener = socket.create_server((host, int(port)), backlog=2048)
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
os.execvp("bash", ["bash", *sys.argv[2:]])
' "$address" "${BASH_SOURCE[0]}" "$dll"
fi
dll=$1

folder=$(mktemp -d -p "${RUNTIME_DIRECTORY:-/dev/shm}" two-workers.XXXXXX)
pids=() # by index
next=1

# Starts a worker and waits until its heartbeat says that it is serving (state 2), or until it is gone.
launch() {
  local index=$next
  next=$((next % 4 + 1)) # 1 to 4: an old worker and a new one never share an index
  rm -f "$folder/$index.beat"
  GREEN_WORKER=$index GREEN_LISTEN=3=tcp://$address GREEN_BOARD_FILE=$folder/board GREEN_HEARTBEAT_FILE=$folder/$index.beat \
    dotnet "$dll" &
  pids[index]=$!
  until [ "$(od -An -t d8 -j 32 -N 8 "$folder/$index.beat" 2>/dev/null | tr -d ' ')" = 2 ]; do
    kill -0 "${pids[index]}" 2>/dev/null || { echo "worker $index did not start" >&2; unset "pids[$index]"; return 1; }
    sleep 0.1
  done
  echo "worker $index (pid ${pids[index]}) is ready"
}

# On TERM a worker stops accepting, finishes its requests and exits.
finish() {
  kill -TERM "${pids[$1]}" 2>/dev/null || true
  wait "${pids[$1]}" || true
  echo "worker $1 has exited"
  unset "pids[$1]"
}

# A new worker first: if it does not start, the old one keeps serving.
replace() {
  local old=("${!pids[@]}") one
  for one in "${old[@]}"; do
    launch || return 0
    finish "$one"
  done
}

stop() {
  trap '' HUP TERM INT
  kill -TERM "${pids[@]}" 2>/dev/null || true
  wait
  rm -r "$folder"
}

cd "$hello" # for its appsettings.json
trap stop EXIT
trap 'exit 0' TERM INT
launch
launch
trap replace HUP
while true; do
  wait -n || true # for the end of a worker, or a signal
  for index in "${!pids[@]}"; do
    kill -0 "${pids[index]}" 2>/dev/null || { echo "worker $index is gone"; unset "pids[$index]"; launch || exit 1; }
  done
done
