"""klikitd dev on a terminal: what comes and goes, and its keys."""

import os
import re
import signal
import termios

import pytest

from conftest import BINARY, run
from sink import Sink
from terminals import Terminal

pytestmark = pytest.mark.once


@pytest.fixture
def dev(tmp_path):
    pos = Sink(tmp_path, "--status", "200")
    terminal = Terminal(
        [BINARY, "dev", "--http.listen", "127.0.0.1:0",
         "--admin.listen", "127.0.0.1:0", "--forward-to", pos.url], 100,
        {"PATH": str(tmp_path), "STATE_DIRECTORY": str(tmp_path)},
        tmp_path)
    terminal.before = terminal.settings()
    terminal.folder = tmp_path
    terminal.wait_for("Keys: r replays the newest event, o opens the page, q")
    yield terminal
    terminal.close()
    pos.stop()


def trigger(dev, *args):
    env = {"STATE_DIRECTORY": str(dev.folder)}
    return run("trigger", *args, "--dev", env=env, cwd=dev.folder)


def test_what_comes_and_goes_is_on_one_line_each(dev):
    assert trigger(dev, "created").returncode == 0
    came = dev.wait_for(r"\x1b\[36m→ created (\d{8}) \[(test-\w{8})\]\x1b")
    dev.wait_for(r"\x1b\[32m← 200 dev \d+ ms\x1b")
    assert trigger(dev, "created", "--bad-signature").returncode == 0
    dev.wait_for(r"\x1b\[31m✗ 401 \w")
    # The newest again, by a key; what is typed is not shown.
    dev.type("r")
    dev.wait_for(rf"r: replays the newest event, {came[2]}-")
    dev.wait_for(r"(?s)(← 200 dev.*){2}")
    dev.type("q")
    assert dev.finish() == 0
    assert "Sanitizer" not in dev.text
    assert dev.settings() == dev.before


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_terminal_is_as_before_at_every_end(dev, signum):
    assert not dev.settings()[3] & (termios.ICANON | termios.ECHO)
    dev.process.send_signal(signum)
    assert dev.finish() == 0
    assert dev.settings() == dev.before


def test_stopped_by_hand_it_gives_the_terminal_back(dev):
    dev.type("\x1a")  # Ctrl-Z
    pid, status = os.waitpid(dev.process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    assert dev.settings() == dev.before
    dev.process.send_signal(signal.SIGCONT)
    dev.type("o")  # there is no browser here
    dev.wait_for("o: there is no xdg-open here: open http://127")
    dev.process.send_signal(signal.SIGTERM)
    assert dev.finish() == 0
    assert dev.settings() == dev.before


def test_every_command_is_on_one_line(dev):
    assert not re.search(r"\\\n", dev.text)
    assert re.search(r"terminal:\n    \S.*trigger.*\nor one of every kind",
                     dev.text)
