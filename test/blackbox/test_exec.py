"""The handler of type exec, from the delivery to the recorded attempt."""

import contextlib
import json
import os
import pathlib
import select
import threading
import uuid

import pytest

from conftest import CREATED, payload, received, run
from root import needs

ATTEMPTS = """SELECT j.state, a.number, a.outcome, a.code, a.answer
    FROM jobs j JOIN attempts a ON a.job = j.id ORDER BY j.id, a.number"""


@pytest.fixture
def bell(klikitd, tmp_path):
    """A server whose only handler runs a script in a directory."""

    def make(script, keys="", start=True, **options):
        program = tmp_path / "bell"
        program.write_text("#!/bin/sh\n" + script)
        program.chmod(0o700)
        return klikitd(start=start, config=(
            "[handler bell]\ntype = exec\nevents = *\n"
            f"command = {program} --loud \"two words\"\n{keys}"), **options)

    return make


def body():
    """A small created order of its own."""
    order = json.loads(payload("created-small.json"))
    order["orders"][0]["id"] = uuid.uuid4().int >> 80
    return json.dumps(order).encode()


def test_a_program_gets_the_event_and_is_recorded(bell, tmp_path):
    out = tmp_path / "out"
    server = bell(f"cat >{out}.body; env >{out}.env; echo \"$#:$2\"; "
                  f"ls -l /proc/$$/fd >{out}.fd\n",
                  env={"LANG": "C.UTF-8", "SOMETHING": "else"})
    sent = payload("created-typical.json")
    received(server.post(sent, "evt-1"))
    server.wait_processed()
    assert pathlib.Path(f"{out}.body").read_bytes() == sent
    env = dict(line.split("=", 1) for line in
               pathlib.Path(f"{out}.env").read_text().splitlines())
    head = json.loads(sent)
    assert {k: v for k, v in env.items() if k.startswith("KLIKIT")} == {
        "KLIKIT_EVENT_ID": "evt-1", "KLIKIT_EVENT_TYPE": CREATED,
        "KLIKIT_BRAND_ID": str(head["brand_id"]),
        "KLIKIT_BRANCH_ID": str(head["branch_id"]), "KLIKIT_SCOPE": "",
        "KLIKIT_ATTEMPT": "1"}
    assert env["LANG"] == "C.UTF-8" and env["PATH"] == os.environ["PATH"]
    assert "SOMETHING" not in env
    fds = pathlib.Path(f"{out}.fd").read_text()
    assert "socket:" not in fds and "klikitd.db" not in fds
    [(state, number, _, code, answer)] = server.query(ATTEMPTS)
    assert (state, number, code, answer) == ("done", 1, 0, b"2:two words\n")


def test_75_is_tried_again_and_other_statuses_are_dead(bell):
    server = bell("cat >/dev/null\n"
                  "[ $KLIKIT_ATTEMPT = 1 ] && echo 'no paper' && exit 75\n"
                  "[ $KLIKIT_EVENT_ID = bad ] && echo 'no such item' && exit 3\n"
                  "exit 0\n", "retry = 20ms\n")
    server.expect("exit 75", r"dead: event bad: exit 3; klikitd jobs 2 says")
    received(server.post(body(), "good"))
    received(server.post(body(), "bad"))
    server.wait_processed()
    rows = server.query(ATTEMPTS)
    assert [(state, number, code) for state, number, _, code, _ in rows] == [
        ("done", 1, 75), ("done", 2, 0), ("dead", 1, 75), ("dead", 2, 3)]
    assert [rows[0][2], rows[3][2]] == ["exit 75", "exit 3"]
    # What it printed is shown, kept as long as the answer, and not logged.
    assert "exit 3: no such item" in server.do("jobs", "2")
    assert "no such item" in server.do("jobs", "--state", "dead")
    assert "no such item" not in server.final_log()


def test_the_time_limit_ends_a_program_and_what_it_started(bell, tmp_path):
    once = tmp_path / "once"
    server = bell(f"mkdir {once} 2>/dev/null || exit 0\n"
                  "sleep 1000 & sleep 1000\n",
                  "timeout = 1s\nretry = 20ms\n")
    server.expect("time limit")
    received(server.post(body()))
    server.wait_processed()
    first, second = server.query(ATTEMPTS)
    assert first[0] == second[0] == "done"
    assert "time limit of 1000 ms exceeded" in first[2]
    assert second[3] == 0


def release(fifo):
    """Let a program go on that reads from it, and outlived its server."""
    os.close(os.open(fifo, os.O_WRONLY))


def test_a_program_that_hangs_delays_no_ack_and_no_other_order(bell,
                                                               tmp_path):
    hold = tmp_path / "hold"
    os.mkfifo(hold)
    server = bell(f"[ $KLIKIT_EVENT_ID = stuck ] && exec cat {hold}\nexit 0\n",
                  "timeout = 10m\nconcurrency = 2\n")
    received(server.post(payload("created-large.json"), "stuck"))
    for _ in range(20):
        received(server.post(body()))
    server.wait_query("SELECT count(*) FROM jobs WHERE state = 'done'",
                      [(20,)])
    assert server.query("SELECT count(*) FROM jobs WHERE state = 'running'"
                        ) == [(1,)]
    server.kill()  # the next one would wait for it
    release(hold)


def test_what_ran_when_the_power_failed_runs_again(bell, tmp_path):
    began, hold = tmp_path / "began", tmp_path / "hold"
    os.mkfifo(began)
    os.mkfifo(hold)
    server = bell(f"[ $KLIKIT_ATTEMPT = 1 ] && echo >{began} && "
                  f"exec cat {hold}\nexit 0\n", "retry = 20ms\n")
    received(server.post(body()))
    began.read_text()  # returns when the program has begun
    server.kill()
    release(hold)
    server.expect("unknown")
    server.start()
    server.wait_processed()
    assert server.query("SELECT state, attempts FROM jobs") == [("done", 2)]
    assert server.query(ATTEMPTS)[0][2].startswith("unknown")


def test_a_program_reads_the_whole_body_when_we_die_before(bell, tmp_path):
    """A pipe would end in the middle, as a whole body does."""
    began, go, done = (tmp_path / name for name in ("began", "go", "done"))
    for fifo in (began, go, done):
        os.mkfifo(fifo)
    server = bell(f"[ $KLIKIT_ATTEMPT = 1 ] || exit 0\n"
                  f"head -c 10 >{tmp_path}/first; echo >{began}; cat {go}\n"
                  f"cat >{tmp_path}/rest; echo $? >{done}\n",
                  "retry = 20ms\n")
    order = json.loads(body())
    order["note"] = "x" * 900_000
    sent = json.dumps(order).encode()
    received(server.post(sent))
    began.read_text()  # returns when it has begun to read
    server.kill()
    go.write_text("")
    assert done.read_text() == "0\n"
    assert ((tmp_path / "first").read_bytes() +
            (tmp_path / "rest").read_bytes()) == sent
    server.expect("unknown")
    server.start()
    server.wait_processed()


def zombies(of):
    """The dead children of a process that nobody has reaped."""
    found = []
    for child in pathlib.Path(f"/proc/{of}/task").glob("*/children"):
        for pid in child.read_text().split():
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
            if stat.rsplit(")", 1)[1].split()[0] == "Z":
                found.append(pid)
    return found


def wait_reaped(pid):
    for _ in range(600):
        if not zombies(pid):
            return
        threading.Event().wait(0.1)
    assert not zombies(pid)


@needs("--pid", "--fork", "--mount-proc")
def test_as_pid_1_it_reaps_what_others_leave_behind(bell, tmp_path):
    """As in a container: the processes whose parents have died are ours."""
    left = tmp_path / "left"
    os.mkfifo(left)
    server = bell(f"(sleep 0.3; echo >{left}) & exit 0\n",
                  wrapper=["unshare", "--pid", "--fork", "--mount-proc"])
    for _ in range(5):
        received(server.post(body()))
        server.wait_processed()
        left.read_text()  # returns when the orphan has nothing else to do
    wait_reaped(server.pid)
    server.stop()


def test_it_reaps_children_that_came_with_its_process(bell):
    """A script that starts something and then becomes klikitd by exec."""
    server = bell("exit 0\n", wrapper=[
        "/bin/sh", "-c", "sleep 0.2 & sleep 0.3 & exec \"$@\"", "sh"])
    server.wrapper = []  # it is the process that was started
    received(server.post(body()))
    server.wait_processed()
    for child in pathlib.Path(f"/proc/{server.pid}/task").glob("*/children"):
        for pid in child.read_text().split():
            with contextlib.suppress(OSError):
                select.select([os.pidfd_open(int(pid))], [], [], 60)
    wait_reaped(server.pid)


@pytest.mark.parametrize("command, reason", [
    ("/no/such/bell", "/no/such/bell: No such file or directory"),
    ("no-such-bell", "no-such-bell: no such program in PATH"),
    ("/etc/passwd", "/etc/passwd: not an executable file"),
])
def test_a_program_that_cannot_run_is_told_at_the_start(tmp_path, command,
                                                        reason):
    config = tmp_path / "klikitd.ini"
    config.write_text("[http]\nlisten = 127.0.0.1:0\n[handler bell]\n"
                      f"type = exec\nevents = *\ncommand = {command}\n")
    done = run("serve", "-c", config, cwd=tmp_path,
               env={"KLIKIT_WEBHOOK_SECRET": "s"})
    assert done.returncode == 1
    assert (f"klikitd.ini:6: handler.command: {reason}" in
            done.stderr.decode())
