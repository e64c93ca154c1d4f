"""What went over the wire, kept so that a lost request can be traced."""
import os
import subprocess
import time

from cluster import Failure


class Capture:
    """
    Writes to a file, with tcpdump, all packets with data, a FIN or a RST to or from a port of this machine. Bare
    acknowledgements are left out: they are half of all packets, and do not show which side came first.
    """

    def __init__(self, path, port):
        self.path, self.port = os.path.abspath(path), port
        self.process = subprocess.Popen(
            ["tcpdump", "-i", "lo", "-n", "-q", "-s", "128", "-B", "65536", "-Z", "root", "-w", self.path,
             f"tcp port {port} and tcp[tcpflags] & (tcp-fin|tcp-rst|tcp-push) != 0"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
        deadline = time.monotonic() + 30
        while not os.path.exists(self.path):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failure(f"tcpdump does not write to {self.path}")
            time.sleep(0.05)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Prints how many packets were captured, and how many were dropped."""
        if self.process.poll() is None:
            self.process.terminate()
            said = self.process.communicate()[1]
            print(f"capture {self.path}: {', '.join(line for line in said.splitlines() if 'packets' in line)}")

    def story(self, port, lines=12):
        """The last packets of the connections that a client had from this local port."""
        return self._read(f"port {port}")[-lines:]

    def resets(self):
        """The ports of the clients whose connections a server has reset, as it does if a client sends after the server's FIN."""
        lines = self._read(f"src port {self.port} and tcp[tcpflags] & tcp-rst != 0")
        return [int(line.split(" > ")[1].split(":")[0].rsplit(".", 1)[1]) for line in lines]

    def _read(self, what):
        return subprocess.run(
            ["tcpdump", "-r", self.path, "-n", "-tttt", what], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout.splitlines()
