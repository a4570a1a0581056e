"""Programs run in a pseudo-terminal of a given width, and what is held against
the files in test/golden: `KLIKITD_GOLDEN=write` makes those anew."""

import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from conftest import DEADLINE, ROOT

GOLDEN = ROOT / "test" / "golden"
ZONE = "WIB-7"  # seven hours ahead of UTC; needs no files


class Terminal:
    """A program and its terminal: what it writes, what is typed to it."""

    def __init__(self, command, columns=80, env=None, cwd=None, stdout=None):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))
        self.text = ""
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=stdout or slave, stderr=slave,
            cwd=cwd, env={"TERM": "xterm", "TZ": ZONE, "KLIKITD_CONFIG": "",
                            **(env or {})},
            preexec_fn=self._adopt)
        self.slave = slave  # open, so that its settings can be asked for

    @staticmethod
    def _adopt():
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)

    def type(self, keys):
        os.write(self.master, keys.encode())

    def settings(self):
        return termios.tcgetattr(self.slave)

    def _read(self, until):
        end = time.monotonic() + DEADLINE
        while not until():
            assert time.monotonic() < end, self.text
            ready, _, _ = select.select([self.master], [], [], 0.1)
            if ready:
                data = os.read(self.master, 65536)
                self.text += data.decode(errors="replace").replace(
                    "\r\n", "\n")

    def wait_for(self, pattern):
        """Wait until something was written that matches; returns the match."""
        self._read(lambda: re.search(pattern, self.text) or
                   self.process.poll() is not None)
        found = re.search(pattern, self.text)
        assert found, self.text
        return found

    def finish(self):
        """Wait for its end; returns its exit code."""
        self._read(lambda: self.process.poll() is not None)
        while select.select([self.master], [], [], 0)[0]:
            self.text += os.read(self.master, 65536).decode(
                errors="replace").replace("\r\n", "\n")
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.slave)
        os.close(self.master)


def on_terminal(command, columns=80, env=None, cwd=None, keys=""):
    """Run it to its end; returns exit code and all that it wrote."""
    terminal = Terminal(command, columns, env, cwd)
    try:
        if keys:
            terminal.type(keys)
        return terminal.finish(), terminal.text
    finally:
        terminal.close()


def assert_golden(name, text):
    """Times and ports, which differ from run to run, are made the same."""
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ",
                  "2026-11-28T14:03:11.250Z", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
                  "2026-11-28 21:03:11", text)
    text = re.sub(r"127\.0\.0\.1:\d{5}\b", "127.0.0.1:40001", text)
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("KLIKITD_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert path.read_text() == text, name
