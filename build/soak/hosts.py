"""Two hosts behind one nginx, in network namespaces: deploys host by host, and loses a host."""
import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from cluster import Failure, Load, status_at

# A pause leaves the hosts time to boot replacement workers: both hosts, nginx and the clients share one machine.
_LOADS = {
    "gets": {"path": "/pid", "pause_ms": 4},
    "posts": {"path": "/echo", "body": 200, "pause_ms": 4},
    "resting": {"path": "/echo", "body": 200, "pause_ms": 700},
}
_CLIENTS = 8


class Hosts:
    """What samples/SeveralHosts/run.sh makes, with an app that the load generator understands."""

    def __init__(self, programs):
        self.programs = programs
        self.home = tempfile.mkdtemp(prefix="green-hosts-")
        self.environment = {**os.environ, "RUNTIME_DIRECTORY": self.home, "TMPDIR": self.home, "GREEN": programs.green[-1]}
        self.log = open(os.path.join(self.home, "log"), "wb")
        self.process = subprocess.Popen(
            ["bash", "samples/SeveralHosts/run.sh", programs.worker],
            env=self.environment, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, start_new_session=True)

    def __enter__(self):
        try:
            line = _until(self._says, "nginx listens", self)
            self.address = line[1]
            self.namespace = line[2]
            for number in (1, 2):
                self.serving(number)
        except BaseException:
            self.__exit__()
            raise
        return self

    def _says(self):
        return re.search(r"http://([0-9.]+) in front of (green-\d+-host)1", self.tail(1000))

    def __exit__(self, *_):
        self.said = ""
        for path in glob.glob(os.path.join(self.home, "several-hosts.*", "error.log")):
            with open(path, errors="replace") as log:
                self.said += "".join(f"nginx says: {line}" for line in log.readlines()[:40])
        self.process.terminate()
        try:
            self.process.wait(120)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.log.close()
        self.said += self.tail(200)
        shutil.rmtree(self.home)

    def tail(self, lines=40):
        with open(self.log.name, errors="replace") as log:
            return "".join(log.readlines()[-lines:])

    def status(self, number):
        return status_at(os.path.join(self.home, f"host{number}.sock"))

    def serving(self, number, other_than=None):
        """Waits until that host's supervisor, which must not be `other_than`, has both workers serving."""
        def serves():
            try:
                status = self.status(number)
            except OSError:
                return None
            states = [worker["state"] for worker in status["workers"]]
            return status if status["supervisorPid"] != other_than and states == ["serving", "serving"] else None
        return _until(serves, f"host {number} is serving", self)

    def reload(self, number):
        command = [*self.programs.green, "reload", "--name", f"host{number}"]
        done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise Failure(f"green reload of host {number} ended with {done.returncode}: {done.stdout}")

    def restart(self, number):
        """
        Stops the supervisor, which is started again a second later, as for a new kernel or a moved host. Returns when nginx uses
        the host again, which it leaves alone for a while after being refused: until then it has only the other host.
        """
        before = self.status(number)["supervisorPid"]
        os.kill(before, signal.SIGTERM)
        self.serving(number, other_than=before)
        self.asked(number)

    def lose(self, number):
        """Without notice, as in a power cut. run.sh starts the supervisor again, as a host does when it boots."""
        self._link(number, "down")
        listed = subprocess.run(["ip", "netns", "pids", f"{self.namespace}{number}"], stdout=subprocess.PIPE, text=True, check=True)
        for pid in map(int, listed.stdout.split()):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has exited with another one

    def find(self, number):
        self._link(number, "up")
        self.serving(number)
        self.asked(number)

    def _link(self, number, state):
        subprocess.run(["ip", "-n", f"{self.namespace}{number}", "link", "set", "eth0", state], check=True)

    def asked(self, number):
        """Waits until nginx sends requests to that host."""
        _until(lambda: any(worker["connections"] for worker in self.status(number)["workers"]), f"host {number} is asked again", self)


def _until(found, what, hosts, within=300):
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if value := found():
            return value
        if hosts.process.poll() is not None:
            raise Failure(f"run.sh exited with {hosts.process.returncode}:\n{hosts.tail()}")
        time.sleep(0.05)
    raise Failure(f"not within {within} s: {what}\n{hosts.tail()}")


def _answers(loads, more, hosts):
    """Waits until each load has this many more answers."""
    wanted = {load: load.answered() + more for load in loads}
    _until(lambda: all(load.answered() >= wanted[load] for load in loads), "answers", hosts)


class _Under:
    """Loads of these names and, at the end, their outcome: each client has finished its last request."""

    def __init__(self, hosts, folder, names=tuple(_LOADS)):
        self.hosts = hosts
        self.loads = [Load(hosts.programs, name, 80, folder, 3600, _CLIENTS, host=hosts.address, **_LOADS[name]) for name in names]

    def __enter__(self):
        _answers(self.loads, 2 * _CLIENTS, self.hosts)
        return self

    def __exit__(self, *_):
        # At the same moment: one of them may have to wait for the answer to a request that hangs.
        with ThreadPoolExecutor() as together:
            self.reports = list(together.map(Load.stop, self.loads))


def hosts(programs, folder, wish):
    """A deploy goes from host to host and loses nothing; then a host is lost, with the requests that it was handling."""
    rounds = wish.rounds or 1
    with Hosts(programs) as both:
        # Makes the programs compile first what the first requests need.
        with _Under(both, folder):
            pass
        with _Under(both, folder) as deploy:
            for _ in range(rounds):
                for number in (1, 2):
                    both.reload(number)
                    _answers(deploy.loads, 20, both)
            for _ in range(rounds):
                for number in (1, 2):
                    both.restart(number)
                    _answers(deploy.loads, 20, both)
        good = _say(f"{rounds} reloads and {rounds} restarts of each host, one after the other", deploy.reports, allowed=0)

        reports = []
        with _Under(both, folder, ["resting"]) as resting:
            for _ in range(rounds):
                with _Under(both, folder, ["gets", "posts"]) as loss:
                    both.lose(1)
                    _answers([*loss.loads, *resting.loads], 3 * _CLIENTS, both)
                # Ended with the last request that the host was sent and did not answer, which nginx gives up after its proxy_read_timeout.
                with _Under(both, folder, ["gets", "posts"]) as back:
                    _answers([*back.loads, *resting.loads], 3 * _CLIENTS, both)
                    both.find(1)
                    _answers([*back.loads, *resting.loads], 20, both)
                reports += loss.reports + back.reports
        reports += resting.reports
        # A POST that was sent but not answered is not sent again: at most one per posting client each time.
        good &= _say(f"host 1 is lost, {rounds} times", reports, allowed=2 * _CLIENTS * rounds)
        gets = sum(report.lost for report in reports if report.name == "gets")
        good &= gets == 0
        print(f"GETs lost with the host: {gets} (allowed: 0)")
    if not good:
        print(both.said)
    return good


def _say(what, reports, allowed):
    lost = sum(report.lost for report in reports)
    print(f"{what}: {sum(report.begun for report in reports)} requests, {lost} lost (allowed: {allowed})")
    for report in reports:
        print(f"  {report.name}: {report.line}")
        for line in report.losses[:3]:
            print(f"    {line}")
    return lost <= allowed


SCENARIOS = {"hosts": hosts}
