"""The servers that are measured: start them, query them, stop them."""

import json
import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from processes import Failure, Lines, start, stop

# On one core .NET waits ten times as long, a whole second without a new method, before it begins to optimise: the count of
# compiled methods would stand still long before everything is compiled. This changes only when code is compiled, not how.
_DOTNET = {"DOTNET_TC_DelaySingleProcMultiplier": "1"}

_OTHERS = Path(__file__).resolve().parents[2] / "test/Benchmarks/Others"


class Unsupported(Exception):
    """This build of the transport has no such setting."""


@dataclass(frozen=True)
class Machine:
    """What servers are started from, and the cores they run on."""

    dll: str
    floor: str
    folder: Path
    server_core: int
    load_core: int
    make_group: object
    quota: int
    postgres: str = ""
    extra_environment: tuple = ()


class Server:
    """A server in its own group, pinned to the server's core. For use with `with`."""

    _count = 0

    def __init__(self, variant, scenario, machine):
        self.variant, self.scenario, self.machine = variant, scenario, machine
        Server._count += 1
        self.folder = machine.folder / f"{variant.name}-{Server._count}"
        self.folder.mkdir()
        # Some servers pass their work to another user, who must be able to get here.
        self.folder.chmod(0o755)
        self.group = machine.make_group(f"green-bench-{os.getpid()}-{Server._count}-{variant.name}")
        self.process = None
        try:
            self._start()
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process is not None:
            stop(self.process)
        self.group.remove()

    @property
    def pid(self):
        return self.process.pid

    def pids(self):
        return self.group.pids()

    def measured(self, on):
        """During a measurement, holds the server to the quota, if the scenario asks for it, and keeps neighbours away."""
        self.group.measured(on)
        if on and self.scenario.neighbours:
            self.group.weigh(1)
        self.group.limit(self.machine.quota if on and self.scenario.quota else None)

    def figures(self, question="figures"):
        """A .NET server's own figures; nothing for the others."""
        if not self.variant.is_dotnet:
            return {}
        self.process.stdin.write(f"{question}\n".encode())
        self.process.stdin.flush()
        line = self._lines.read(60)
        if line is None:
            raise Failure(f"{self.variant.name} ended: {self._errors()}")
        return json.loads(line)

    def rss(self):
        """Resident bytes of all its processes."""
        total = 0
        for pid in self.pids():
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
        return total

    def _start(self):
        (self._start_dotnet if self.variant.is_dotnet else self._start_reference)()

    def _launch(self, command, environment=(), **pipes):
        with open(self.folder / "errors", "wb") as errors:
            self.process = start(
                command,
                self.machine.server_core,
                self.group,
                stderr=errors,
                env={**os.environ, **dict(environment)},
                cwd=self.folder,
                **pipes,
            )
        self.group.root = self.process.pid

    def _start_dotnet(self):
        command = ["dotnet", self.machine.dll, f"--Protocol={self.scenario.protocol}", *self.variant.arguments]
        if self.scenario.postgres:
            command.append(f"--Postgres={self.machine.postgres}")
        environment = {**_DOTNET, **self.variant.environment, **dict(self.machine.extra_environment)}
        self._launch(command, environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._lines = Lines(self.process.stdout)
        line = self._lines.read(60)
        word, _, rest = (line or "").partition(" ")
        if word == "UNSUPPORTED":
            raise Unsupported(rest)
        if word != "READY":
            raise Failure(f"{self.variant.name} did not start: {line or ''} {self._errors()}")
        self.port = int(rest)

    def _start_reference(self):
        self.port = _free_port()
        nowhere = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        self._launch(getattr(self, f"_{self.variant.command}")(), **nowhere)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise Failure(f"{self.variant.name} did not start: {self._errors()}") from None
                time.sleep(0.05)

    def _errors(self):
        return (self.folder / "errors").read_text(errors="replace").strip()[-500:]

    def _nginx(self):
        text = (_OTHERS / "nginx.conf").read_text()
        path = self.folder / "nginx.conf"
        path.write_text(text.replace("@PORT@", str(self.port)).replace("@FOLDER@", str(self.folder)))
        return ["nginx", "-c", str(path), "-e", "stderr"]

    def _node(self):
        return ["node", str(_OTHERS / "node_server.js"), str(self.port)]

    def _gunicorn(self):
        bind = f"127.0.0.1:{self.port}"
        options = ["-k", "gevent", "-w", "1", "--worker-connections", "20000", "--backlog", "2048", "--keep-alive", "600"]
        return ["gunicorn", *options, "-b", bind, "--chdir", str(_OTHERS), "gevent_app:application"]

    def _floor(self):
        return [self.machine.floor, str(self.port)]


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
