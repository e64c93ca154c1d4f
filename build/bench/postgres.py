"""A PostgreSQL of our own for one run: in a temporary folder, on a Unix socket there, pinned to the load core."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path

from processes import Failure, run, start, stop

_ROWS = 10_000


class Postgres:
    def __init__(self, folder, core):
        self._folder, self._core = Path(folder), core
        self._process = None
        # PostgreSQL refuses to run as root.
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._owner = self._user.pw_name if self._user else pwd.getpwuid(os.geteuid()).pw_name

    def __enter__(self):
        self._folder.mkdir()
        if self._user:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        data = self._folder / "data"
        self._run("initdb", "-D", str(data), "--auth=trust", "--locale=C", "--encoding=UTF8", "--no-sync")
        settings = {"listen_addresses": "", "unix_socket_directories": self._folder, "fsync": "off", "max_connections": 100}
        command = [_program("postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        nowhere = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = start(command, self._core, user=self._user, cwd=self._folder, **nowhere)
        self._wait()
        self._sql(f"CREATE TABLE world AS SELECT n AS id, (n * 7919) % {_ROWS} + 1 AS randomnumber FROM generate_series(1, {_ROWS}) n")
        self._sql("ALTER TABLE world ADD PRIMARY KEY (id)")
        return self

    def __exit__(self, *_):
        if self._process is not None:
            stop(self._process, by=signal.SIGINT)  # fast shutdown: clients are not waited for

    @property
    def connection_string(self):
        options = "Maximum Pool Size=32;Minimum Pool Size=32;Max Auto Prepare=8;No Reset On Close=true"
        return f"Host={self._folder};Username={self._owner};Database=postgres;{options}"

    def _wait(self):
        deadline = time.monotonic() + 30
        while not list(self._folder.glob(".s.PGSQL.*")):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise Failure("postgres did not start")
            time.sleep(0.05)

    def _sql(self, statement):
        # The socket exists a moment before connections are accepted.
        for attempt in range(50):
            try:
                return self._run("psql", "-h", str(self._folder), "-d", "postgres", "-q", "-c", statement)
            except Failure as failure:
                if attempt == 49 or "starting up" not in str(failure) and "refused" not in str(failure):
                    raise
                time.sleep(0.1)

    def _run(self, program, *arguments):
        return run([_program(program), *arguments], self._core, 60, user=self._user, cwd=self._folder)


def is_installed():
    return _find("initdb") is not None


def _find(name):
    # Debian keeps the server's programs out of PATH.
    return next((str(path) for path in sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)), shutil.which(name))


def _program(name):
    found = _find(name)
    if found is None:
        raise Failure(f"{name} is missing. On Debian: apt-get install postgresql")
    return found
