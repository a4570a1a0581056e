"""What a service manager is told (sd_notify(3)), and its watchdog."""

import os
import pathlib
import signal
import subprocess
import time

import pytest

from conftest import DEADLINE, payload
from notify_socket import NotifySocket

pytestmark = pytest.mark.once


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    return NotifySocket(tmp_path, abstract=request.param == "abstract")


def now_usec():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_ready_comes_once_and_after_the_listeners(klikitd, manager):
    server = klikitd(env=manager.env)
    manager.wait(READY="1")
    assert server.get("/healthz")[0] == 200
    assert manager.messages[0] == {"STATUS": "Opening the store"}
    manager.wait(READY="1", STATUS=f"Receiving on {server.url}")
    server.stop()
    manager.wait(STOPPING="1")
    assert manager.words() == ["READY", "STOPPING"]


def test_a_server_that_cannot_start_is_never_ready(klikitd, manager):
    server = klikitd(start=False, env=manager.env,
                     config="[http]\nlisten = 192.0.2.1:0\n")
    server.expect("no such address")
    server.start(wait=False)
    assert server.wait(expect=1) == 1
    assert manager.words() == []


def test_a_reload_stands_between_two_words(klikitd, manager):
    server = klikitd(env=manager.env)
    manager.wait(READY="1")
    before = now_usec()
    server.reload()
    manager.wait(2, READY="1")
    assert manager.words() == ["READY", "RELOADING", "READY"]
    usec = next(int(message["MONOTONIC_USEC"]) for message in manager.messages
                if "RELOADING" in message)
    assert before <= usec <= now_usec()
    # A refused one as well; and who asks for the status hears of it.
    server.expect("reload: ")
    server.write_config("[log]\nlevel = loud\n")
    os.kill(server.pid, signal.SIGHUP)
    manager.wait(3, READY="1")
    manager.wait_status("the last reload was refused")
    assert manager.words()[3:] == ["RELOADING", "READY"]
    server.write_config("")
    server.reload()
    manager.wait(4, READY="1")
    assert manager.status == f"Receiving on {server.url}"


@pytest.mark.sqlite("of its file")
def test_the_status_says_why_deliveries_are_refused(klikitd, manager):
    server = klikitd(env=manager.env)
    server.expect("store: ")
    manager.wait(READY="1")
    aside = server.database.with_suffix(".aside")
    server.database.rename(aside)
    manager.wait_status("Deliveries are answered 503: ")
    aside.rename(server.database)
    server.wait_log("works again")
    manager.wait_status("Receiving on ")


def test_a_manager_that_cannot_be_reached_is_warned_of(klikitd):
    server = klikitd(env={"NOTIFY_SOCKET": "/nowhere/at/all"})
    server.expect("NOTIFY_SOCKET: /nowhere/at/all cannot be written to")
    server.wait_log("the service manager is told nothing")
    assert server.get("/healthz")[0] == 200


def test_children_get_nothing_of_the_service(klikitd, manager, tmp_path):
    """Not in the environment, and not in what /proc shows of the server."""
    seen = tmp_path / "seen"
    program = tmp_path / "look"
    program.write_text(f"#!/bin/sh\nenv >{seen}.new\n"
                       f"ls /proc/self/fd >>{seen}.new\nmv {seen}.new {seen}\n")
    program.chmod(0o755)
    ours = {**manager.env, "WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1",
            "CREDENTIALS_DIRECTORY": str(tmp_path)}
    server = klikitd(env=ours, config=(
        f"[handler look]\ntype = exec\ncommand = {program}\n"))
    assert server.deliver(payload("created-small.json"))[0] == 200
    server.wait_processed()
    text = seen.read_text()
    assert "KLIKIT_EVENT_ID=" in text
    shown = pathlib.Path(f"/proc/{server.pid}/environ").read_bytes().decode()
    for name, value in ours.items():
        assert name not in text
        assert f"{name}={value}" not in shown


# -- the watchdog --

QUICK = {"WATCHDOG_USEC": "2000000"}  # looked at every 500 ms


def test_it_is_fed_again_and_again(klikitd, manager):
    server = klikitd(env={**manager.env, **QUICK})
    manager.wait(5, WATCHDOG="1")
    assert server.deliver(payload("created-small.json"))[0] == 200
    manager.wait(10, WATCHDOG="1")


def test_another_process_is_meant(klikitd, manager):
    """A shell between the manager and us, for one."""
    server = klikitd(env={**manager.env, "WATCHDOG_USEC": "4000",
                          "WATCHDOG_PID": "1"})
    manager.wait(READY="1")
    server.reload()
    manager.wait(2, READY="1")
    assert manager.count(WATCHDOG="1") == 0


@pytest.mark.sqlite("a sync of its own")
def test_a_sync_that_hangs_starves_it(klikitd, tmp_path):
    manager = NotifySocket(tmp_path)
    server = klikitd(env={**manager.env, **QUICK})
    server.expect("watchdog: not fed", "turned away: not committed within")
    manager.wait(2, WATCHDOG="1")
    # Threads that are there are followed; each of their syncs hangs.
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(server.pid),
         "-e", "trace=fdatasync", "-e", "inject=fdatasync:delay_enter=600s"],
        stderr=subprocess.PIPE)
    try:
        wait_traced(server.pid)
        connection = server.connect()
        body = payload("created-small.json")
        connection.request("POST", "/webhooks/klikit", body,
                           server.headers(body))
        server.wait_log("watchdog: not fed: the store does not answer")
        fed = manager.count(WATCHDOG="1")
        assert server.get("/healthz")[0] == 200  # the loop goes on
        assert connection.getresponse().status == 503
        assert manager.count(WATCHDOG="1") == fed
    finally:
        tracer.kill()
        tracer.wait()
    server.wait_log("watchdog: fed again: the store answers")
    manager.wait(fed + 1, WATCHDOG="1")


def wait_traced(pid):
    """Until every thread is followed."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        statuses = [path.read_text() for path in
                    pathlib.Path(f"/proc/{pid}/task").glob("*/status")]
        if not any("TracerPid:\t0\n" in text for text in statuses):
            return
        time.sleep(0.02)  # nothing tells when somebody attaches
    raise AssertionError("strace follows nobody")


def test_a_database_that_is_away_does_not(klikitd, manager, postgres_server):
    """A restart would not bring it back."""
    away = postgres_server()
    server = klikitd(env={**manager.env, **QUICK}, config=(
        f"[store]\nurl = {away.database().url}\n"))
    server.expect("store: ", "handler ", "not stored")
    manager.wait(2, WATCHDOG="1")
    away.stop()
    server.wait_log("store: unreachable")
    manager.wait_status("Deliveries are answered 503: ")
    manager.wait(manager.count(WATCHDOG="1") + 5, WATCHDOG="1")
    away.start()
    server.wait_log("works again")
    assert "watchdog: not fed" not in server.log()
