"""A program in its own terminal, and what its screen shows."""

import fcntl
import os
import pty
import signal
import struct
import subprocess
import termios
import threading
import time

import pyte


class Terminal:
    def __init__(self, command, environment, folder, columns, rows):
        self._command = command
        self._environment = environment
        self._folder = folder
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self._screen)
        self._lock = threading.Lock()

    def __enter__(self):
        self._end, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", self._screen.lines, self._screen.columns, 0, 0))
        self._process = subprocess.Popen(
            self._command, env=self._environment, cwd=self._folder, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)
        os.close(self._end)

    def wait(self, holds, limit):
        """Waits until the screen is as it should be."""
        end = time.monotonic() + limit
        while not holds(self.text()):
            if self._process.poll() is not None or time.monotonic() > end:
                raise SystemExit(f"{' '.join(self._command)} did not get this far (exit code {self._process.returncode}):\n{self.text()}")
            time.sleep(0.1)

    def text(self):
        with self._lock:
            return "\n".join(line.rstrip() for line in self._screen.display)

    def screen(self):
        """The lines down to the last non-empty one, each a list of (character, style)."""
        with self._lock:
            lines = [[self._screen.buffer[row][column] for column in range(self._screen.columns)] for row in range(self._screen.lines)]
        while lines and all(cell.data == " " for cell in lines[-1]):
            lines.pop()
        return lines

    def _read(self):
        while True:
            try:
                some = os.read(self._end, 65536)
            except OSError:
                return
            if not some:
                return
            with self._lock:
                self._stream.feed(some)
