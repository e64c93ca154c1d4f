"""What clients notice of a deploy, good or bad."""
import os
import shutil
import statistics
import tempfile
import time

from asking import Clients
from cluster import Green


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
    ratios, failed, asked = [], 0, 0
    for _ in range(max(3, arguments.rounds // 10)):
        with Green(programs, "-w", "4") as green:
            green.serving(4)
            clients = Clients(green.port, 8, pause=0.005)
            # Until what a load compiles is compiled.
            time.sleep(10)
            start = time.monotonic()
            code = green.command("reload").returncode
            end = time.monotonic()
            clients.stop()
            before = clients.p99(start - 1, start)
            worst = max(filter(None, (clients.p99(start + second, start + second + 1) for second in range(int(end - start) + 1))))
            ratios.append(worst / before)
            failed += len(clients.failures) + (code != 0)
            asked += len(clients.answers)
            print(f"reload of 4 workers in {end - start:.1f} s: p99 {before:.1f} ms in the second before, {worst:.1f} ms in the worst second", flush=True)
    median = statistics.median(ratios)
    print(f"reload of 4 workers: worst second's p99 is {median:.1f} times the one before, median of {len(ratios)} "
          f"(goal 2: {'met' if median <= 2 else 'MISSED'}); {failed} of {asked} requests failed", flush=True)
