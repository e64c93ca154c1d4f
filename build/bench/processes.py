"""Everything that the benchmark starts ends with it. Processes are stopped by pid, never by name."""

import ctypes
import os
import select
import signal
import subprocess
import time

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_started = []


class Failure(Exception):
    """Something outside of the benchmark did not work; the message says what and, if known, what to do."""


def start(command, core, cgroup=None, user=None, **options):
    """Starts a process pinned to a core, in its own session so that a Ctrl+C reaches only the benchmark."""

    def in_child():
        # If the benchmark is killed, its children die too.
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        os.sched_setaffinity(0, {core})
        if cgroup is not None:
            cgroup.enter()
        if user is not None:
            os.initgroups(user.pw_name, user.pw_gid)
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)

    process = subprocess.Popen(command, preexec_fn=in_child, start_new_session=True, **options)
    _started.append(process)
    return process


def stop(process, by=signal.SIGTERM, patience=5):
    """Ends a process that `start` started."""
    for attempt in (by, signal.SIGKILL):
        if process.poll() is not None:
            break
        process.send_signal(attempt)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            try:
                pipe.close()
            except BrokenPipeError:
                pass
    if process in _started:
        _started.remove(process)


def stop_all():
    for process in list(reversed(_started)):
        stop(process, patience=2)


def run(command, core, seconds, **options):
    """Runs a program until it exits, which must happen within this many seconds; returns its output."""
    process = start(command, core, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failure(f"{command[0]} did not end within {seconds} s") from None
    finally:
        stop(process, by=signal.SIGKILL)
    if process.returncode != 0:
        raise Failure(f"{' '.join(command)} ended with {process.returncode}: {output.strip()[-500:]}")
    return output


class Lines:
    """Reads lines from a pipe, with a time limit for each line."""

    def __init__(self, pipe):
        self._pipe = pipe
        self._buffer = b""

    def read(self, seconds):
        """The next line, or None at the end."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._pipe], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise Failure(f"no answer within {seconds} s")
            more = os.read(self._pipe.fileno(), 65536)
            if not more:
                return None
            self._buffer += more
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode(errors="replace")
