"""A terminal that is closed under what was started from it."""

import os
import pty
import re
import select
import signal
import subprocess
import threading
import time

import pytest

from conftest import BINARY, DEADLINE

pytestmark = pytest.mark.once

ENV = {"KLIKIT_WEBHOOK_SECRET": "x" * 20, "KLIKITD_ADMIN_LISTEN": "127.0.0.1:0",
       "KLIKITD_HTTP_LISTEN": "127.0.0.1:0"}
ORDERLY = "the terminal was closed"


class Terminal:
    """A program in a pseudo-terminal of its own, its log in a file."""

    def __init__(self, directory, shell):
        self.log_file = directory / "log"
        self.log_file.write_bytes(b"")
        base = {k: v for k, v in os.environ.items()
                if not k.startswith(("KLIKIT", "PORT", "STATE_DIR"))}
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            # What runs the tests may have been started by nohup.
            signal.signal(signal.SIGHUP, signal.SIG_DFL)
            os.chdir(directory)
            os.execvpe("bash", ["bash", "--norc", "--noprofile", "-c", shell],
                       {**base, **ENV})
        self.reader = threading.Thread(target=self._drain, daemon=True)
        self.over = os.pipe()
        self.reader.start()

    def _drain(self):
        while True:
            ready, _, _ = select.select([self.master, self.over[0]], [], [])
            if self.over[0] in ready:
                return
            try:
                if not os.read(self.master, 65536):
                    return
            except OSError:
                return

    def log(self):
        return self.log_file.read_text(errors="replace")

    def wait_log(self, pattern):
        tick = threading.Event()
        end = time.monotonic() + DEADLINE
        while not re.search(pattern, self.log()):
            assert time.monotonic() < end, self.log()
            tick.wait(0.02)  # no event says when a file has grown

    def close(self):
        """As a window that is closed, or a connection that is lost."""
        os.write(self.over[1], b"x")
        self.reader.join()
        os.close(self.master)

    def wait(self):
        """The exit code of what runs in the terminal itself."""
        gone(self.pid)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status)


def gone(pid):
    """Wait until a process that is not our child has ended."""
    fd = os.pidfd_open(pid)
    try:
        if not select.select([fd], [], [], DEADLINE)[0]:
            os.kill(pid, signal.SIGKILL)
            raise AssertionError("it outlives its terminal")
    finally:
        os.close(fd)


def klikitd_pid(terminal):
    terminal.wait_log("listening: ")
    return int(re.search(r"pid (\d+)", terminal.log())[1])


@pytest.mark.parametrize("verb", ["dev", "serve"])
def test_it_ends_with_its_terminal(tmp_path, verb):
    """It is the terminal's own program, as of xterm -e or ssh -t."""
    terminal = Terminal(tmp_path, f"exec '{BINARY}' {verb} >log 2>&1")
    terminal.wait_log("listening: ")
    terminal.close()
    assert terminal.wait() == 0
    assert ORDERLY in terminal.log()
    assert "leaving at once" not in terminal.log()
    assert "reload" not in terminal.log()


@pytest.mark.parametrize("verb", ["dev", "serve", "sink --port 0"])
@pytest.mark.parametrize("background", ["", " &"])
def test_it_ends_as_a_job_of_a_shell(tmp_path, verb, background):
    """The kernel and the shell both send a HUP: one end comes of it."""
    terminal = Terminal(tmp_path, (
        f"set -m; (echo pid $BASHPID; exec '{BINARY}' {verb}) >log 2>&1"
        f"{background}\nwait; read line"))
    pid = klikitd_pid(terminal)
    if background:  # a shell that is not interactive sends its jobs nothing
        terminal.close()
        os.kill(pid, signal.SIGHUP)
    else:
        terminal.close()
    gone(pid)
    log = terminal.log()
    assert "leaving at once" not in log
    if verb.startswith("sink"):
        assert "0 requests" in log
    else:
        assert ORDERLY in log
    terminal.wait()


def test_hup_is_a_reload_while_the_terminal_is_there(tmp_path):
    terminal = Terminal(tmp_path, f"exec '{BINARY}' dev >log 2>&1")
    terminal.wait_log("listening: ")
    os.write(terminal.master, b"typed, and never read\n")
    os.kill(terminal.pid, signal.SIGHUP)
    terminal.wait_log("reload: done")
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 0
    terminal.close()


def test_nohup_is_respected(tmp_path):
    terminal = Terminal(tmp_path, (
        f"(echo pid $BASHPID; exec nohup '{BINARY}' serve) </dev/null >log 2>&1"
        " & wait"))
    pid = klikitd_pid(terminal)
    terminal.close()
    terminal.wait()
    os.kill(pid, signal.SIGHUP)
    terminal.wait_log("reload: done")
    assert ORDERLY not in terminal.log()
    os.kill(pid, signal.SIGTERM)
    gone(pid)


def test_a_service_without_a_terminal_reloads(tmp_path):
    log = tmp_path / "log"
    base = {k: v for k, v in os.environ.items()
            if not k.startswith(("KLIKIT", "PORT", "STATE_DIR"))}
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [BINARY, "serve"], cwd=tmp_path, env={**base, **ENV}, stdout=out,
            stderr=out, stdin=subprocess.DEVNULL, start_new_session=True)
    terminal = Terminal.__new__(Terminal)
    terminal.log_file = log
    terminal.wait_log("listening: ")
    process.send_signal(signal.SIGHUP)
    terminal.wait_log("reload: done")
    process.terminate()
    assert process.wait(DEADLINE) == 0
