"""Many strangers leave enough open files for the store and the handlers."""

import re
import resource
import signal
import subprocess

import pytest

from conftest import BINARY, payload, received
from sink import Sink
from strangers import GOOD, Siege, allow_files, close_all, idle, metric

BODY = payload("created-typical.json")
ROOM = "as many connections are open as may be"
FEWER = "http.max_connections: [0-9]+ connections, and not 1024"


@pytest.fixture
def pos(tmp_path):
    (tmp_path / "pos").mkdir()
    one = Sink(tmp_path / "pos")
    yield one
    one.stop()


@pytest.fixture
def busy(pos, klikitd, tmp_path):
    """A factory of servers that forward and run a program, with a limit on
    their files."""

    def make(soft, hard):
        program = tmp_path / "program"
        program.write_text("#!/bin/sh\nulimit -Sn >>\"$0.soft\"\n"
                           "ulimit -Hn >>\"$0.hard\"\n")
        program.chmod(0o700)
        allow_files(hard)
        server = klikitd(
            start=False, wrapper=["prlimit", f"--nofile={soft}:{hard}"],
            config=
            f"[handler pos]\ntype = forward\nevents = *\nurl = {pos.url}\n"
            f"[handler bell]\ntype = exec\nevents = *\ncommand = {program}\n"
            "concurrency = 4\n")
        server.expect(ROOM)
        server.start()
        server.wrapper = []  # it has become the program itself
        server.program = program
        return server

    return make


def everything_works(server, tmp_path):
    """Deliveries, both handlers, the admin listener, and the store's files."""
    for _ in range(8):
        received(server.post(BODY, source=GOOD))
    server.wait_processed()
    states = server.query("SELECT DISTINCT state FROM jobs")
    assert states == [("done",)], states
    assert server.query("SELECT count(*) FROM attempts "
                        "WHERE outcome <> 'done'") == [(0,)]
    assert server.ask("GET", "/api/v1/status")[0] == 200
    if not server.store:  # of a database pg_dump makes it
        server.do("backup", str(tmp_path / "copy.db"))
    server.reload()
    for _ in range(100):  # each of them is a connection at the same time
        assert server.ask("GET", "/readyz")[0] == 200


def test_1200_strangers_leave_files_for_all_else(busy, tmp_path):
    """The limit cannot be raised: there are fewer connections."""
    server = busy(1024, 1024)
    server.expect(FEWER)
    strangers = idle(server, 1200)
    everything_works(server, tmp_path)
    assert metric(server, "klikitd_room_cuts_total", listener="public",
                  limit="descriptors") == 0
    close_all(strangers)
    assert "Too many open files" not in server.final_log()


def test_the_limit_is_raised_and_programs_get_the_old_one(busy, tmp_path):
    server = busy(256, 4096)
    soft, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    assert (soft, hard) == (4096, 4096)
    strangers = idle(server, 1200)
    everything_works(server, tmp_path)
    close_all(strangers)
    said = [set((server.program.parent / f"program.{kind}").read_text()
                .split()) for kind in ("soft", "hard")]
    assert said == [{"256"}, {"4096"}]


def test_fewer_connections_than_configured_are_warned_of(busy):
    server = busy(600, 600)
    server.expect(FEWER)
    server.wait_log(FEWER)
    said, = re.findall(r"http.max_connections: (\d+) connections, and not "
                       r"1024: 600 files may be open, and (\d+) are kept",
                       server.log())
    assert int(said[0]) + int(said[1]) == 600
    strangers = idle(server, 700)
    received(server.post(BODY, source=GOOD))
    assert len(server.open_files()) < 600
    close_all(strangers)


def test_a_reload_counts_anew(busy):
    server = busy(4096, 4096)
    server.expect(FEWER)
    received(server.post(BODY))
    server.wait_processed()
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (700, 700))
    server.reload()
    server.wait_log(FEWER)
    said, = re.findall(r"http.max_connections: (\d+) connections, and not "
                       "1024: 700 files", server.log())
    strangers = idle(server, 600)
    received(server.post(BODY, source=GOOD))
    assert metric(server, "klikitd_connections", listener="public"
                  ) >= int(said) - 8  # the good ones have left
    assert len(server.open_files()) < 700
    close_all(strangers)
    assert len(re.findall(FEWER, server.final_log())) == 1  # not at the start


def test_a_siege_without_any_room_is_survived(busy, tmp_path):
    """The limit is lowered behind its back: the greediest pay for that, too."""
    server = busy(4096, 4096)
    server.expect("no more files can be opened", "accepting nothing", "retry",
                  "retrying")
    strangers = idle(server, 200)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (128, 128))
    with Siege(server, 100):
        for _ in range(8):
            received(server.post(BODY, source=GOOD))
    close_all(strangers)
    server.wait_log("http: no more files can be opened: closed one of the .*"
                    "LimitNOFILE")


def test_doctor_names_both_numbers(busy):
    server = busy(600, 600)
    server.expect(FEWER)
    done = subprocess.run(
        ["prlimit", "--nofile=600:600", BINARY, "doctor",
         "-c", server.config], capture_output=True, text=True,
        cwd=server.directory, env=server.environment(), check=False)
    assert re.search(r"600 open files are allowed, \d+ are kept for all else, "
                     r"so there are not 1024 connections but \d+",
                     done.stdout), done
    server.stop(signal.SIGTERM)
