"""Fixtures: a klikitd of one's own for each test, on a port the kernel chose.

A test of a klikitd runs over both stores, SQLite and PostgreSQL: the latter in
`./run test` too if it is marked `both', else in `./run test long' only, and
not at all if it is marked `sqlite' with the reason. One that has a PostgreSQL of
its own (postgres, postgres_server) runs once.

KLIKITD names the binary (default: build/klikitd beside the tests). A test that
expects warnings in the log says so with server.expect(PATTERN); any other
warning or error fails it at the end, as does a report of a sanitizer.
"""

import hashlib
import hmac
import http.client
import json
import os
import pathlib
import random
import re
import signal
import sqlite3
import subprocess
import threading
import time
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("KLIKITD", str(ROOT / "build" / "klikitd"))
PAYLOADS = ROOT / "test" / "payloads"
SECRET = b"klikit-test-secret"
CREATED = "klikit.order.created.v2"
STATUS = "klikit.order.status.updated"
CART = "klikit.order.cart.updated"
SEED = os.environ.get("KLIKITD_SEED", "1")  # `./run test long` draws one
ROOT_WARNING = "running as root, with power over the whole machine"
# Says once more what the lines of the jobs say, which a test has to expect.
DEAD_ALERT = "warn alert: job_dead "
DEADLINE = 60  # seconds that anything awaited may take on a slow machine

# Set by the runner: every server runs under valgrind, whose exit code says
# what it found.
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full",
            "--errors-for-leak-kinds=definite"]
# None that is installed on this machine: see klikitd help config.
os.environ.setdefault("KLIKITD_CONFIG", "")
PREFIX = VALGRIND if os.environ.get("KLIKITD_VALGRIND") else []


def sign(body, secret=SECRET):
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def payload(name):
    return (PAYLOADS / name).read_bytes()


def own(body, event_id):
    """The body as no other event has it."""
    return body.replace(b"{", b'{"own":"%s",' % event_id.encode(), 1)


def to_postgres(sql, values):
    """A statement with places for values as psycopg2 has them."""
    return sql.replace("%", "%%").replace("?", "%s") if values else sql


class Klikitd:
    """One server process in a directory of its own."""

    def __init__(self, directory, verb="serve", args=(), config="", env=None,
                 secret=SECRET, wrapper=(), database="klikitd.db",
                 store=None):
        self.directory = pathlib.Path(directory)
        self.secret = secret
        self.database = self.directory / database
        self.store = store  # a postgres_server.Database in place of that file
        self.config = self.directory / "klikitd.ini"
        self.verb = verb
        self.args = list(args)
        self.wrapper = list(wrapper)
        self.env = dict(env or {})
        # What test_guard.py is about; all else runs as whoever runs it.
        self.expected = [ROOT_WARNING, DEAD_ALERT] if verb == "serve" else []
        self.tls = None  # an ssl.SSLContext: that is how it is spoken to
        self.pass_fds = ()  # what the wrapper hands on
        self.process = None
        self.lines = []
        self.changed = threading.Condition()
        self.write_config(config)

    def write_config(self, text):
        """Replace the configuration; listeners on port 0 unless it has one."""
        if "listen" not in text:
            text = "[http]\nlisten = 127.0.0.1:0\n" + text.replace(
                "[http]\n", "")
        if self.store and not re.search(r"^url = (sqlite|postgres):", text,
                                        re.M):
            url = f"[store]\nurl = {self.store.url}\n"
            text = (text.replace("[store]\n", url) if "[store]\n" in text
                    else f"{text.rstrip()}\n{url}")  # lines keep their numbers
        self.config.write_text(text)

    @property
    def store_name(self):
        """As verbs and the log name it."""
        return self.store.name_shown if self.store else str(self.database)

    # -- life --

    def command(self):
        return (self.wrapper + PREFIX +
                [BINARY, self.verb, "-c", str(self.config)] + self.args)

    def environment(self):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("KLIKIT", "PORT", "STATE_DIR"))}
        env["KLIKITD_CONFIG"] = ""
        if self.secret is not None:
            env["KLIKIT_WEBHOOK_SECRET"] = self.secret.decode()
        if "[admin]" not in self.config.read_text():
            env["KLIKITD_ADMIN_LISTEN"] = "127.0.0.1:0"
        env.update(self.env)
        return env

    def start(self, wait=True, stdout=subprocess.PIPE,
              stderr=subprocess.PIPE):
        """Only what goes to a pipe made here is read."""
        self.urls = []
        self.admin = None  # the URL of its admin listener
        since = len(self.lines)
        self.process = subprocess.Popen(
            self.command(), cwd=self.directory, env=self.environment(),
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
            pass_fds=self.pass_fds)
        self.readers = [
            threading.Thread(target=self._read, args=(stream, kind),
                             daemon=True)
            for stream, kind in ((self.process.stdout, "out"),
                                 (self.process.stderr, "err"))
            if stream is not None]
        for reader in self.readers:
            reader.start()
        if wait:
            alone = "[admin]\nlisten =\n" in self.config.read_text()
            self.wait_for(lambda: self.urls and (self.admin or alone),
                          "a listener")
            # A damaged store may be known as such before it is ready.
            if "it was not closed properly" in self.log(since):
                self.wait_for(
                    lambda: re.search("deliveries are taken|store: damaged",
                                      self.log(since)), "store")
            self.url = self.urls[0]
            self.port = int(self.url.rsplit(":", 1)[1])
        return self

    def _read(self, stream, kind):
        for raw in stream:
            line = raw.decode(errors="replace").rstrip("\n")
            with self.changed:
                if kind == "out" and line.startswith("listening: "):
                    self.urls.append(line.split(" ", 1)[1])
                if kind == "out" and line.startswith("admin: "):
                    self.admin = line.split(" ", 1)[1]
                self.lines.append((kind, line))
                self.changed.notify_all()

    @property
    def pid(self):
        """The server's own, also below a wrapper such as strace; setpriv
        becomes what it starts."""
        proc = pathlib.Path(f"/proc/{self.process.pid}")
        # klikitd has children of its own, if only for a moment.
        if not self.wrapper or (proc / "comm").read_text() == "klikitd\n":
            return self.process.pid
        children = proc / "task" / str(self.process.pid) / "children"
        return int((children.read_text().split() or [self.process.pid])[0])

    def wait_for(self, condition, what):
        """Wait until a condition on the output so far holds."""
        with self.changed:
            done = self.changed.wait_for(
                lambda: condition() or self._gone(), DEADLINE)
        assert done and condition(), f"no {what}:\n{self.log()}"

    def _gone(self):
        return (self.process.poll() is not None and
                not any(r.is_alive() for r in self.readers))

    def wait_log(self, pattern, count=1):
        self.wait_for(
            lambda: len(re.findall(pattern, self.log())) >= count,
            f"line matching {pattern!r}")

    def open_files(self):
        """Its descriptors in /proc. A release hides them from all but root;
        a test that needs them is skipped there."""
        folder = pathlib.Path(f"/proc/{self.pid}/fd")
        try:
            return list(folder.iterdir())
        except PermissionError:
            pytest.skip("a release shows its descriptors to root only")

    def stop(self, signum=signal.SIGTERM, expect=0):
        """End the process and check how it ended."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            os.kill(self.pid, signum)
        return self.wait(expect)

    def wait(self, expect=0):
        try:
            code = self.process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"it does not end:\n{self.log()}") from None
        for reader in self.readers:
            reader.join(DEADLINE)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        self.process = None
        if expect is not None:
            assert code == expect, f"exit {code}:\n{self.log()}"
        return code

    def kill(self):
        """As a power switch would; nothing is checked."""
        return self.stop(signal.SIGKILL, expect=None)

    def restart(self):
        self.stop()
        return self.start()

    def reload(self):
        """HUP, until it is done."""
        before = len(re.findall("reload: done", self.log()))
        os.kill(self.pid, signal.SIGHUP)
        self.wait_log("reload: done", before + 1)

    # -- what it says --

    def log(self, since=0):
        """Its lines, from that number of them on."""
        with self.changed:
            return "\n".join(line for _, line in self.lines[since:])

    def final_log(self):
        """Stop, and return all that was ever said. What must not be said is
        looked for here: a line may come long after an answer."""
        self.stop()
        return self.log()

    def expect(self, *patterns):
        """Warnings that match one of these are part of the test."""
        self.expected += patterns

    def check_log(self):
        log = self.log()
        assert "Sanitizer" not in log and "runtime error:" not in log, log
        bad = [line for line in log.splitlines()
               if re.search(r"\b(WARN|ERROR|warn|error)\b", line) and
               not any(re.search(p, line) for p in self.expected)]
        assert not bad, "unexpected in the log:\n" + "\n".join(bad)

    # -- talking to it --

    def connect(self, timeout=DEADLINE, source=None):
        """A connection, from an address of the loopback if one is named."""
        source = source and (source, 0)
        if self.tls:
            return http.client.HTTPSConnection(
                "localhost", self.port, timeout=timeout, context=self.tls,
                source_address=source)
        return http.client.HTTPConnection("127.0.0.1", self.port,
                                          timeout=timeout,
                                          source_address=source)

    def headers(self, body, event_id=None, type=CREATED, signature=None):
        return {
            "Content-Type": "application/json",
            "x-klikit-event-id": event_id or f"test-{uuid.uuid4()}",
            "x-klikit-event-type": type,
            "x-klikit-signature": signature or sign(body, self.secret),
        }

    def post(self, body, event_id=None, type=CREATED, signature=None,
             headers=None, connection=None, path="/webhooks/klikit",
             source=None):
        """Deliver a body. Returns status, headers (lower case) and body."""
        conn = connection or self.connect(source=source)
        sent = self.headers(body, event_id, type, signature)
        sent.update(headers or {})
        sent = {k: v for k, v in sent.items() if v is not None}
        conn.request("POST", path, body, sent)
        answer = conn.getresponse()
        data = answer.read()
        fields = {k.lower(): v for k, v in answer.getheaders()}
        if connection is None:
            conn.close()
        return answer.status, fields, data

    def deliver(self, body, event_id=None, **options):
        """post() with a body of its own: the same bytes under another id are
        a repeat. The orders in it stay the same."""
        event_id = event_id or f"test-{uuid.uuid4()}"
        return self.post(own(body, event_id), event_id, **options)

    def get(self, path):
        conn = self.connect()
        conn.request("GET", path)
        answer = conn.getresponse()
        data = answer.read()
        conn.close()
        return answer.status, data

    def do(self, *args, expect=0):
        """Run a verb on this server's store. Returns what it printed. An
        expected exit code of None is any. A pause is waited for."""
        seen = self._pauses(args)
        done = run(args[0], "-c", self.config, *args[1:], cwd=self.directory)
        assert b"Sanitizer" not in done.stderr, done.stderr.decode()
        assert expect is None or done.returncode == expect, done
        self.said = done.stderr.decode()
        if seen is not None and done.returncode == 0:
            self.wait_log(f"handler {args[1]}: paused", seen + 1)
        return done.stdout.decode()

    def _pauses(self, args):
        """How often the handler that the verb is about to pause was paused by
        now; None: there is nothing to wait for. Of a shared store the server
        hears within a second what a verb has written there."""
        if (self.store is None or self.process is None or args[0] != "pause" or
                self.query("SELECT paused_at FROM handlers WHERE name = ?",
                           args[1]) != [(None,)]):
            return None
        return len(re.findall(f"handler {args[1]}: paused", self.log()))

    def ask(self, method, path, body=None, headers=None):
        """A request to the admin listener. Returns status, headers, JSON."""
        host, port = self.admin.removeprefix("http://").rsplit(":", 1)
        conn = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        sent = {} if body is None else {"Content-Type": "application/json"}
        sent.update(headers or {})
        sent = {k: v for k, v in sent.items() if v is not None}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        conn.request(method, path, body, sent)
        answer = conn.getresponse()
        data = answer.read()
        fields = {k.lower(): v for k, v in answer.getheaders()}
        conn.close()
        return answer.status, fields, json.loads(data) if data else None

    def metrics_text(self):
        """All of /metrics."""
        host, port = self.admin.removeprefix("http://").rsplit(":", 1)
        conn = http.client.HTTPConnection(host, int(port), timeout=DEADLINE)
        conn.request("GET", "/metrics")
        text = conn.getresponse().read().decode()
        conn.close()
        return text

    def metrics(self):
        """Its samples, by name and labels as they stand."""
        return {name: float(value) for name, value in
                re.findall(r"^([^#\s]\S*(?:\{.*\})?) (\S+)$",
                           self.metrics_text(), re.M)}

    # -- what it stored --

    def query(self, sql, *values):
        """Rows of the database, read beside the server."""
        if self.store:
            return self.store(to_postgres(sql, values), *values)
        conn = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True,
                               timeout=DEADLINE)
        try:
            return conn.execute(sql, values).fetchall()
        finally:
            conn.close()

    def change(self, sql, *values):
        """Change the store by hand, while nobody serves it. Rows may have
        numbers that were not given out yet."""
        if self.store:
            self.store(to_postgres(sql, values), *values)
            for table in ("event", "job"):
                self.store(f"SELECT setval('{table}_numbers', max(id)) "
                           f"FROM {table}s HAVING max(id) IS NOT NULL")
            return
        conn = sqlite3.connect(self.database)
        try:
            with conn:
                conn.execute(sql, values)
        finally:
            conn.close()

    def wait_query(self, sql, wanted):
        """Wait until a query gives the wanted rows."""
        ticks = threading.Event()
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            rows = self.query(sql)
            if rows == wanted:
                return
            ticks.wait(0.02)  # nothing tells when another process commits
        raise AssertionError(f"{sql}: {rows}, not {wanted}\n{self.log()}")

    def wait_ready(self):
        """Wait until it takes deliveries."""
        ticks = threading.Event()
        for _ in range(DEADLINE * 20):
            code, _, said = self.ask("GET", "/readyz")
            if code == 200:
                return
            ticks.wait(0.05)  # nothing else says so to another process
        raise AssertionError(f"not ready: {said}\n{self.log()}")

    def wait_processed(self):
        self.wait_query(
            "SELECT count(*) FROM jobs WHERE finished_at IS NULL", [(0,)])


def pytest_generate_tests(metafunc):
    marked = metafunc.definition.get_closest_marker
    own = {"postgres_program", "postgres_server"} & set(metafunc.fixturenames)
    if "databases" in metafunc.fixturenames and not own and (
            not marked("sqlite")):
        metafunc.parametrize("databases", ["sqlite", pytest.param(
            "postgres", marks=[pytest.mark.once] if marked("both")
            else [pytest.mark.long])], indirect=True)


def pytest_collection_modifyitems(items):
    for item in items:
        for mark in item.iter_markers("sqlite"):
            assert len(mark.args) == 1, f"{item.nodeid}: sqlite, but why?"


def pytest_report_header():
    return f"KLIKITD_SEED={SEED}"


@pytest.fixture
def rng(request):
    """The chances of one test: the same for the same KLIKITD_SEED."""
    return random.Random(f"{SEED} {request.node.name}")


@pytest.fixture(scope="session")
def postgres_unused():
    """Databases with klikitd's tables that are empty again."""
    return []


@pytest.fixture
def databases(request):
    """The databases that servers store in, by their folders; None: in a file
    there, as they do by default."""
    if getattr(request, "param", "sqlite") == "sqlite":
        yield lambda home: None
        return
    unused = request.getfixturevalue("postgres_unused")
    server = request.getfixturevalue("postgres_program")
    used = {}

    def of(home):
        if home not in used:
            used[home] = (unused.pop() if unused
                          else server.database().keep())
        return used[home]

    yield of
    for database in used.values():
        database.empty()
        unused.append(database)


@pytest.fixture
def klikitd(tmp_path, databases):
    """A factory of servers; all are stopped and checked at the end."""
    made = []

    def make(start=True, directory=None, **options):
        home = pathlib.Path(directory or tmp_path / f"server{len(made)}")
        home.mkdir(exist_ok=True)
        own = options.get("verb") == "dev"  # a file, whatever is configured
        server = Klikitd(home, store=None if own else databases(home),
                         **options)
        made.append(server)
        return server.start() if start else server

    yield make
    for server in made:
        server.stop()
        server.check_log()
        for reserve in server.directory.glob("*.reserve"):
            reserve.unlink()  # pytest keeps the rest for a while


@pytest.fixture
def server(klikitd):
    """A server with the defaults, running."""
    return klikitd()


@pytest.fixture(scope="session")
def postgres_program():
    """The one PostgreSQL of all tests, which use `postgres`."""
    from postgres_server import PostgresServer  # needs this file
    shared = PostgresServer()
    try:
        yield shared.start()
    finally:
        shared.close()


@pytest.fixture
def postgres(postgres_program):
    """An empty database of the test's own: see postgres_server.py."""
    database = postgres_program.database()
    yield database
    database.close()


@pytest.fixture(scope="session")
def empty_cluster():
    """A PostgreSQL that never runs: making its files takes a second."""
    from postgres_server import PostgresServer  # needs this file
    empty = PostgresServer()
    try:
        yield empty.create()
    finally:
        empty.close()


@pytest.fixture
def postgres_server(tmp_path, empty_cluster):
    """A factory of running PostgreSQL servers of the test's own; what they
    have printed is in tmp_path afterwards."""
    from postgres_server import PostgresServer  # needs this file
    made = []

    def make(**options):
        made.append(PostgresServer(like=empty_cluster, **options))
        return made[-1].start()

    yield make
    for number, each in enumerate(made):
        (tmp_path / f"postgres{number}.log").write_text(each.log())
        each.close()


def own_listeners(args, cwd=None):
    """Variables for a verb that tries the ports: a klikitd that somebody has
    beside the tests, as `./run` starts it, has the usual ones."""
    if not args or str(args[0]) not in ("check-config", "doctor"):
        return {}
    args = [os.fsdecode(a) for a in map(os.fspath, map(
        lambda a: a if isinstance(a, (bytes, os.PathLike)) else str(a), args))]
    text = " ".join(args)
    if "-c" in args[:-1]:
        file = pathlib.Path(cwd or ".") / args[args.index("-c") + 1]
        if file.is_file():
            text += file.read_bytes().decode(errors="replace")
    return {f"KLIKITD_{name.upper()}_LISTEN": "127.0.0.1:0"
            for name in ("http", "admin")
            if f"[{name}]" not in text and f"--{name}.listen" not in text}


def run(*args, env=None, cwd=None, input=None):
    """Run a verb to its end."""
    base = {k: v for k, v in os.environ.items()
            if not k.startswith(("KLIKIT", "PORT", "STATE_DIR"))}
    base.update(own_listeners(args, cwd), KLIKITD_CONFIG="")
    base.update(env or {})
    args = [a if isinstance(a, bytes) else str(a) for a in args]
    return subprocess.run([BINARY, *args], env=base, cwd=cwd,
                          input=input, capture_output=True, timeout=DEADLINE)


def received(answer):
    status, _, body = answer
    assert (status, json.loads(body)) == (200, {"status": "received"}), answer


def duplicate(answer):
    status, _, body = answer
    assert (status, json.loads(body)) == (
        200, {"status": "duplicate-ignored"}), answer
