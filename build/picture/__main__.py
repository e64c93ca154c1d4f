"""Runs `green run` and `green top` in terminals, kills a worker, and draws both screens."""

import http.client
import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time

from drawing import to_svg
from terminal import Terminal

NAME = "shop"
LIMIT = 120
CLIENTS = 8
REST = 0.01
REQUESTS_ON_A_CONNECTION = 40


def main():
    green, app, settings, out = (os.path.abspath(argument) for argument in sys.argv[1:5])
    with tempfile.TemporaryDirectory() as home:
        # The screen is the same wherever this runs: it has its own home folder, and the command is just a name.
        folder = os.path.join(home, "hello")
        shutil.copytree(app, folder)
        shutil.copy(settings, folder)
        os.mkdir(os.path.join(home, "bin"))
        os.symlink(green, os.path.join(home, "bin", "green"))
        environment = {
            "HOME": home,
            "PATH": os.path.join(home, "bin") + os.pathsep + os.environ["PATH"],
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            **{name: os.environ[name] for name in ("DOTNET_ROOT",) if name in os.environ},
        }
        port = free_port()
        command = ["green", "run", "-w", "2", "-b", f"127.0.0.1:{port}", "--name", NAME, "./Hello.dll"]
        with Terminal(command, environment, folder, columns=106, rows=40) as run:
            run.wait(lambda text: len(serving(text)) == 2, LIMIT)
            with Load(port), Terminal(["green", "top", "--name", NAME], environment, folder, columns=106, rows=16) as top:
                top.wait(lambda text: text.count("serving") >= 2, LIMIT)
                time.sleep(4)
                os.kill(serving(run.text())[1], signal.SIGKILL)
                run.wait(lambda text: len(serving(text)) == 3, LIMIT)
                successor = str(serving(run.text())[2])
                top.wait(lambda text: successor in text and text.count("serving") >= 2, LIMIT)
                time.sleep(8)
                screens = {"green-run.svg": (run.screen(), command), "green-top.svg": (top.screen(), ["green", "top", "--name", NAME])}

    for name, (screen, command) in screens.items():
        with open(os.path.join(out, name), "w", encoding="utf-8") as file:
            file.write(to_svg(screen, " ".join(command)))
        print(os.path.relpath(os.path.join(out, name)))


def serving(text):
    """The pids of the workers that have become ready, in that order."""
    return [int(pid) for pid in re.findall(r"\(pid (\d+)\) is ready", text)]


def free_port():
    for port in range(8080, 8100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise SystemExit("build/picture.sh: no port from 8080 to 8099 is free on 127.0.0.1. Stop what uses one of them.")


class Load:
    """
    A few clients that send requests now and then, so that there is something to see, and reconnect now and then, so that a
    new worker gets its share. Requests lost by the kill do not matter here.
    """

    def __init__(self, port):
        self._port = port
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(CLIENTS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _ask(self):
        client = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        asked = 0
        while not self._ends.wait(REST):
            asked += 1
            if asked % REQUESTS_ON_A_CONNECTION == 0:
                client.close()
            try:
                client.request("GET", "/")
                client.getresponse().read()
            except (OSError, http.client.HTTPException):
                client.close()
        client.close()


main()
