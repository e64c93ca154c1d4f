"""The servers that are compared. Another variant of the .NET server takes one more line."""

from dataclasses import dataclass, field

# More than any scenario opens: the limit on connections is not compared here.
_UNBOUNDED = "--GreenTransport:WorkerConnections=20000"


@dataclass(frozen=True)
class Variant:
    name: str
    about: str
    arguments: tuple = ()
    environment: dict = field(default_factory=dict)
    unless: str = ""  # left out if the variant of this name is available

    is_dotnet = True


@dataclass(frozen=True)
class Reference:
    """A server that is not .NET, for the scenarios that it can serve."""

    name: str
    about: str
    command: str
    unless: str = ""

    is_dotnet = False


def _green(name, about, *settings, unless=""):
    return Variant(name, about, ("--Transport=green", _UNBOUNDED, *(f"--GreenTransport:{s}" for s in settings)), unless=unless)


VARIANTS = [
    Variant("stock", "Kestrel with its own socket transport"),
    Variant(
        "stock-inline",
        "the same with both inline switches",
        ("--Transport=inline",),
        {"DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS": "1"},
    ),
    _green("green-sockets", "this transport over System.Net.Sockets", "Backend=Sockets"),
    _green("green-epoll", "this transport on its own event loops", "Backend=Epoll", unless="green-epoll-adaptive"),
    _green("green-epoll-adaptive", "its own event loops, Scheduling=Adaptive", "Backend=Epoll", "Scheduling=Adaptive"),
    _green("green-epoll-inline", "its own event loops, Scheduling=Inline (no guard)", "Backend=Epoll", "Scheduling=Inline"),
    _green("green-epoll-threadpool", "its own event loops, Scheduling=ThreadPool", "Backend=Epoll", "Scheduling=ThreadPool"),
    Reference("nginx", "nginx `return 200`", "nginx"),
    Reference("node", "Node's http", "node"),
    Reference("gunicorn", "gunicorn with one gevent worker", "gunicorn"),
    Reference("floor", "a C epoll loop that parses nothing", "floor"),
]

# The variant that the targets are about: the first of these that is available.
SUBJECTS = ["green-epoll-adaptive", "green-epoll", "green-sockets"]
BASELINE = "stock"
