"""System calls per request, by strace.

The difference between a long and a short run, so that the calls that open connections cancel out. strace makes every call
slow: the number of events per epoll_wait, and how long a spinning thread spins, are not the real ones.
"""

import select
import signal
import subprocess
import time

from load import run_load
from processes import Failure, start, stop


def per_request(server, machine, seconds=3):
    """Calls per request by name, most frequent first."""
    short_calls, short_requests = _traced(server, machine, 1)
    long_calls, long_requests = _traced(server, machine, seconds)
    requests = long_requests - short_requests
    if requests < 100:
        return {}
    difference = {name: (count - short_calls.get(name, 0)) / requests for name, count in long_calls.items()}
    return {name: per for name, per in sorted(difference.items(), key=lambda item: -item[1]) if per >= 0.005}


def _traced(server, machine, seconds):
    output = server.folder / "syscalls"
    command = ["strace", "-c", "-f", "-o", str(output)]
    for pid in server.pids():
        command += ["-p", str(pid)]
    tracer = start(command, machine.load_core, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        _wait_until_attached(tracer, len(server.pids()))
        load = run_load(server.scenario, server.port, seconds, machine.load_core)
    finally:
        stop(tracer, by=signal.SIGINT, patience=10)
    return _counts(output.read_text()), load.requests


def _wait_until_attached(tracer, processes):
    seen = b""
    deadline = time.monotonic() + 10
    while seen.count(b" attached") < processes:
        ready, _, _ = select.select([tracer.stderr], [], [], max(0, deadline - time.monotonic()))
        more = tracer.stderr.read1(4096) if ready else b""
        if not more:
            raise Failure(f"strace did not attach: {seen.decode(errors='replace').strip()}")
        seen += more


def _counts(table):
    """Reads strace's table: % time, seconds, usecs/call, calls, [errors,] name."""
    counts = {}
    for line in table.splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[3].isdigit() and fields[-1] != "total":
            counts[fields[-1]] = int(fields[3])
    return counts
