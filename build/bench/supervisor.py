"""What the supervisor takes to replace a worker, and what a reload costs: see build/bench-supervisor.sh."""
import argparse
import json
import os
import select
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

GREEN = os.path.abspath("src/KestrelGreenTransport.Tool/bin/Release/net10.0/green.dll")
WORKER = os.path.abspath("test/TestWorker/bin/Release/net10.0/TestWorker.dll")


class Green:
    """One supervisor with a run-time folder of its own, ended with all of its workers."""

    def __init__(self, *options, app=WORKER):
        self.home = tempfile.mkdtemp(prefix="green-bench-")
        self.environment = {**os.environ, "RUNTIME_DIRECTORY": self.home}
        self.log = open(os.path.join(self.home, "log"), "wb")
        self.process = subprocess.Popen(
            ["dotnet", GREEN, "run", "--name", "bench", "-b", "127.0.0.1:0", *options, app],
            env=self.environment, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, start_new_session=True)
        endpoint = self.when(lambda status: status["listeners"])["listeners"][0]["endpoint"]
        self.port = int(endpoint.rsplit(":", 1)[1])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        shutil.rmtree(self.home)

    def status(self):
        with socket.socket(socket.AF_UNIX) as control:
            control.settimeout(10)
            control.connect(os.path.join(self.home, "bench.sock"))
            control.sendall(b'{"command":"status"}\n')
            return json.loads(control.makefile().readline())["status"]

    def when(self, satisfied):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                sys.exit(f"the supervisor has left with {self.process.returncode}:\n{open(self.log.name).read()}")
            try:
                status = self.status()
                if satisfied(status):
                    return status
            except OSError:
                pass
            time.sleep(0.02)
        sys.exit(f"waited in vain: {json.dumps(self.status())}")

    def ready(self, serving, standby=0):
        """Waits until all are where they belong, and a moment more for what they do besides."""
        def satisfied(status):
            states = sorted(worker["state"] for worker in status["workers"])
            return status["state"] == "running" and states == ["serving"] * serving + ["standby"] * standby
        self.when(satisfied)
        time.sleep(0.5)
        return self.when(satisfied)

    def command(self, *arguments):
        return subprocess.run(
            ["dotnet", GREEN, *arguments, "--name", "bench"], env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def get(self, path="/pid"):
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            return ask(connection, path, close=True)


def ask(connection, path, close=False):
    connection.sendall(f"GET {path} HTTP/1.1\r\nHost: bench\r\n{'Connection: close' if close else 'X: y'}\r\n\r\n".encode())
    answer = b""
    while True:
        chunk = connection.recv(65536)
        if not chunk:
            raise OSError("the connection ended in the middle of a response")
        answer += chunk
        head, _, body = answer.partition(b"\r\n\r\n")
        if not body and b"\r\n\r\n" not in answer:
            continue
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), None)
        if length is None:
            if body.endswith(b"0\r\n\r\n"):
                break
        elif len(body) >= length:
            break
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise OSError(answer[:80].decode())
    # The head as well: it says whether the other side closes.
    return answer.decode()


def serving(status):
    return next(worker["pid"] for worker in status["workers"] if worker["state"] == "serving")


def replaced(options, standby, number, rounds, by_pidfd):
    """Milliseconds from a worker's loss to the next answer."""
    took = []
    while len(took) < rounds:
        # A supervisor of its own for every loss or two: where one follows the other, replacements wait longer each time.
        with Green("-w", "1", *options) as green:
            for _ in range(min(rounds - len(took), 2 if standby else 1)):
                victim = serving(green.ready(1, standby))
                watch = os.pidfd_open(victim)
                start = time.monotonic()
                os.kill(victim, number)
                if by_pidfd:
                    # The exit itself takes the kernel a while: it gives the memory back first.
                    select.select([watch], [], [])
                    start = time.monotonic()
                green.get()
                took.append((time.monotonic() - start) * 1000)
                os.close(watch)
    return took


def show(name, took, goal):
    print(f"{name}: median {statistics.median(took):.1f} ms, best {min(took):.1f}, worst {max(took):.1f} ({len(took)} rounds; goal {goal})", flush=True)


def standby(rounds):
    options = ["--standby", "1", "--warm-up", "/pid"]
    show("kill -9, one standby: first answer after the pidfd fired", replaced(options, 1, signal.SIGKILL, rounds, True), "10 ms")


def cold(rounds):
    show("kill -9, cold replacement: first answer", replaced([], 0, signal.SIGKILL, rounds, False), "350 ms")


def stopped(rounds):
    show("SIGSTOP, --timeout 3s, cold replacement: first answer", replaced(["--timeout", "3s"], 0, signal.SIGSTOP, rounds, False), "3600 ms")
    options = ["--timeout", "500ms", "--standby", "1", "--warm-up", "/pid"]
    show("SIGSTOP, --timeout 500ms, one standby: first answer", replaced(options, 1, signal.SIGSTOP, rounds, False), "800 ms")


class Load:
    """Clients that ask without pause; every answer's time, and everything that went wrong."""

    def __init__(self, port, clients, pause=0.0):
        self.port, self.pause, self.answers, self.failures, self.stopping = port, pause, [], [], False
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self):
        connection = None
        while not self.stopping:
            start = time.monotonic()
            try:
                connection = connection or socket.create_connection(("127.0.0.1", self.port), timeout=60)
                head = ask(connection, "/pid")
                end = time.monotonic()
                self.answers.append((end, (end - start) * 1000))
                if "connection: close" in head.lower():
                    connection.close()
                    connection = None
            except OSError as failure:
                self.failures.append(str(failure))
                connection = None
            time.sleep(self.pause)

    def stop(self):
        self.stopping = True
        for thread in self.threads:
            thread.join()

    def p99(self, start, end):
        took = sorted(ms for at, ms in self.answers if start <= at < end)
        return took[int(len(took) * 0.99)] if took else None


def deploy(folder, release, fault=None):
    target = os.path.join(folder, release)
    shutil.copytree(os.path.dirname(WORKER), target)
    if fault == "missing":
        os.remove(os.path.join(target, "TestWorker.dll"))
    elif fault:
        with open(os.path.join(target, "boot-fault"), "w") as file:
            file.write(fault)
    os.symlink(target, os.path.join(folder, "next"))
    os.rename(os.path.join(folder, "next"), os.path.join(folder, "current"))


def broken(_):
    for fault in ("throw:no database", "exit:3", "hang", "missing"):
        with tempfile.TemporaryDirectory(prefix="green-bench-") as folder:
            deploy(folder, "1")
            with Green("-w", "2", "--boot-timeout", "3s", app=os.path.join(folder, "current", "TestWorker.dll")) as green:
                green.ready(2)
                load = Load(green.port, 4, pause=0.002)
                time.sleep(1)
                deploy(folder, "2", fault)
                code = green.command("reload").returncode
                time.sleep(1)
                load.stop()
                print(f"broken deploy ({fault}): exit code {code}, {len(load.failures)} of {len(load.answers) + len(load.failures)} requests failed (goal 7 and 0)", flush=True)


def reload(rounds):
    ratios, failed, asked = [], 0, 0
    for _ in range(max(3, rounds // 10)):
        with Green("-w", "4") as green:
            green.ready(4)
            load = Load(green.port, 8, pause=0.005)
            time.sleep(5)
            start = time.monotonic()
            code = green.command("reload").returncode
            end = time.monotonic()
            load.stop()
            before = load.p99(start - 1, start)
            worst = max(filter(None, (load.p99(second, second + 1) for second in (start + i for i in range(int(end - start) + 1)))))
            ratios.append(worst / before)
            failed += len(load.failures) + (code != 0)
            asked += len(load.answers)
            print(f"reload of 4 workers in {end - start:.1f} s: p99 {before:.1f} ms before, worst second {worst:.1f} ms", flush=True)
    print(f"reload of 4 workers: worst p99 / p99 before, median {statistics.median(ratios):.1f} (goal 2); {failed} of {asked} requests failed", flush=True)


PARTS = {"standby": standby, "cold": cold, "stopped": stopped, "broken": broken, "reload": reload}


def main():
    parser = argparse.ArgumentParser(prog="bench-supervisor.sh", description=__doc__)
    parser.add_argument("--only", default=",".join(PARTS), help="some of: " + ", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=30, help="how often each is measured (default: 30)")
    parser.add_argument("--list", action="store_true", help="show what there is")
    arguments = parser.parse_args()
    if arguments.list:
        print("\n".join(PARTS))
        return
    for name in arguments.only.split(","):
        if name not in PARTS:
            parser.error(f"there is no '{name}': choose from {', '.join(PARTS)}")
        PARTS[name](arguments.rounds)


if __name__ == "__main__":
    main()
