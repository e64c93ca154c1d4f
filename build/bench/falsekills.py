"""What must not end a healthy worker: a clock change, a stopped supervisor, a busy machine, a stalled disk."""
import contextlib
import email.utils
import glob
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from asking import Clients, get
from cluster import Green

_WORKERS = 4


@contextlib.contextmanager
def _judged(programs, what, *options, **settings):
    """Keeps clients asking in the meantime; reports at the end whether the workers are still the same."""
    with Green(programs, "-w", str(_WORKERS), *options, **settings) as green:
        before = green.serving(_WORKERS)
        clients = Clients(green.port, 4, pause=0.02)
        notes = []
        yield green, notes
        # A worker wrongly judged would have been killed by now: two full time-outs, and a beat.
        time.sleep(10)
        after = green.status()
        clients.stop()
        pids = [{worker["pid"] for worker in status["workers"]} for status in (before, after)]
        gone, verdicts = len(pids[0] - pids[1]), sum(after["verdicts"].values())
        good = gone == 0 and verdicts == 0 and not clients.failures
        print(f"{what}: {gone} of {_WORKERS} workers killed, {verdicts} verdicts, {len(clients.failures)} of "
              f"{len(clients.answers) + len(clients.failures)} requests failed{''.join(f', {note}' for note in notes)} "
              f"(goal 0: {'met' if good else 'MISSED'})", flush=True)
        if not good:
            print(green.tail(), *clients.failures[:3], sep="\n")


def clock_set(programs, _):
    """With libfaketime, only for these processes: it changes CLOCK_REALTIME, and leaves the monotonic clock alone."""
    library = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
    if library is None:
        print("wall clock: not measured, since libfaketime is missing (Debian's package libfaketime)")
        return
    with tempfile.TemporaryDirectory(prefix="green-clock-") as folder:
        offset = os.path.join(folder, "offset")

        def shift(hours):
            with open(f"{offset}.new", "w") as file:
                file.write(f"{hours:+d}h")
            os.rename(f"{offset}.new", offset)

        def shown(green):
            head = get(green.port).split("\r\n\r\n")[0]
            date = next(line.split(": ", 1)[1] for line in head.split("\r\n") if line.lower().startswith("date:"))
            return (email.utils.parsedate_to_datetime(date).timestamp() - time.time()) / 3600

        shift(0)
        environment = {"LD_PRELOAD": library, "FAKETIME_TIMESTAMP_FILE": offset, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        with _judged(programs, "wall clock +1 h, back, -1 h, back, by libfaketime, --timeout 3s", "--timeout", "3s", environment=environment) as (green, notes):
            for hours in (1, 0, -1, 0):
                shift(hours)
                time.sleep(8)
                notes.append(f"Date header {shown(green):+.2f} h")


def supervisor_stopped(programs, _):
    with _judged(programs, "supervisor stopped for 60 s, --timeout 3s", "--timeout", "3s") as (green, _):
        os.kill(green.process.pid, signal.SIGSTOP)
        time.sleep(60)
        os.kill(green.process.pid, signal.SIGCONT)


def cores_busy(programs, arguments):
    seconds = arguments.busy_seconds
    burners = 4 * (os.cpu_count() or 1)
    with _judged(programs, f"{burners} processes that compute, for {seconds} s, on {os.cpu_count()} cores") as _:
        busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(burners)]
        try:
            time.sleep(seconds)
        finally:
            for process in busy:
                process.kill()
                process.wait()


def disk_stalled(programs, _):
    """The log, the pid file, the current folder and the app are on their own file system, which is frozen."""
    image = tempfile.NamedTemporaryFile(prefix="green-disk-", dir="/dev/shm")
    folder = tempfile.mkdtemp(prefix="green-disk-")
    try:
        os.truncate(image.name, 128 << 20)
        subprocess.run(["mkfs.ext4", "-q", "-F", image.name], check=True)
        subprocess.run(["mount", "-o", "loop", image.name, folder], check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"disk: not measured, since no file system can be mounted here ({error})")
        image.close()
        os.rmdir(folder)
        return
    frozen = False
    try:
        app = os.path.join(folder, "app")
        shutil.copytree(os.path.dirname(programs.worker), app)
        options = ["--timeout", "3s", "--chdir", folder, "--pid-file", os.path.join(folder, "pid"), "--log-file", os.path.join(folder, "log")]
        with _judged(programs, "disk stalled for 60 s (fsfreeze), --timeout 3s", *options, app=os.path.join(app, "TestWorker.dll")) as (green, notes):
            subprocess.run(["fsfreeze", "-f", folder], check=True)
            frozen, start, size = True, time.monotonic(), os.path.getsize(os.path.join(folder, "log"))
            while time.monotonic() - start < 60:
                # Makes the app print, so that its output has to be written.
                get(green.port, "/print?lines=20&text=line")
                time.sleep(0.5)
            notes.append(f"the log grew by {os.path.getsize(os.path.join(folder, 'log')) - size} bytes meanwhile")
            subprocess.run(["fsfreeze", "-u", folder], check=True)
            frozen = False
            time.sleep(2)
            notes.append(f"by {os.path.getsize(os.path.join(folder, 'log')) - size} bytes after")
    finally:
        if frozen:
            subprocess.run(["fsfreeze", "-u", folder], check=True)
        subprocess.run(["umount", folder], check=True)
        os.rmdir(folder)
        image.close()
