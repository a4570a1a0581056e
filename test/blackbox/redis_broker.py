"""A Redis of one's own, and as much of its protocol as a test needs.

    def test_it(redis_server):                  # a factory; see brokers.py
        redis = redis_server(users={"kitchen": ("secret", "~orders* +@all")},
                             appendfsync="always")
        redis("XLEN", "orders")                 # one command as `default`
        redis.client("kitchen", "secret")       # a connection: a callable, too
        redis.entries("orders")                 # [(id, {field: value})], bytes
        redis.kill(); redis.start()             # same port, same data
        redis.pause(); redis.resume()           # silence: it is stopped
        redis.set("maxmemory", 1)               # OOM; 0 ends it
        redis.break_saving(); redis.mend_saving()   # MISCONF until mended

Options of the factory: password= (of `default`), users= {name: (password,
rules)}, tls= a certificates.Certificate (then all speak TLS), and any directive
of redis.conf as a keyword with _ for -; appendonly is `yes` unless it is given.
"""

import signal
import socket
import ssl
import threading

from conftest import DEADLINE
from unpacked import Home, end, free_port

STARTS = 5  # tries to find a port that nobody takes meanwhile


class RedisError(Exception):
    """What the server answered with a minus."""


class Client:
    """One connection; speaks RESP2."""

    def __init__(self, port, tls=None):
        self.sock = socket.create_connection(("127.0.0.1", port), DEADLINE)
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")
        self.stream = self.sock.makefile("rb")

    def __call__(self, *words):
        """One command. Returns its answer: bytes, int, None or a list."""
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.sock.sendall(b"*%d\r\n" % len(words) + b"".join(
            b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        answer = self._read()
        if isinstance(answer, RedisError):
            raise answer
        return answer

    def _read(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("the connection ended")
        kind, text = line[:1], line[1:-2]
        if kind == b"+":
            return text
        if kind == b"-":
            return RedisError(text.decode())
        if kind == b":":
            return int(text)
        if kind == b"$":
            if text == b"-1":
                return None
            data = self.stream.read(int(text) + 2)
            if len(data) != int(text) + 2:
                raise ConnectionError("the connection ended")
            return data[:-2]
        assert kind == b"*", line
        return None if text == b"-1" else [
            self._read() for _ in range(int(text))]

    def close(self):
        self.stream.close()
        self.sock.close()


class RedisServer:
    def __init__(self, password=None, users=None, tls=None, **directives):
        self.home = Home("redis")
        self.password = password
        self.tls = None  # an ssl.SSLContext that trusts it
        self.process = None
        self.port = None
        self.directives = {"appendonly": "yes", "save": '""', **{
            name.replace("_", "-"): value for name, value in
            directives.items()}}
        self.lines = [f"user {name} on >{secret} {rules}" for
                      name, (secret, rules) in (users or {}).items()]
        if password:
            self.lines.append(f"requirepass {password}")
        if tls:
            self._use_tls(tls)

    def _use_tls(self, certificate):
        self.home.copy(certificate.path)
        self.home.copy(certificate.key)
        root = certificate.path.parent / "root.pem"
        self.tls = ssl.create_default_context(cafile=root)
        self.directives.update({
            "tls-cert-file": self.home.path / certificate.path.name,
            "tls-key-file": self.home.path / certificate.key.name,
            "tls-auth-clients": "no"})

    # -- life --

    def start(self):
        """On a free port at first, then always on the same."""
        for _ in range(1 if self.port else STARTS):
            port = self.port or free_port()
            self.process = self.home.start(
                [self.home.program("redis-server"), self._config(port)])
            if self._wait_ready(port):
                self.port = port
                return self
            self.process.wait()
        raise AssertionError(f"Redis does not start:\n{self.log()}")

    def _config(self, port):
        plain, secure = (0, port) if self.tls else (port, 0)
        lines = [f"port {plain}", "bind 127.0.0.1", "daemonize no",
                 f"tls-port {secure}", f"dir {self.home.path}", *self.lines,
                 *(f"{name} {value}" for name, value in
                   self.directives.items())]
        return self.home.write("redis.conf", "\n".join(lines) + "\n")

    def _wait_ready(self, port):
        """Until it answers and has read its file. False: it has ended."""
        ticks = threading.Event()
        for _ in range(DEADLINE * 50):
            if self.process.poll() is not None:
                return False
            try:
                client = self._connect(port)
                client("PING")
                client.close()
                return True
            except (OSError, RedisError):
                ticks.wait(0.02)  # nothing else says that it listens
        self.process.kill()
        return False

    def stop(self, signum=signal.SIGTERM):
        end(self, signum)

    def kill(self):
        """As a power switch would."""
        self.stop(signal.SIGKILL)

    def restart(self, kill=False):
        self.stop(signal.SIGKILL if kill else signal.SIGTERM)
        return self.start()

    def pause(self):
        """It keeps its connections, and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def close(self):
        self.stop(signal.SIGKILL)
        self.home.remove()

    def log(self):
        return self.home.log()

    # -- talking to it --

    def url(self, user=None, db=0):
        """As the key `url` of a handler has it."""
        scheme = "rediss" if self.tls else "redis"
        login = f"{user}@" if user else ""
        host = "localhost" if self.tls else "127.0.0.1"
        return f"{scheme}://{login}{host}:{self.port}/{db}"

    def _connect(self, port, user=None, password=None):
        client = Client(port, self.tls)
        if user:
            client("AUTH", user, password)
        elif password or self.password:
            client("AUTH", password or self.password)
        return client

    def client(self, user=None, password=None):
        return self._connect(self.port, user, password)

    def __call__(self, *words):
        client = self.client()
        try:
            return client(*words)
        finally:
            client.close()

    def set(self, name, value):
        self("CONFIG", "SET", name, value)

    def entries(self, stream):
        """Of a stream, in its order."""
        return [(number.decode(), {
            fields[i].decode(): fields[i + 1] for i in range(
                0, len(fields), 2)})
            for number, fields in self("XRANGE", stream, "-", "+")]

    def break_saving(self):
        """What writes is refused: MISCONF, as with a full disk."""
        self.home.path.chmod(0o500)
        self.set("save", "3600 1000000")
        self._save()

    def mend_saving(self):
        self.home.path.chmod(0o700)
        self._save()
        self.set("save", "")

    def _save(self):
        self("BGSAVE")
        ticks = threading.Event()
        for _ in range(DEADLINE * 50):
            if b"rdb_bgsave_in_progress:0" in self("INFO", "persistence"):
                return
            ticks.wait(0.02)  # its child is at it
        raise AssertionError(f"it saves for ever:\n{self.log()}")
