"""The clients: wrk, h2load, and many silent connections."""

import json
import os
import re
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

from processes import Failure, run

_SCRIPT = Path(__file__).with_name("wrk.lua")


@dataclass(frozen=True)
class Load:
    requests: int
    seconds: float
    p50: float  # milliseconds
    p99: float
    errors: int
    timeouts: int


def _command(scenario, port, seconds, log=None):
    scheme = "https" if scenario.protocol == "https" else "http"
    url = f"{scheme}://127.0.0.1:{port}{scenario.path}"
    if scenario.tool == "h2load":
        command = ["h2load", "-t", "1", "-c", str(scenario.connections), "-m", str(scenario.streams), "-D", f"{seconds:g}"]
        return command + (["--log-file", log] if log else []) + [url]
    return ["wrk", "-t", "1", "-c", str(scenario.connections), "-d", f"{seconds:g}s", "--timeout", "2s", "-s", str(_SCRIPT), url]


def _environment(scenario):
    return {
        **os.environ,
        "BENCH_PIPELINE": str(scenario.pipeline),
        "BENCH_BODY": str(scenario.body),
        "BENCH_CLOSE": "1" if scenario.close else "0",
    }


def run_load(scenario, port, seconds, core):
    """Loads a server for this many seconds."""
    seconds = max(1, round(seconds))  # wrk knows whole seconds only
    if scenario.tool == "h2load":
        return _run_h2load(scenario, port, seconds, core)
    output = run(_command(scenario, port, seconds), core, seconds + 30, env=_environment(scenario))
    line = next((line for line in output.splitlines() if line.startswith("BENCH ")), None)
    if line is None:
        raise Failure(f"wrk gave no figures: {output.strip()[-300:]}")
    return Load(**json.loads(line[6:]))


def _run_h2load(scenario, port, seconds, core):
    with tempfile.TemporaryDirectory(prefix="green-bench-") as folder:
        log = f"{folder}/requests"
        output = run(_command(scenario, port, seconds, log), core, seconds + 30)
        total = re.search(r"(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", output)
        if total is None:
            raise Failure(f"h2load gave no figures: {output.strip()[-300:]}")
        # start time, status, microseconds
        took = sorted(int(line.split()[2]) for line in Path(log).read_text().splitlines())
    _, succeeded, failed, _, timeouts = (int(number) for number in total.groups())
    # Requests in flight at the end count as errored for h2load, but are not errors of the server.
    return Load(succeeded, seconds, _percentile(took, 50), _percentile(took, 99), failed, timeouts)


def _percentile(ordered, percent):
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] / 1000 if ordered else 0.0


class IdleConnections:
    """Keep-alive connections that have had one request answered each and are silent now."""

    def __init__(self, port, count, path):
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self._sockets = []
        try:
            for _ in range(count):
                connection = socket.create_connection(("127.0.0.1", port), timeout=10)
                self._sockets.append(connection)
                connection.sendall(request)
                if b"200 OK" not in connection.recv(4096):
                    raise Failure("an idle connection was not answered")
        except OSError as error:
            self.close()
            raise Failure(f"connection {len(self._sockets)} of {count}: {error} (ulimit -n?)") from error

    def close(self):
        for connection in self._sockets:
            connection.close()
