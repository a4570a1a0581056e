"""The servers that are measured: how each is started, asked, and ended."""

import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

from machine import BenchError, pinned

SECRET = "bench-secret-0123456789abcdef"
READY_S, STOP_S = 60, 30
HERE = pathlib.Path(__file__).resolve().parent

# No handler wants these events: what is measured is the way to the ack. The
# events, their orders and the line in the log are written all the same.
NO_HANDLERS = """
[handler nobody]
type = orders
events = bench.nothing
"""


class Running:
    """A started server; stop() says whether it behaved."""

    def __init__(self, process, folder, url, path, started):
        self.process, self.folder = process, folder
        self.url, self.path = url, path
        self.pid = process.pid
        self.start_ms = started
        self.idle_kb = self.memory_kb()

    def memory_kb(self):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        """End it. Returns its exit code."""
        self.process.terminate()
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BenchError(f"{self.folder.name}: does not stop") from None
        self.process.stdout.close()
        return code


def _ready_line(process, name):
    """Wait for the line that says where it listens."""
    os.set_blocking(process.stdout.fileno(), True)
    while True:
        line = process.stdout.readline()
        if not line:
            process.wait()
            raise BenchError(f"{name}: did not start; see its log")
        if line.startswith("listening: "):
            return line.split()[1]


def _wait_port(process, port, name):
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.005)
    raise BenchError(f"{name}: did not start; see its log")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server:
    """A contestant. missing: why it cannot take part, or None."""

    path = "/webhooks/klikit"

    def __init__(self, bench, name, text):
        self.bench, self.name, self.text = bench, name, text
        self.missing = None

    def command(self, folder):
        """What to run in folder, which is made for this run."""
        raise NotImplementedError

    def environment(self):
        return dict(os.environ)

    def fixed_port(self):
        """A server that cannot say which port the kernel chose has one."""
        return None

    def start(self, folder=None):
        """Start it on the servers' core, in a folder of its own."""
        folder = folder or self.bench.new_folder(self.name)
        port = self.fixed_port()
        command = self.command(folder)
        with open(folder / "log", "ab") as log:
            before = time.monotonic()
            process = subprocess.Popen(
                pinned(self.bench.server_core, command), cwd=folder,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
                text=True, env=self.environment())
        self.bench.processes.append(process)
        if port is None:
            url = _ready_line(process, self.name)
        else:
            _wait_port(process, port, self.name)
            url = f"http://127.0.0.1:{port}"
        took_ms = (time.monotonic() - before) * 1000
        return Running(process, folder, url, self.path, took_ms)

    def check(self, running, answered):
        """After a run: raise unless all that was answered is there."""

    def clean(self, running):
        shutil.rmtree(running.folder, ignore_errors=True)


class Klikitd(Server):
    # Is there a job that has not ended? By the index of what has not.
    UNFINISHED = """
        SELECT EXISTS (SELECT 1 FROM jobs
            WHERE finished_at IS NULL AND behind = 0)
        OR EXISTS (SELECT 1 FROM jobs
            WHERE finished_at IS NULL AND behind > 0)"""

    def __init__(self, bench, name, text, binary="klikitd", handlers=False,
                 tmpfs=None):
        super().__init__(bench, name, text)
        self.binary = bench.build / binary
        self.handlers, self.tmpfs = handlers, tmpfs
        self.database = "klikitd.db"
        self.port = 0

    def database_path(self, folder):
        if self.tmpfs is not None:
            return self.tmpfs / f"{folder.name}.db"
        return folder / self.database

    def command(self, folder):
        config = folder / "klikitd.ini"
        config.write_text(
            f"[http]\nlisten = 127.0.0.1:{self.port}\n"
            "max_connections = 8192\n"
            f"[klikit]\nsecret_file = {self.bench.secret_file}\n"
            "[admin]\nlisten = 127.0.0.1:0\n"
            f"[store]\nurl = sqlite:{self.database_path(folder)}\n"
            + ("" if self.handlers else NO_HANDLERS))
        return [self.binary, "serve", "-c", config]

    def environment(self):
        return {name: value for name, value in os.environ.items()
                if not name.startswith(("KLIKIT", "PORT"))}

    def query(self, folder, sql):
        db = sqlite3.connect(f"file:{self.database_path(folder)}?mode=ro",
                             uri=True, timeout=30)
        try:
            return db.execute(sql).fetchall()
        finally:
            db.close()

    def check(self, running, answered):
        if running.stop() != 0:
            raise BenchError(f"{self.name}: failed; see its log")
        stored = self.query(running.folder, "SELECT count(*), "
                            "count(DISTINCT event_id) FROM events")[0]
        if stored != (answered, answered):
            raise BenchError(f"{self.name}: {answered} events were "
                             f"acknowledged, {stored[0]} are stored")
        for line in running.log().splitlines():
            if ((" warn " in line and "running as root" not in line) or
                    " error " in line):
                raise BenchError(f"{self.name}: says: {line}")

    def clean(self, running):
        super().clean(running)
        if self.tmpfs is not None:
            for path in self.tmpfs.glob(f"{running.folder.name}.db*"):
                path.unlink()


class EvhttpPeer(Server):
    """mode: None, or how it does more than to answer."""

    def __init__(self, bench, name, text, mode=None):
        super().__init__(bench, name, text)
        self.mode = mode

    def command(self, folder):
        binary = self.bench.build / "test/bench/evhttp_peer"
        return [binary, *{
            None: (),
            "verify": ("--verify", self.bench.secret_file),
            "append": ("--append", self.bench.secret_file,
                       folder / "bodies")}[self.mode]]


class Node(Server):
    def __init__(self, bench, name, text, database=False):
        super().__init__(bench, name, text)
        self.database = database
        folder = bench.build / "peers" / "node"
        self.script = folder / "receiver.js"
        self.missing = _node_missing(folder, database)

    def command(self, folder):
        command = ["node", self.script, self.bench.secret_file]
        return command + [folder / "node.db"] if self.database else command

    def environment(self):
        return {**os.environ, "NODE_ENV": "production"}

    def check(self, running, answered):
        if not self.database:
            return
        running.stop()
        db = sqlite3.connect(running.folder / "node.db")
        stored = db.execute("SELECT count(*) FROM events").fetchone()[0]
        db.close()
        if stored != answered:
            raise BenchError(f"{self.name}: {answered} events were "
                             f"acknowledged, {stored} are stored")


def _node_missing(folder, database):
    """Why it cannot run, or None."""
    if shutil.which("node") is None:
        return "there is no node"
    packages = ["express"] + (["better-sqlite3"] if database else [])
    test = "".join(f"require({json.dumps(p)});" for p in packages)
    if database:
        test += "new (require('better-sqlite3'))(':memory:')"
    run = subprocess.run(["node", "-e", test], cwd=folder, text=True,
                         capture_output=True) if folder.is_dir() else None
    if run is not None and run.returncode == 0:
        return None
    return f"{' and '.join(packages)} could not be installed by npm"


class Webhook(Server):
    """adnanh/webhook: forks a command for each request."""

    path = "/hooks/klikit"

    def __init__(self, bench, name, text):
        super().__init__(bench, name, text)
        if shutil.which("webhook") is None:
            self.missing = "Debian's package webhook is not installed"

    def fixed_port(self):
        self.port = free_port()
        return self.port

    def command(self, folder):
        hooks = folder / "hooks.json"
        hooks.write_text(json.dumps([{
            "id": "klikit",
            "execute-command": "/bin/true",
            "response-message": '{"status":"received"}',
            "trigger-rule": {"match": {
                "type": "payload-hmac-sha256", "secret": SECRET,
                "parameter": {"source": "header",
                              "name": "X-Klikit-Signature"}}},
        }]))
        return ["webhook", "-hooks", hooks, "-ip", "127.0.0.1", "-port",
                self.port]


def everyone(bench):
    """Every contestant by name, those that are missing among them."""
    servers = [
        Klikitd(bench, "klikitd", "klikitd: the ack alone"),
        Klikitd(bench, "klikitd-handlers", "klikitd as it comes, with orders",
                handlers=True),
        Klikitd(bench, "klikitd-one", "klikitd, one event per commit",
                binary="test/bench/klikitd_one"),
        Klikitd(bench, "klikitd-tmpfs", "klikitd, database on tmpfs",
                tmpfs=bench.tmpfs),
        EvhttpPeer(bench, "evhttp", "evhttp alone, answers 200"),
        EvhttpPeer(bench, "evhttp-hmac", "evhttp and HMAC", "verify"),
        EvhttpPeer(bench, "limit", "the limit: evhttp, HMAC, a synced file",
                   "append"),
        Node(bench, "node", "Node + Express, ids in memory"),
        Node(bench, "node-sqlite", "Node + Express + better-sqlite3, FULL",
             database=True),
        Webhook(bench, "webhook", "adnanh/webhook, forks /bin/true"),
    ]
    return {server.name: server for server in servers}
