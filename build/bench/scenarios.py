"""What is requested from the servers, and the targets."""

from dataclasses import dataclass

PER_CPU_SECOND = "per_cpu"
THROUGHPUT = "throughput"
P50 = "p50"
P99 = "p99"
SYSCALLS = "syscalls"
ALLOCATED = "allocated"
RSS_PER_CONNECTION = "rss_per_connection"
TAKEOVERS = "takeovers"

UNITS = {
    PER_CPU_SECOND: "requests per CPU-second",
    THROUGHPUT: "requests/s",
    P50: "p50, ms",
    P99: "p99, ms",
    SYSCALLS: "system calls per request",
    ALLOCATED: "bytes allocated per request",
    RSS_PER_CONNECTION: "RSS for each connection, bytes",
    TAKEOVERS: "loops taken over each second",
}


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    path: str = "/plaintext"
    connections: int = 64
    tool: str = "wrk"  # wrk, h2load, or idle: silent connections
    protocol: str = "http"
    pipeline: int = 1
    body: int = 0
    close: bool = False
    quota: bool = True  # False: a whole core
    figure: str = PER_CPU_SECOND  # the figure whose ratio to stock is shown
    references: tuple = ()
    streams: int = 1
    postgres: bool = False
    least_seconds: float = 0
    fresh: bool = False  # a new server for each round, warmed up on /plaintext: its thread pool has not grown yet
    neighbours: int = 0  # this many processes keep the server's core busy, each with the same CPU weight as the server
    calls: bool = False  # count its system calls too, which takes a while


_ALL = ("nginx", "node", "gunicorn", "floor")

SCENARIOS = [
    Scenario("plaintext-64", "plaintext keep-alive, 64 connections", references=_ALL, calls=True),
    Scenario("plaintext-256", "plaintext keep-alive, 256 connections", connections=256, references=_ALL),
    Scenario("plaintext-1024", "plaintext keep-alive, 1,024 connections", connections=1024, references=("nginx", "floor")),
    Scenario("plaintext-1", "one connection, a whole core", connections=1, quota=False, figure=P50, references=("nginx", "floor")),
    Scenario("new-connection", "a new connection for each request", close=True, references=_ALL, calls=True),
    Scenario("pipelined", "16 pipelined, 64 connections", pipeline=16, references=("nginx", "node"), calls=True),
    Scenario("json", "JSON, 64 connections", path="/json"),
    Scenario("yield", "handler with `await Task.Yield()`", path="/yield"),
    Scenario("post-64k", "POST of 64 KiB, echoed", path="/echo", body=64 * 1024, connections=16),
    Scenario("get-1m", "GET of 1 MiB", path="/mebibyte", connections=16),
    Scenario("https", "HTTPS keep-alive, 64 connections", protocol="https"),
    Scenario("http2", "HTTP/2 over TLS, 16 connections of 8 streams", protocol="https", tool="h2load", connections=16, streams=8),
    Scenario("postgres", "one PostgreSQL query through Npgsql", path="/db", postgres=True),
    Scenario("sleep-5pct", "one core, 64 clients, 5 % of handlers Thread.Sleep(20)", path="/sleep5pct", quota=False, figure=THROUGHPUT, fresh=True),
    Scenario("sleep-all", "one core, 200 clients, every handler Thread.Sleep(100)", path="/sleepall", connections=200, quota=False, figure=THROUGHPUT, least_seconds=6, fresh=True),
    Scenario("spin-5pct", "one core, 64 clients, 5 % of handlers spin 5 ms", path="/spin5pct", quota=False, figure=THROUGHPUT, fresh=True),
    Scenario("neighbours", "handlers of 30 µs, one core shared with three busy neighbours", path="/spin30us", quota=False, neighbours=3),
    Scenario("throttled", "handlers of 30 µs under the quota", path="/spin30us"),
    Scenario("idle", "10,000 idle keep-alive connections", connections=10_000, tool="idle", quota=False, figure=RSS_PER_CONNECTION, references=("nginx",)),
]


@dataclass(frozen=True)
class Target:
    """A lower or upper bound for a figure, or for its ratio to another variant in the same round."""

    scenario: str
    figure: str
    bound: float
    against: str = ""  # empty: the figure by itself
    at_most: bool = False
    subject: str = ""  # empty: this transport's default


TARGETS = [
    Target("plaintext-64", PER_CPU_SECOND, 2.8, "stock"),
    Target("plaintext-256", PER_CPU_SECOND, 2.3, "stock"),
    Target("plaintext-1024", PER_CPU_SECOND, 2.0, "stock"),
    Target("new-connection", PER_CPU_SECOND, 1.9, "stock"),
    Target("pipelined", PER_CPU_SECOND, 1.5, "stock"),
    Target("json", PER_CPU_SECOND, 2.2, "stock"),
    Target("yield", PER_CPU_SECOND, 1.2, "stock"),
    Target("post-64k", PER_CPU_SECOND, 1.1, "stock"),
    Target("get-1m", PER_CPU_SECOND, 1.1, "stock"),
    Target("https", PER_CPU_SECOND, 1.2, "stock"),
    Target("http2", PER_CPU_SECOND, 1.1, "stock"),
    Target("postgres", PER_CPU_SECOND, 1.1, "stock"),
    Target("sleep-5pct", THROUGHPUT, 15, "stock"),
    Target("sleep-5pct", P99, 0.4, "stock", at_most=True),
    Target("sleep-all", THROUGHPUT, 35, "stock"),
    Target("sleep-all", THROUGHPUT, 1700),
    Target("spin-5pct", THROUGHPUT, 1.3, "stock"),
    Target("spin-5pct", P99, 0.6, "stock", at_most=True),
    Target("plaintext-64", PER_CPU_SECOND, 0.85, "nginx"),
    Target("plaintext-64", PER_CPU_SECOND, 0.75, "floor"),
    Target("plaintext-64", PER_CPU_SECOND, 10, "gunicorn"),
    Target("plaintext-64", PER_CPU_SECOND, 0.98, "green-epoll-inline", subject="green-epoll-adaptive"),
    Target("idle", RSS_PER_CONNECTION, 0.6, "stock", at_most=True),
    Target("plaintext-64", SYSCALLS, 2.3, at_most=True),
    Target("new-connection", SYSCALLS, 6.5, at_most=True),
    Target("plaintext-64", ALLOCATED, 1, at_most=True),
    Target("neighbours", TAKEOVERS, 1, at_most=True),
    Target("throttled", TAKEOVERS, 1, at_most=True),
    Target("plaintext-1", P50, 2.0, "stock", at_most=True),
]
