"""What all steps of a run share: folders, cores, time, and what was found."""

import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import bodies
import machine
import servers
from machine import BenchError

ROOT = pathlib.Path(__file__).resolve().parents[2]
TMPFS_BYTES = 2 << 30  # that a run may need there
LOAD_GRACE_S = 60      # what load takes at most beside its seconds


class OutOfTime(Exception):
    """The whole run has had its time."""


class Bench:
    def __init__(self, build, limit_s):
        self.build = build
        self.deadline = time.monotonic() + limit_s
        self.server_core, self.load_core = machine.cores()
        self.processes = []
        self.closing = []   # what is to be called at the end
        self.failures = []  # what could not be measured, and why
        self.failed = set() # (server, workload): not tried again
        self.series = {}    # workload -> stats.Series
        self.extra = {}     # other findings, by name
        self.facts = []     # lines on them
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="run-", dir=build))
        self.tmpfs = self._make_tmpfs()
        self.secret_file = self.work / "secret"
        self.secret_file.write_text(servers.SECRET + "\n")
        self.secret_file.chmod(0o600)
        self.body = bodies.write_all(self.work)
        self.made = 0
        self.servers = servers.everyone(self)
        if self.tmpfs is None:
            self.servers["klikitd-tmpfs"].missing = \
                "/dev/shm is no tmpfs with 2 GB to spare"

    def _make_tmpfs(self):
        shm = pathlib.Path("/dev/shm")
        if machine.file_system(shm) != "tmpfs" or \
                shutil.disk_usage(shm).free < TMPFS_BYTES:
            return None
        return pathlib.Path(tempfile.mkdtemp(prefix="klikitd-bench-", dir=shm))

    def new_folder(self, name):
        self.made += 1
        folder = self.work / f"{self.made}-{name}"
        folder.mkdir()
        return folder

    def say(self, text):
        print(f"==> {text}", file=sys.stderr, flush=True)

    def fail(self, what, why):
        self.failures.append(f"{what}: {why}")
        self.say(f"{what}: {why}")

    def need_time(self, seconds=0):
        """Raise if so much time is not left."""
        if time.monotonic() + seconds > self.deadline:
            raise OutOfTime()

    # -- load --

    def load_command(self, running, options):
        command = [self.build / "test/bench/load", "--pid", running.pid,
                   "--path", running.path]
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            command += [flag] if value is True else [flag, value]
        return machine.pinned(self.load_core, [*command, running.url])

    def load_start(self, running, **options):
        """Start the generator on its core; load_end() has what it found."""
        process = subprocess.Popen(self.load_command(running, options),
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        process.seconds = float(options.get("seconds", 10)) + \
            float(options.get("warm_up", 0))
        self.processes.append(process)
        return process

    def load_end(self, process):
        try:
            out, err = process.communicate(timeout=process.seconds +
                                           LOAD_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise BenchError("the load generator does not end") from None
        if process.returncode != 0:
            raise BenchError(err.strip() or out.strip())
        return json.loads(out)

    def load(self, running, **options):
        return self.load_end(self.load_start(running, **options))

    def deliveries(self, size, **options):
        """Options of load for deliveries with a body of that size."""
        return {"body": self.body[size], "secret_file": self.secret_file,
                "expect_text": '"received"', **options}

    # -- the end --

    def close(self):
        for close in self.closing:
            close()
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        shutil.rmtree(self.work, ignore_errors=True)
        if self.tmpfs is not None:
            shutil.rmtree(self.tmpfs, ignore_errors=True)


def hard_limit(seconds):
    """A run that hangs is ended from within, whatever it waits for."""
    def over(signum, frame):
        raise OutOfTime()

    signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)

