"""The bridges to BullMQ as programs, its worker, and what Redis holds of it.

    from bullmq import bridge, node, stream_bridge, worker  # noqa: F401

All are factories; see each.
"""

import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import threading

import pytest

from conftest import DEADLINE, ROOT
from unpacked import node_modules

BRIDGES = ROOT / "handlers" / "queue" / "bullmq"

# Each job is a file of its own: the side effect that must be done once. That
# of a worker which is killed is found to be done by the one that follows.
WORKER = """
const fs = require('node:fs');
const { Worker } = require('bullmq');
const [, , port, folder] = process.argv;
const worker = new Worker('orders', async (job) => {
  fs.appendFileSync(`${folder}/runs`, `${job.id}\\n`);
  const draft = `${folder}/${job.id} of ${process.pid}`;
  fs.writeFileSync(draft, JSON.stringify(job.data));
  try {
    fs.linkSync(draft, `${folder}/${job.id}`); // whole or not at all
  } catch (e) {
    if (e.code !== 'EEXIST')
      throw e;
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
}, {
  connection: { host: '127.0.0.1', port: Number(port),
    maxRetriesPerRequest: null },
  concurrency: 8, lockDuration: 500, stalledInterval: 200, maxStalledCount: 50,
});
worker.on('error', () => {});
worker.waitUntilReady().then(() => console.log('ready'));
"""


class Node:
    """A program in Node; what it prints is kept."""

    def __init__(self, folder, script, *args, env=None, ready=None):
        self.command = ["node", str(script), *map(str, args)]
        number = len(list(pathlib.Path(folder).glob("*.out")))
        self.out = pathlib.Path(folder) / f"node{number}.out"
        self.out.touch()
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("KLIKIT", "REDIS"))}
        self.env.update(env or {}, NODE_PATH=str(node_modules("bullmq")))
        self.ready = ready
        self.process = None

    def start(self):
        since = len(self.text())
        with open(self.out, "ab") as out:
            self.process = subprocess.Popen(
                self.command, env=self.env, stdin=subprocess.DEVNULL,
                stdout=out, stderr=out)
        if self.ready:
            self.wait_text(self.ready, since)
        return self

    def text(self):
        return self.out.read_text()

    def wait_text(self, pattern, since=0):
        ticks = threading.Event()
        for _ in range(DEADLINE * 50):
            found = re.search(pattern, self.text()[since:])
            if found:
                return found
            assert self.process.poll() is None, self.text()
            ticks.wait(0.02)  # nothing tells when another process writes
        raise AssertionError(f"no {pattern!r}:\n{self.text()}")

    def stop(self, signum=signal.SIGTERM, expect=0):
        if self.process is None:
            return
        self.process.send_signal(signal.SIGCONT)
        self.process.send_signal(signum)
        code = self.process.wait(DEADLINE)
        self.process = None
        assert expect in (None, code), self.text()

    def kill(self):
        self.stop(signal.SIGKILL, expect=None)


@pytest.fixture
def node(tmp_path):
    """A factory of programs in Node."""
    made = []

    def make(script, *args, start=True, **options):
        made.append(Node(tmp_path, script, *args, **options))
        return made[-1].start() if start else made[-1]

    yield make
    for program in made:
        program.stop(expect=None)


@pytest.fixture
def bridge(node):
    """A factory of HTTP bridges, with their port."""

    def make(port, *args, connected=True, **options):
        program = node(BRIDGES / "http_bridge.js", "--queue", "orders",
                       "--redis", f"redis://127.0.0.1:{port}",
                       "--listen", "127.0.0.1:0", *args, **options)
        found = program.wait_text(r"listening: http://127\.0\.0\.1:(\d+)")
        program.port = int(found[1])
        if connected:
            program.wait_text("redis: connected")
        return program

    return make


@pytest.fixture
def worker(node, tmp_path):
    script = tmp_path / "worker.js"
    script.write_text(WORKER)

    def make(redis):
        (tmp_path / "done").mkdir()
        program = node(script, redis.port, tmp_path / "done", ready="ready")
        program.folder = tmp_path / "done"
        return program

    return make


def results(worker):
    """What was done, by the job's id."""
    return {path.name: json.loads(path.read_text())
            for path in worker.folder.iterdir()
            if path.name != "runs" and " of " not in path.name}


def wait_results(worker, count):
    ticks = threading.Event()
    for _ in range(DEADLINE * 20):
        if len(results(worker)) >= count:
            return results(worker)
        ticks.wait(0.05)  # nothing tells when another process writes
    raise AssertionError(f"{len(results(worker))} of {count} jobs\n"
                         f"{worker.text()}")


def post(program, body=b"{}", headers=None, method="POST"):
    conn = http.client.HTTPConnection("127.0.0.1", program.port,
                                      timeout=DEADLINE)
    conn.request(method, "/", body, headers or {})
    answer = conn.getresponse()
    status, said = answer.status, json.loads(answer.read())
    conn.close()
    return status, said


def jobs(redis, queue="orders"):
    """The jobs that BullMQ holds, by their ids."""
    names = redis("KEYS", f"bull:{queue}:k_*")
    return {name.decode().split(":", 2)[2]: dict(zip(
        *(iter(redis("HGETALL", name)),) * 2)) for name in names}


def forward(port, more=""):
    return (f"[handler out]\ntype = forward\nevents = *\n"
            f"url = http://127.0.0.1:{port}/\nretry = 100ms, 200ms\n{more}\n")


@pytest.fixture
def stream_bridge(node):
    """A factory of stream bridges."""

    def make(redis, *args):
        return node(BRIDGES / "stream_bridge.js", "--queue", "orders",
                    "--redis", f"redis://127.0.0.1:{redis.port}", "--stream",
                    "events", *args, ready="reading: events")

    return make
