"""A supervisor that was started for a measurement or a soak, and what puts load on it."""
import contextlib
import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

CONFIGURATION = os.environ.get("CONFIGURATION", "Release")


class Failure(Exception):
    """What was to be measured did not come about; the message says what."""


def built(project):
    return os.path.abspath(f"{project}/bin/{CONFIGURATION}/net10.0")


class Programs:
    """Copies of what was built: a build in the same work tree meanwhile would overwrite what runs, and end it."""

    def __init__(self, green=None, root="."):
        """Uses `green`, if given, instead of the one built in `root`: for example one compiled ahead of time."""
        self.root, self.folder = root, tempfile.mkdtemp(prefix="green-programs-")
        self.green = [green] if green else ["dotnet", self._copy("src/KestrelGreenTransport.Tool", "green.dll")]
        self.worker = self._copy("test/TestWorker", "TestWorker.dll")
        self.load = self._copy("test/LoadGenerator", "LoadGenerator.dll")
        self.hello = self._copy("samples/Hello", "Hello.dll")

    def _copy(self, project, name):
        target = os.path.join(self.folder, os.path.basename(project))
        shutil.copytree(built(os.path.join(self.root, project)), target)
        return os.path.join(target, name)

    def remove(self):
        shutil.rmtree(self.folder)


def status_at(path):
    """What the supervisor on that control socket says of itself."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(30)
        control.connect(path)
        control.sendall(b'{"command":"status"}\n')
        answer = control.makefile().readline()
    # Nothing, where the supervisor left in this moment: a successor answers next time.
    if not answer:
        raise OSError("no answer")
    return json.loads(answer)["status"]


class Green:
    """One supervisor with a run-time folder of its own, ended with all of its workers."""

    def __init__(self, programs, *options, app=None, own=None, environment=None):
        """Runs `app` by `green run`; or `own`, an app that supervises itself."""
        self.programs = programs
        self.home = tempfile.mkdtemp(prefix="green-bench-")
        self.environment = {**os.environ, "RUNTIME_DIRECTORY": self.home, **(environment or {})}
        self.log = open(os.path.join(self.home, "log"), "wb")
        command = ["dotnet", own] if own else [*programs.green, "run"]
        self.process = subprocess.Popen(
            [*command, "--name", "bench", "-b", "127.0.0.1:0", *options, *([] if own else [app or programs.worker])],
            env=self.environment, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, start_new_session=True)
        endpoint = self.when(lambda status: status["listeners"])["listeners"][0]["endpoint"]
        self.port = int(endpoint.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # After an upgrade it is another process than the one that was started, and leaves behind the old one.
        try:
            now = self.status()["supervisorPid"]
            watch = os.pidfd_open(now)
            os.kill(now, signal.SIGTERM)
            if not select.select([watch], [], [], 60)[0]:
                os.kill(now, signal.SIGKILL)
            os.close(watch)
        except OSError:
            self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.home)

    def status(self):
        return status_at(os.path.join(self.home, "bench.sock"))

    def when(self, satisfied, within=600, pause=0.02):
        deadline = time.monotonic() + within
        last = None
        while time.monotonic() < deadline:
            try:
                last = self.status()
                if satisfied(last):
                    return last
            except OSError:
                if self.process.poll() not in (None, 0):
                    raise Failure(f"the supervisor exited with {self.process.returncode}:\n{self.tail()}") from None
            time.sleep(pause)
        raise Failure(f"not as expected within {within} s: {json.dumps(last)}\n{self.tail()}")

    def tail(self, lines=30):
        with open(self.log.name, errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def serving(self, workers, standby=0, within=600):
        """Waits until as many serve and stand by, and nothing else is there."""
        wanted = sorted(["serving"] * workers + ["standby"] * standby)
        return self.when(
            lambda status: status["state"] == "running" and sorted(worker["state"] for worker in status["workers"]) == wanted, within)

    def command(self, *arguments):
        return subprocess.run(
            [*self.programs.green, *arguments, "--name", "bench"],
            env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Load:
    """The load generator, as a process: see test/LoadGenerator."""

    def __init__(self, programs, name, port, folder, seconds, clients, host="127.0.0.1", nice=5, **settings):
        self.name, self.folder, self.output = name, folder, None
        # An earlier load of this name counted into the same file.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._file("progress"))
        arguments = {"seconds": int(seconds), "clients": clients, "losses": self._file("losses"), "progress": self._file("progress"), **settings}
        self.process = subprocess.Popen(
            # Clients without a pause take what they get: workers that boot beside them should not wait for them.
            ["nice", "-n", str(nice), "dotnet", programs.load, f"{host}:{port}", *(f"{key.replace('_', '-')}={value}" for key, value in arguments.items())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)

    def _file(self, kind):
        return os.path.join(self.folder, f"{self.name}.{kind}")

    def answered(self):
        """How many so far, to about a second."""
        try:
            with open(self._file("progress")) as file:
                return int(file.read().split()[1])
        except FileNotFoundError:
            return 0

    def last_second(self):
        """When the last full second was over, and its p99 in milliseconds; None before the first."""
        try:
            with open(self._file("progress")) as file:
                return os.stat(file.fileno()).st_mtime, float(file.read().split()[2])
        except FileNotFoundError:
            return None

    def runs(self):
        return self.process.poll() is None

    def stop(self):
        """Lets each client finish its request; returns what became of all."""
        output, _ = self.process.communicate()
        return self._report(output)

    def wait(self):
        """Waits until the load ends by itself."""
        # Its input stays open: its end would be the load's.
        output = self.process.stdout.read()
        self.process.wait()
        self.process.stdin.close()
        return self._report(output)

    def kill(self):
        if self.runs():
            self.process.kill()
        self.process.wait()

    def _report(self, output):
        if self.process.returncode not in (0, 1):
            raise Failure(f"the load {self.name} ended with {self.process.returncode}: {output}")
        return Report(self.name, output, self._file("losses"))


class Report:
    """What became of every request of a load."""

    def __init__(self, name, output, losses):
        self.name = name
        self.line, *rest = output.strip().splitlines()
        words = self.line.replace(";", ",").split(", ")
        counts = {word.split(" ", 1)[1]: int(word.split(" ", 1)[0]) for word in words if word[0].isdigit()}
        self.begun, self.answered, self.connections = counts["begun"], counts["answered"], counts["connections"]
        self.p50, self.p99, self.slowest = (
            float(next(word for word in words if word.startswith(name)).split()[1]) for name in ("p50", "p99", "slowest"))
        self.servers = [int(one.split(": ")[1]) for one in rest[0].split(": ", 1)[1].split(", ")] if rest and ": " in rest[0] else []
        with open(losses) as file:
            self.losses = file.read().splitlines()

    @property
    def lost(self):
        return self.begun - self.answered
