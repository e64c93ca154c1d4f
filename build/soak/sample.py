"""Kills workers behind the nginx of samples/NginxProxy, one after another, under clients that rest between two GETs."""
import glob
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from cluster import Failure, Load, status_at

_CLIENTS = 32
# Long enough for nginx to have idle connections to each worker: a retry may get one that died with the same worker.
_PAUSE_MS = 20
_ROUNDS = 14


class Sample:
    """What samples/NginxProxy/run.sh starts."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.home = tempfile.mkdtemp(prefix="green-sample-")
        self.log = open(os.path.join(self.home, "log"), "wb")
        self.process = subprocess.Popen(
            ["bash", "samples/NginxProxy/run.sh"], env={**os.environ, "RUNTIME_DIRECTORY": self.home, "TMPDIR": self.home, "NGINX_PORT": str(self.port)},
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, start_new_session=True)

    def __enter__(self):
        try:
            self.serving()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.home)

    def serving(self, but=None, within=300):
        """Waits until both workers are serving, and neither is the given one; returns their pids."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise Failure(f"run.sh exited with {self.process.returncode}:\n{self._said()}")
            try:
                # The socket exists before the supervisor answers on it.
                status = status_at(glob.glob(os.path.join(self.home, "nginx-proxy-*.sock"))[0])
                pids = [worker["pid"] for worker in status["workers"] if worker["state"] == "serving" and worker["pid"] != but]
                if len(pids) == 2:
                    return pids
            except (OSError, IndexError):
                pass
            time.sleep(0.05)
        raise Failure(f"two workers were not serving in time:\n{self._said()}")

    def _said(self):
        with open(self.log.name, errors="replace") as log:
            return "".join(log.readlines()[-40:])


def kill_behind_nginx(programs, folder, wish):
    """No client of nginx may notice: a GET can be retried."""
    order = random.Random(wish.seed)
    with Sample() as sample:
        load = Load(programs, "gets", sample.port, folder, 3600, _CLIENTS, path="/", pause_ms=_PAUSE_MS)
        try:
            killed = 0
            end = time.monotonic() + wish.seconds
            while killed < (wish.rounds or _ROUNDS) and time.monotonic() < end and load.runs() and not wish.stopped.is_set():
                victim = order.choice(sample.serving())
                os.kill(victim, signal.SIGKILL)
                killed += 1
                sample.serving(but=victim)
                answered = load.answered()
                while load.runs() and load.answered() < answered + 10 * _CLIENTS:
                    time.sleep(0.05)
            report = load.stop()
        finally:
            load.kill()
    print(f"{killed} workers killed behind nginx, under {_CLIENTS} clients that rest for {_PAUSE_MS} ms")
    print(report.line)
    for loss in report.losses[:3]:
        print(f"  {loss}")
    return killed > 0 and report.lost == 0


SCENARIOS = {"sample": kill_behind_nginx}
