"""A log that cannot start over, and reads that fail once."""

import os
import re
import subprocess
import sys

import pytest

from conftest import BINARY, duplicate, payload, received
from load import order_body

pytestmark = pytest.mark.sqlite("the log of the file")

BODY = payload("created-small.json")

READER = """
import sqlite3, sys
conn = sqlite3.connect(sys.argv[1], isolation_level=None)
conn.execute("BEGIN")
conn.execute("SELECT count(*) FROM events").fetchall()
print("reading", flush=True)
sys.stdin.read()
"""


@pytest.mark.once
def test_the_log_names_who_keeps_it_from_starting_over(klikitd):
    server = klikitd()
    server.expect("cannot start over")
    received(server.post(BODY, "one"))
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(server.database)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert reader.stdout.readline() == b"reading\n"
    number = 0
    while "cannot start over" not in server.log():
        number += 1
        assert number < 400
        received(server.post(order_body(number, pad=900_000), f"e{number}"))
    line = re.search(r".*cannot start over.*", server.log()).group()
    assert f"process {reader.pid} (" in line, line
    reader.stdin.close()
    reader.wait()
    reader.stdout.close()
    while "has started over" not in server.log():
        number += 1
        assert number < 800
        received(server.post(order_body(number, pad=900_000), f"e{number}"))


def failing_reads(number):
    return ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=pread64",
            "-e", f"inject=pread64:error=EIO:when={number}"]


HARSH = re.compile("damaged|restore|move|delete|remove|no database")


@pytest.mark.parametrize("verb", [["serve"], ["events"], ["doctor",
                                                          "--no-network"]])
def test_a_read_that_fails_once_is_not_called_damage(klikitd, verb):
    """The n-th read of the process meets EIO."""
    server = klikitd()
    for number in range(20):
        received(server.post(order_body(number, pad=3000), f"e{number}"))
    server.wait_processed()
    server.stop()
    failed = 0
    for number in range(1, 12):
        done = subprocess.Popen(
            [*failing_reads(number), BINARY, *verb, "-c", str(server.config)],
            cwd=server.directory, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True,
            env={**server.environment(), "ASAN_OPTIONS": "detect_leaks=0"})
        said = ""
        for line in done.stdout:
            said += line
            if line.startswith("listening"):
                os.kill(int(open(f"/proc/{done.pid}/task/{done.pid}/children")
                            .read().split()[0]), 15)
        done.wait()
        done.stdout.close()
        about = [line for line in said.splitlines() if "klikitd.db" in line]
        harsh = [line for line in about if HARSH.search(line)]
        assert not harsh, (number, harsh)
        failed += "could not be read" in said
    assert failed > 0
    server.start()  # and nothing was wrong
    duplicate(server.post(order_body(0, pad=3000), "e0"))
