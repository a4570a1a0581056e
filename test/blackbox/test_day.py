"""A day of a branch: many events, the clocks going from hour to hour. Memory
and descriptors stay what they were, and the file is as large as the guide on
sizing says (server/docs/sizing.md)."""

import json
import mmap
import os
import pathlib
import struct
import subprocess
import threading

import pytest

from conftest import BINARY, DEADLINE, PREFIX, ROOT, payload
from memory import OWN_ALLOCATOR, memory_kb
from sink import Sink
from test_outlets import forward

pytestmark = pytest.mark.sqlite("the size of a file")
BUILDS = [pathlib.Path(BINARY).resolve().parent, ROOT / "build-test"]
DAY_S = 86400
HOUR_S = 3600
MORE_KB = 8192  # that memory may grow by, and go down again
STEP_S = 60     # that a delivery does not see: none is under way

# Bytes, as server/docs/sizing.md has them.
PAGE, IN_PAGE, LEAST, ROW = 4096, 4061, 489, 16
EVENT = 365       # without its body, of one order
CALL = 160        # a job that calls out, done at the first attempt
PROJECTION = 265  # a job of type orders, with what it writes of a new order
NEAR = 0.05


def built(name):
    for build in BUILDS:
        if (build / "test" / name).exists():
            return build / "test" / name
    pytest.skip(f"{name} is not built")


class Time:
    """What the clocks of one server are ahead of the kernel's."""

    def __init__(self, directory):
        path = directory / "passing_time"
        path.write_bytes(bytes(mmap.PAGESIZE))
        with open(path, "r+b") as file:
            self.shared = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.passed_s = 0
        self.env = {"LD_PRELOAD": str(built("passing_time.so")),
                    "PASSING_TIME": str(path),
                    "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def pass_s(self, seconds):
        self.passed_s += seconds
        self.shared[:8] = struct.pack("=q", self.passed_s * 10 ** 9)


class Branch:
    """A server with a POS, and klikit, which sends it orders."""

    def __init__(self, klikitd, pos, directory, body):
        self.time = Time(directory)
        self.directory = directory
        self.server = klikitd(env=self.time.env, config=forward(
            pos.url, "concurrency = 32\n[handler board]\ntype = orders"))
        self.pos = pos
        self.sent = 0
        self.body = body
        order = json.loads(self.body)["orders"][0]["id"]
        (directory / "body").write_bytes(self.body.replace(
            json.dumps(order).encode(), b"@ORDER@"))
        secret = directory / "secret"
        secret.write_bytes(self.server.secret)
        secret.chmod(0o600)

    def send(self, count):
        """So many orders, each of its own; all are answered 200."""
        done = subprocess.run(
            [built("bench/load"), "--body", self.directory / "body",
             "--secret-file", self.directory / "secret", "--connections",
             "64", "--requests", str(count), "--seconds", "600", "--seed",
             str(self.sent + 1), "--first-order",
             str(1_000_000_000 + self.sent),
             f"127.0.0.1:{self.server.port}"], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        self.sent += count
        self.wait_done()

    def wait_done(self):
        """Asked of the server: a long read of the file by others keeps its
        log from starting over."""
        ticks = threading.Event()
        for _ in range(DEADLINE * 10):
            counts = self.server.ask("GET", "/api/v1/status")[2]["counts"]
            if counts["pending_jobs"] == 0:
                return
            ticks.wait(0.1)  # nothing tells when the last job has ended
        raise AssertionError(f"not done: {counts}")

    def wait(self, seconds):
        """Nothing comes in, and the box does what it does by the clock."""
        while seconds > 0:
            self.time.pass_s(min(seconds, STEP_S))
            seconds -= STEP_S
            assert self.server.ask("GET", "/readyz")[0] == 200


def body_bytes(length):
    """Of one body, with its row: what a page of SQLite does not take whole
    goes into pages of its own."""
    length += ROW
    if length <= IN_PAGE:
        return PAGE / (PAGE // length)
    kept = LEAST + (length - LEAST) % (PAGE - 4)
    kept = kept if kept <= IN_PAGE else LEAST
    return kept + -(-(length - kept) // (PAGE - 4)) * PAGE


def predicted(events, length):
    """The bytes of the file, with these handlers: as the guide says."""
    return events * (body_bytes(length) + EVENT + CALL + PROJECTION)


def test_the_guide_says_the_same():
    guide = (ROOT / "server" / "docs" / "sizing.md").read_text()
    for number in EVENT, CALL, PROJECTION:
        assert f"| {number}" in guide
    for length in 381, 8203, 60262:
        assert f"{length:,} bytes" in guide
        assert f"{round(body_bytes(length)):,}" in guide


@pytest.fixture
def pos(tmp_path):
    """It keeps no log: of so many that is a file of its own."""
    (tmp_path / "pos").mkdir()
    (tmp_path / "pos" / "sink.jsonl").symlink_to("/dev/null")
    one = Sink(tmp_path / "pos")
    yield one
    one.stop()


@pytest.mark.parametrize("events, body", [
    (20_000, "created-typical.json"),
    pytest.param(1_000_000, "created-small.json", marks=pytest.mark.long)])
def test_a_day_leaves_memory_and_descriptors_as_they_were(
        klikitd, pos, tmp_path, events, body):
    branch = Branch(klikitd, pos, tmp_path, payload(body))
    server = branch.server
    server.expect("clock was set")
    hours, kb, files = DAY_S // HOUR_S, [], []
    for _ in range(hours):
        branch.send(events // hours)
        branch.wait(HOUR_S)
        kb.append(memory_kb(server, "VmRSS"))
        files.append(len(server.open_files()))
    assert max(files[2:]) <= max(files[:2]) + 2, files
    if OWN_ALLOCATOR:
        early = hours // 4
        assert max(kb[early:]) <= max(kb[:early]) + MORE_KB, kb
    for table in ("events", "orders", "carts"):
        assert server.query(f"SELECT count(*) FROM {table}") == [
            (branch.sent,)]
    server.stop()
    size = os.path.getsize(server.database) / branch.sent
    wanted = predicted(1, len(branch.body))
    assert abs(size - wanted) <= NEAR * wanted, (size, wanted)
