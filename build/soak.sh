#!/usr/bin/env bash
# Puts load on a cluster while it is disturbed again and again, and reports the outcome of every request.
#
#   build/soak.sh SCENARIO [SECONDS] [WORKERS] [--rounds N] [--requests N] [--no-nginx] [--capture FILE]
#   build/soak.sh [everything] --hours N [--seed N] [--out FOLDER]
#
#   everything reloads, upgrades, kills, stops, pauses, scaling and recycling in random order, under posts, gets, slow
#              readers, new connections and HTTP/2; says whether memory or descriptors grow, and plots them
#
#   reload     HUP to the supervisor: a new generation, one worker at a time
#   recycle    nothing is done, but each worker leaves after 1000 requests
#   scale      2 workers, or as many as given, become three times as many and back again
#   upgrade    USR2 to the supervisor: a new one takes over the sockets
#   terminate  TERM to a random worker: it drains, and is replaced
#   kill       kill -9 of a random worker; requests may be lost by its own connections alone
#
# Clients post a body on connections kept open and compare the answer: 24 without a pause, 24 that rest between two
# requests, longer and shorter than a drain lingers; and 48 more through nginx, which asks each request once.
#
#   balance    who gets how many of 400 connections that stay, and of 10,000 short ones
#   overload   5,000 clients on 4 x 200 slots, for SECONDS
#   relief     5,000 clients are gone at once: how soon an answer is fast again
#   hosts      two hosts behind one nginx, in network namespaces (as root): deployed one after the other, and one lost
#   sample     kill -9 of 14 workers behind the nginx of samples/NginxProxy, under GETs: nginx asks another worker
#   idle       100 new clients while idle connections hold every slot
#
# Ends with 0 if no request was lost that need not have been. CONFIGURATION=Debug takes the programs of a debug build.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source build/common.sh
export PYTHONPATH=build/bench CONFIGURATION=${CONFIGURATION:-Release}

case " $* " in
  '  ') wrong "what is to be done? Try --help" ;;
  *' --help '* | *' -h '*) usage ;;
esac

case " $* " in
  *' everything '* | *' --hours '*) "$python" -c 'import matplotlib' 2>/dev/null || install_packages python3-matplotlib ;;
  *' --capture '*) command -v tcpdump >/dev/null || install_packages tcpdump ;;
esac

for project in src/KestrelGreenTransport.Tool test/TestWorker test/LoadGenerator samples/Hello; do
  dotnet build "$project" -c "$CONFIGURATION" --nologo -v q '-clp:ErrorsOnly;NoSummary'
done
exec "$python" build/soak "$@"
