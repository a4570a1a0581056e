"""Two addresses of the loopback, one of which is up to no good."""

import resource
import selectors
import socket
import threading

from conftest import DEADLINE

STRANGER = "127.0.0.2"
GOOD = "127.0.0.3"


def allow_files(count):
    """Let this process open so many files, or as many as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, hard), hard))


def idle(server, count, source=STRANGER, port=None):
    """Connections that say nothing."""
    allow_files(count + 512)
    return [socket.create_connection(("127.0.0.1", port or server.port),
                                     DEADLINE, (source, 0))
            for _ in range(count)]


def close_all(socks):
    for sock in socks:
        sock.close()


class Siege:
    """Keeps so many connections open, and opens a new one for each that is
    closed. Says `opening' on each, then what more() gives, without end."""

    def __init__(self, server, count, source=STRANGER, opening=b"", more=None,
                 port=None):
        allow_files(count + 512)
        self.to = ("127.0.0.1", port or server.port)
        self.count = count
        self.source = source
        self.opening = opening  # bytes, or what makes them
        self.more = more
        self.closed = 0  # how often the server has closed one
        self.fresh = set()  # those that have said nothing yet
        self.begun = 0
        self.over = threading.Event()
        self.all_in = threading.Event()
        self.thread = threading.Thread(target=self._run)

    def __enter__(self):
        self.thread.start()
        assert self.all_in.wait(DEADLINE)
        return self

    def __exit__(self, *exc):
        self.over.set()
        self.thread.join(DEADLINE)

    def wait_closed(self, count):
        """Wait until the server has closed so many."""
        ticks = threading.Event()
        for _ in range(DEADLINE * 50):
            if self.closed >= count:
                return
            ticks.wait(0.02)  # nothing reports when the siege's thread counts
        raise AssertionError(f"{self.closed} closed, not {count}")

    def _open(self, selector):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((self.source, 0))
        sock.setblocking(False)
        sock.connect_ex(self.to)
        self.fresh.add(sock)
        selector.register(
            sock, selectors.EVENT_WRITE,
            self.opening() if callable(self.opening) else self.opening)

    def _replace(self, selector, sock):
        selector.unregister(sock)
        sock.close()
        self.fresh.discard(sock)
        self.closed += 1
        self._open(selector)

    def _write(self, selector, key):
        sent = key.fileobj.send(key.data)
        if key.fileobj in self.fresh:
            self.fresh.remove(key.fileobj)
            self.begun += 1
        rest = key.data[sent:] or (self.more() if self.more else b"")
        selector.modify(key.fileobj, selectors.EVENT_WRITE if rest
                        else selectors.EVENT_READ, rest)

    def _serve(self, selector, key, mask):
        try:
            if mask & selectors.EVENT_WRITE:
                self._write(selector, key)
            elif not key.fileobj.recv(4096):
                self._replace(selector, key.fileobj)
        except BlockingIOError:
            pass
        except OSError:
            self._replace(selector, key.fileobj)

    def _run(self):
        with selectors.DefaultSelector() as selector:
            for _ in range(self.count):
                self._open(selector)
            while not self.over.is_set():
                for key, mask in selector.select(0.05):
                    self._serve(selector, key, mask)
                if self.begun >= self.count:
                    self.all_in.set()
            for key in list(selector.get_map().values()):
                key.fileobj.close()


def metric(server, name, **labels):
    """The value of one sample of a server's metrics."""
    wanted = "".join(f'{k}="{v}"' for k, v in labels.items())
    for line in server.metrics_text().splitlines():
        if line.startswith(name + "{") and all(
                f'{k}="{v}"' in line for k, v in labels.items()):
            return float(line.rsplit(" ", 1)[1])
    raise AssertionError(f"no {name} {wanted}")


def wait_metric(server, name, value, **labels):
    """Wait until a sample has that value."""
    ticks = threading.Event()
    for _ in range(DEADLINE * 20):
        if (found := metric(server, name, **labels)) == value:
            return
        ticks.wait(0.05)  # nothing reports when another process counts
    raise AssertionError(f"{name}: {found}, not {value}")
