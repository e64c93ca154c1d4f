"""Clients that ask over plain sockets, one request after the other."""
import socket
import threading
import time


def get(port, path="/pid"):
    """One request on a connection of its own; returns head and body."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
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


class Clients:
    """Threads that ask with a short pause; every answer's time, and everything that went wrong."""

    def __init__(self, port, clients, pause):
        self.port, self.pause, self.answers, self.failures, self.stopping = port, pause, [], [], False
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        connection = None
        while not self.stopping:
            start = time.monotonic()
            try:
                connection = connection or socket.create_connection(("127.0.0.1", self.port), timeout=60)
                answer = ask(connection, "/pid")
                end = time.monotonic()
                self.answers.append((end, (end - start) * 1000))
                if "connection: close" in answer.lower():
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
