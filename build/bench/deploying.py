"""What clients notice of a deploy, good or bad."""
import os
import shutil
import statistics
import subprocess
import tempfile
import time

from asking import Clients
from cluster import Green, Load
from rounds import in_turns

_PATH = "/args"
_TRIAL, _PAUSE, _SETTLE, _GOAL = 32, 5, 12, 1.5


def _deploy(programs, folder, release, fault=None):
    target = os.path.join(folder, release)
    shutil.copytree(os.path.dirname(programs.worker), target)
    if fault == "missing":
        os.remove(os.path.join(target, "TestWorker.dll"))
    elif fault:
        with open(os.path.join(target, "boot-fault"), "w") as file:
            file.write(fault)
    os.symlink(target, os.path.join(folder, "next"))
    os.rename(os.path.join(folder, "next"), os.path.join(folder, "current"))


def broken(programs, _):
    for fault in ("throw:no database", "exit:3", "hang", "missing"):
        with tempfile.TemporaryDirectory(prefix="green-deploy-") as folder:
            _deploy(programs, folder, "1")
            with Green(programs, "-w", "2", "--boot-timeout", "5s", app=os.path.join(folder, "current", "TestWorker.dll")) as green:
                green.serving(2)
                clients = Clients(green.port, 4, pause=0.002)
                time.sleep(1)
                _deploy(programs, folder, "2", fault)
                code = green.command("reload").returncode
                time.sleep(1)
                clients.stop()
                failed, good = len(clients.failures), code == 7 and not clients.failures
                print(f"broken deploy ({fault}): exit code {code}, {failed} of {len(clients.answers) + failed} requests failed "
                      f"(goal 7 and 0: {'met' if good else 'MISSED'})", flush=True)


def reload(programs, arguments):
    """Four workers at half load: the p99 of the worst second of a rolling reload against that of the second before."""
    clients = _half_load(programs)
    for name, figures in in_turns(programs, arguments, max(3, arguments.rounds // 10), lambda build: _reload(build, clients)):
        ratio = statistics.median(worst / before for before, worst, *_ in figures)
        chance = statistics.median(quiet / before for before, _, quiet, *_ in figures)
        shown = ", ".join(f"{before:.1f}, {worst:.1f} and {quiet:.1f}" for before, worst, quiet, *_ in figures)
        print(f"{name}reload of 4 workers, {clients} clients: p99 of the second before, of the worst second, and of the worst of as many seconds without a reload, ms: "
              f"{shown}; ratio in the middle {ratio:.1f} (goal {_GOAL}: {'met' if ratio <= _GOAL else 'MISSED'}), without a reload {chance:.1f}; "
              f"{sum(lost for *_, lost, _ in figures)} of {sum(begun for *_, begun in figures)} requests failed", flush=True)


def _reload(programs, clients):
    with tempfile.TemporaryDirectory(prefix="green-load-") as folder, Green(programs, "-w", "4", "--warm-up", _PATH) as green:
        green.serving(4)
        load = Load(programs, "reload", green.port, folder, 600, clients, nice=0, path=_PATH, pause_ms=_PAUSE)
        try:
            # Until what a load compiles is compiled.
            time.sleep(_SETTLE)
            seconds = []
            deploy = subprocess.Popen([*programs.green, "reload", "--name", "bench"], env=green.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            start, end = time.time(), None
            # Two more seconds: the one in which the reload ends, and the next one.
            while end is None or time.time() < end + 2:
                if not seconds or seconds[-1] != load.last_second():
                    seconds.append(load.last_second())
                if end is None and deploy.poll() is not None:
                    end = time.time()
                time.sleep(0.05)
            # The worst of many seconds is worse than one of them, without a reload too.
            quiet = []
            while len(quiet) < len(seconds):
                if (quiet or seconds)[-1] != load.last_second():
                    quiet.append(load.last_second())
                time.sleep(0.05)
            report = load.stop()
        finally:
            load.kill()
        before = [p99 for at, p99 in seconds if at <= start + 0.5][-1]
        worst = max(p99 for at, p99 in seconds if at > start + 0.5)
        return before, worst, max(p99 for _, p99 in quiet), report.lost + (deploy.returncode != 0), report.begun


def _half_load(programs):
    """How many of these clients keep half of the machine busy, including their own work."""
    with tempfile.TemporaryDirectory(prefix="green-load-") as folder, Green(programs, "-w", "4", "--warm-up", _PATH) as green:
        green.serving(4)
        load = Load(programs, "half", green.port, folder, 600, _TRIAL, nice=0, path=_PATH, pause_ms=_PAUSE)
        try:
            time.sleep(_SETTLE)
            idle, total = _processor_times()
            time.sleep(5)
            idle_then, total_then = _processor_times()
            load.stop()
        finally:
            load.kill()
    return max(1, round(_TRIAL * 0.5 / (1 - (idle_then - idle) / (total_then - total))))


def _processor_times():
    with open("/proc/stat") as stat:
        times = [int(word) for word in stat.readline().split()[1:9]]
    return times[3] + times[4], sum(times)
