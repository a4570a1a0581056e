"""A PostgreSQL of one's own: a throw-away cluster on a free loopback port.

    def test_it(postgres):              # a database on the server of all tests
        postgres.url                    # as `[store] url` has it
        postgres("SELECT 1 + %s", 1)    # [(2,)], as the owner of the database

    def test_it(postgres_server):       # a factory of servers of one's own
        server = postgres_server(max_connections=5)
        database = server.database()    # one more
        server.add_user("kitchen", "secret")    # the others need no password
        database.url_of("kitchen", "secret", sslmode="disable")
        server.stop(); server.stop("immediate"); server.start()  # same port
        server.kill()                   # as when the kernel kills it
        server.pause(); server.resume()     # silence: all of it is stopped
        other = server.standby()        # follows it; other.promote()
        server.backends("klikitd")      # who is connected, by application_name

Options of the factory: tls= a certificates.Certificate (who wants TLS gets it,
but nobody has to), folder= where its files are to lie in place of the system's
folder for such, and any setting of postgresql.conf as a keyword.

What a server promises about crashes it keeps here: fsync is on, as klikitd asks
for. The programs are those that `./run test` has unpacked, else the installed
ones. It ends with the process that started it, however that ends.
"""

import contextlib
import itertools
import os
import pathlib
import signal
import subprocess
import threading
import time
import urllib.parse

import unpacked
from conftest import DEADLINE
from unpacked import Home, free_port

INSTALLED = pathlib.Path("/usr/lib/postgresql/15/bin")
HOST = "127.0.0.1"
MASTER = "postgres"  # may do all there
OWNER = "klikitd"  # of the databases; may do no more than that
STARTS = 5  # tries to find a port that nobody takes meanwhile
ENDS = {"smart": signal.SIGTERM, "fast": signal.SIGINT,
        "immediate": signal.SIGQUIT}
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_buffers": "16MB",
    "max_wal_senders": 4,
    "jit": "off",
    "log_line_prefix": "%m [%p] %a %d ",
    "lc_messages": "C",
}
# Trust, but for those whose password a test is about.
RULES = """host all +guarded 127.0.0.1/32 scram-sha-256
host all all 127.0.0.1/32 trust
host replication all 127.0.0.1/32 trust
"""
# In each database: as when klikitd has just made its tables, which takes a
# hundred times as long.
EMPTY = """CREATE FUNCTION public.empty_klikitd() RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    name text;
BEGIN
    PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
    FOR name IN SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
        WHERE schemaname = 'klikitd' AND tablename <> 'migrations' LOOP
        EXECUTE CASE name WHEN 'klikitd.store'
            THEN 'UPDATE klikitd.store SET rejected_bytes = 0'
            ELSE 'DELETE FROM ' || name END;
    END LOOP;
    FOR name IN SELECT format('%I.%I', schemaname, sequencename)
        FROM pg_sequences WHERE schemaname = 'klikitd' LOOP
        EXECUTE 'ALTER SEQUENCE ' || name || ' RESTART';
    END LOOP;
END $$"""
# The server gets this signal when the process that started it is gone.
WITH_PARENT = ["setpriv", "--pdeathsig", "QUIT", "--"]


def programs(home):
    """Where PostgreSQL's programs are: a function of their names."""
    for folder in unpacked.folders():
        if (folder / "bin" / "postgres").exists() and (
                folder / "postgresql-15").is_dir():
            return lambda name: home.program_in(folder, name)
    assert INSTALLED.is_dir(), "no postgres: `./run test` unpacks it"
    return lambda name: INSTALLED / name


class Database:
    """One database of a server."""

    def __init__(self, server, name):
        self.server = server
        self.name = name
        self.kept = {}  # connections, by user, if keep() was called
        self.keeps = False

    def keep(self):
        """Ask over one connection, for as long as the server runs: a test that
        polls would make fifty a second."""
        self.keeps = True
        return self

    @property
    def url(self):
        return self.url_of()

    @property
    def name_shown(self):
        return f"postgres://{HOST}:{self.server.port}/{self.name}"

    def url_of(self, user=OWNER, password=None, port=None, host=HOST,
               **parameters):
        """A URL for that user; other parameters are libpq's own."""
        secret = f":{urllib.parse.quote(password, safe='')}" if password else ""
        query = urllib.parse.urlencode(parameters)
        return (f"postgres://{user}{secret}@{host}:{port or self.server.port}"
                f"/{self.name}" + (f"?{query}" if query else ""))

    def __call__(self, sql, *values, user=MASTER):
        """The rows of a statement, each in a transaction of its own."""
        conn = self.kept.get(user) or self.connect(user)
        try:
            with conn.cursor() as cursor:
                cursor.execute(sql, values or None)
                return [tuple(
                    bytes(v) if isinstance(v, memoryview) else v
                    for v in row) for row in (
                        cursor.fetchall() if cursor.description else ())]
        finally:
            if self.keeps and not conn.closed:
                self.kept[user] = conn
            else:
                self.kept.pop(user, None)
                conn.close()

    def says(self, *texts):
        """Does any row of klikitd's tables hold one of these bytes?"""
        return any(
            self(f"SELECT count(*) FROM {table} AS t "
                 "WHERE strpos(t::text, %s) > 0", text.decode()) != [(0,)]
            for table, in self("SELECT tablename FROM pg_tables "
                               "WHERE schemaname = 'klikitd'")
            for text in texts)

    def connect(self, user=MASTER, **parameters):
        """A connection of psycopg2's; tables of klikitd's are found."""
        parameters.setdefault("options", "-c search_path=klikitd,public "
                              "-c bytea_output=escape")
        conn = unpacked.module("psycopg2").connect(
            host=HOST, port=self.server.port, user=user, dbname=self.name,
            connect_timeout=DEADLINE, **parameters)
        conn.autocommit = True
        return conn

    def empty(self):
        """Take all rows out of klikitd's tables, whoever is connected."""
        self("SELECT empty_klikitd()")

    def close(self):
        """Remove it, whoever is connected."""
        self.server.master(f"DROP DATABASE IF EXISTS {self.name} (FORCE)")


def _runs(pid):
    """Whether it has not ended; nobody may have waited for it yet."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"


class PostgresServer:
    def __init__(self, tls=None, folder=None, like=None, **settings):
        """like: one with files of an empty cluster, which are copied."""
        self.home = Home("postgres", folder)
        self.program = programs(self.home)
        self.data = self.home.path / "data"
        self.like = like
        self.process = None
        self.port = None
        self.paused = []
        self.numbers = itertools.count(1)
        self.settings = {**SETTINGS, **settings}
        self.ca = None
        if tls:
            self.ca = tls.path.parent / "root.pem"
            self.settings.update(ssl="on",
                                 ssl_cert_file=self.home.copy(tls.path),
                                 ssl_key_file=self.home.copy(tls.key))

    # -- life --

    def create(self):
        """The files of an empty cluster."""
        if self.like:
            subprocess.run(["cp", "-a", self.like.data, self.data], check=True)
            return self
        self.run("initdb", "-N", "-A", "trust", "-U", MASTER, "-E", "UTF8",
                 "--locale=C", "--wal-segsize=1", "-D", self.data)
        self.write("pg_hba.conf", RULES)
        return self

    def run(self, name, *args):
        """Run one of its programs to its end."""
        since = len(self.home.log("tools"))
        process = self.home.start([self.program(name), *args],
                                  {"TZ": "GMT"}, log="tools")
        try:
            code = process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        assert code == 0, f"{name} failed:\n{self.home.log('tools')[since:]}"

    def write(self, name, text):
        """A file of the cluster."""
        path = self.home.write("part", text)
        path.replace(self.data / name)

    def start(self, wait=True):
        """On a free port at first, then always on the same."""
        if not self.data.exists():
            self.create()
        first = self.port is None
        for _ in range(STARTS if first else 1):
            self.port = free_port() if first else self.port
            self.configure()
            self.process = self.home.start(
                [*WITH_PARENT, self.program("postgres"), "-D", self.data],
                {"TZ": "GMT"})
            if not wait or self._wait_ready():
                break
        else:
            raise AssertionError(f"PostgreSQL does not start:\n{self.log()}")
        if first and wait and not self.is_standby():
            self.master("CREATE ROLE guarded NOLOGIN")
            self.master(f"CREATE ROLE {OWNER} LOGIN")
            Database(self, "template1")(EMPTY)
        return self

    def configure(self, **settings):
        """Write its settings; a running server takes most of them at once."""
        self.settings.update(settings)
        self.write("postgresql.auto.conf", "".join(
            f"{name} = '{value}'\n" for name, value in
            {**self.settings, "port": self.port}.items()))
        if self.alive():
            self.process.send_signal(signal.SIGHUP)

    def _wait_ready(self):
        """Until it answers. False: it has ended."""
        error = unpacked.module("psycopg2").OperationalError
        ticks = threading.Event()
        for _ in range(DEADLINE * 50):
            if self.process.poll() is not None:
                return False
            try:
                self.master("SELECT 1")
                return True
            except error:
                ticks.wait(0.02)  # nothing else says that it listens
        self.stop("immediate")
        return False

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, mode="fast"):
        self._end(ENDS[mode])

    def _end(self, signum):
        if self.process is None:
            return
        self.resume()
        left = self.children()
        unpacked.end(self, signum, last=signal.SIGQUIT)
        end = time.monotonic() + DEADLINE
        while any(_runs(pid) for pid in left):
            assert time.monotonic() < end, f"{left} stay"
            time.sleep(0.01)  # a server that was killed waits for nobody

    def kill(self):
        """The server, by the kernel; what serves connections ends itself."""
        self._end(signal.SIGKILL)

    def restart(self, mode="fast"):
        self.stop(mode)
        return self.start()

    def children(self):
        """The processes that serve connections, and its helpers."""
        path = pathlib.Path(f"/proc/{self.process.pid}/task/"
                            f"{self.process.pid}/children")
        with contextlib.suppress(FileNotFoundError):
            return [int(pid) for pid in path.read_text().split()]
        return []

    def pause(self):
        """It keeps its connections and takes new ones, and says nothing."""
        for pid in [self.process.pid, *self.children()]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                self.paused.append(pid)

    def resume(self):
        while self.paused:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.paused.pop(), signal.SIGCONT)

    def close(self):
        self.stop("immediate")
        self.home.remove()

    def log(self):
        return self.home.log("tools") + self.home.log()

    # -- inside --

    @property
    def master(self):
        """The database that is there from the start."""
        return Database(self, MASTER)

    def database(self, name=None, template="template1"):
        """A new one, of the user OWNER."""
        name = name or f"d{os.getpid()}_{next(self.numbers)}"
        self.master(f"CREATE DATABASE {name} TEMPLATE {template} "
                    f"OWNER {OWNER}")
        return Database(self, name)

    def add_user(self, name, password, valid_until="infinity"):
        """One who has to give a password, and has no rights yet."""
        self.master(f"CREATE ROLE {name} LOGIN PASSWORD '{password}' "
                    f"VALID UNTIL '{valid_until}' IN ROLE guarded")

    def backends(self, application):
        """Process numbers of the connections of that application."""
        return [pid for pid, in self.master(
            "SELECT pid FROM pg_stat_activity WHERE application_name = %s "
            "AND backend_type = 'client backend' ORDER BY pid", application)]

    # -- a second one --

    def standby(self, **settings):
        """A running server that follows this one."""
        other = PostgresServer(**{**{k: v for k, v in self.settings.items()
                                     if not k.startswith("ssl")}, **settings})
        other.run("pg_basebackup", "-h", HOST, "-p", self.port, "-U", MASTER,
                  "-D", other.data, "-R", "-X", "stream", "-c", "fast")
        # Whom it follows stands in a file that start() writes anew.
        other.settings["primary_conninfo"] = (
            f"host={HOST} port={self.port} user={MASTER}")
        return other.start()

    def is_standby(self):
        return self.master("SELECT pg_is_in_recovery()") == [(True,)]

    def promote(self):
        self.master("SELECT pg_promote()")

    def wait_primary(self):
        """Until it has read all that it is to recover, and takes writes."""
        end = time.monotonic() + DEADLINE
        while self.is_standby():
            assert time.monotonic() < end, f"it stays behind:\n{self.log()}"
            time.sleep(0.02)

    def wait_caught_up(self):
        """Until each standby has all that this one has written."""
        end = time.monotonic() + DEADLINE
        while self.master("SELECT count(*) FROM pg_stat_replication "
                          "WHERE replay_lsn >= pg_current_wal_lsn()") == [
                              (0,)]:
            assert time.monotonic() < end, "the standby does not catch up"
            time.sleep(0.02)
