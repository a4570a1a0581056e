"""What removes or repeats asks a person before, and only a person."""

import os
import re
import shutil
import subprocess

import pytest

from conftest import BINARY
from terminals import ZONE, on_terminal
from test_terminal_tables import store  # noqa: F401 (a fixture)

pytestmark = pytest.mark.once

ENV = {"KLIKIT_WEBHOOK_SECRET": "x" * 20, "PATH": os.environ["PATH"],
       "NO_COLOR": "1"}
SPAN = r"of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


@pytest.fixture
def own(store, tmp_path):  # noqa: F811
    """A copy of the store, to change."""
    shutil.copytree(store.parent, tmp_path / "store")
    return tmp_path / "store" / store.name


def ask(config, keys, *args):
    """Run it on a terminal and type the answer."""
    return on_terminal([BINARY, args[0], "-c", str(config), *args[1:]], 120,
                       ENV, keys=keys)


def script(config, *args):
    return subprocess.run(
        [BINARY, args[0], "-c", str(config), *args[1:]],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        env={**ENV, "TZ": ZONE, "KLIKITD_CONFIG": ""})


def dead(config):
    return len(script(config, "jobs", "--state", "dead",
                      "--json").stdout.splitlines())


def test_a_no_changes_nothing_and_a_yes_does(own):
    discard = ("discard", "--state", "dead", "--reason", "phoned")
    code, text = ask(own, "n\n", *discard)
    assert code == 1
    assert "Discard 4 jobs (" in text and "? [y/N] " in text
    assert "nothing was changed" in text
    assert ask(own, "\n", *discard)[0] == 1
    assert ask(own, "\x04", *discard)[0] == 1  # the end of the input
    assert dead(own) == 4
    code, text = ask(own, "y\n", "replay", "--state", "dead", "--handler",
                     "pos")
    assert code == 0, text
    assert "Replay 4 jobs (" in text and "replayed 4 of 4 jobs" in text
    assert dead(own) == 0


def test_yes_and_scripts_are_not_asked(own):
    named = ("discard", "8", "--reason", "phoned")
    assert "Discard the 1 job named? [y/N]" in ask(own, "n\n", *named)[1]
    code, text = ask(own, "", *named, "--yes")
    assert code == 0 and "[y/N]" not in text
    done = script(own, "discard", "6", "--reason", "phoned")
    assert done.returncode == 0 and "[y/N]" not in done.stderr
    assert dead(own) == 2


def test_a_purge_says_what_it_would_remove(own):
    done = script(own, "purge", "--older-than", "1d", "--dry-run")
    assert done.stdout == ("would remove customers' data older than one day: "
                           "that of 0 events and 0 rejections\n")
    code, text = ask(own, "n\n", "purge", "--older-than", "1ms")
    assert code == 1
    assert ("Remove for good customers' data older than one millisecond: "
            "that of 4 events (") in text
    assert "1 rejection (of 20" in text
    done = script(own, "purge", "--order", "9100001", "--dry-run")
    assert "customers' data of order 9100001: that of one event (" in (
        done.stdout.replace("of 1 event", "of one event"))
    assert "0 files that were set aside" in script(
        own, "purge", "--set-aside", "--dry-run").stdout
    assert script(own, "events", "--json").stdout.count('"purged_at":null') \
        == 4
    assert script(own, "purge", "--older-than", "1ms").stdout == (
        "purged 4 events and 1 rejections\n")


def test_a_dry_run_of_named_jobs_shows_them(own):
    done = script(own, "discard", "8", "--reason", "x", "--dry-run")
    assert done.returncode == 0
    assert done.stdout.splitlines()[1].split()[:2] == ["8", "pos"]
    assert script(own, "discard", "99", "--reason", "x",
                  "--dry-run").returncode == 1
    assert dead(own) == 4


def test_a_restore_asks_with_what_is_in_the_backup(own):
    backup = own.parent / "backup.db"
    assert script(own, "backup", str(backup)).returncode == 0
    done = script(own, "restore", str(backup), "--dry-run")
    assert done.returncode == 0
    assert "could be restored: 4 events, the newest of 20" in done.stdout
    code, text = ask(own, "n\n", "restore", str(backup))
    assert code == 1
    assert f"Put {backup} (4 events, the newest of 20" in text
    assert not list(own.parent.glob("*.damaged-*"))
    assert ask(own, "y\n", "restore", str(backup))[0] == 0


def test_doctor_says_on_a_terminal_which_check_it_is_at(own):
    """The line is gone when a finding takes its place."""
    command = ("doctor", "--no-network")
    text = ask(own, "", *command)[1]
    assert "\r\x1b[Kchecking integrity ...\r\x1b[K" in text
    assert re.search(r"\x1b\[Kok    integrity +\S+: sound\n", text)
    assert "checking" not in text.replace("\r\x1b[Kchecking ", "")
    assert script(own, *command).stderr == ""
