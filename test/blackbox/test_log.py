"""A log that nobody reads, or that cannot be written, holds up nothing."""

import fcntl
import http.client
import os
import pty
import re
import signal
import subprocess
import termios
import threading

import pytest

from conftest import BINARY, DEADLINE, payload, received

SMALL = payload("created-small.json")
MISSING = re.compile(r"log: (\d+) lines are missing here: (.*)")
SENDERS = 4
EACH = 1250  # some 600 fill a pipe, 2,200 more what klikitd keeps


def deliver(server, n, name):
    """Deliver n events, each answered before the next is sent."""
    conn = server.connect()
    for i in range(n):
        received(server.post(SMALL, f"{name}-{i}", connection=conn))
    conn.close()


def flood(server):
    """Thousands of deliveries; all are answered."""
    failed = []

    def run(name):
        try:
            deliver(server, EACH, name)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(f"s{i}",), daemon=True)
               for i in range(SENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(4 * DEADLINE)
    assert not failed and not any(t.is_alive() for t in threads), failed


def dropped(server):
    text = server.metrics_text()
    return int(re.search(r"^klikitd_log_dropped_lines_total (\d+)$", text,
                         re.M).group(1))


def wait_until(condition):
    ticks = threading.Event()
    for _ in range(DEADLINE * 20):
        if condition():
            return
        ticks.wait(0.05)  # the other side of a pipe tells nothing
    raise AssertionError("it does not become true")


def is_well(server):
    assert server.get("/healthz")[0] == 200
    assert server.ask("GET", "/readyz")[0] == 200


def read_all(fd):
    """In the background: a list that is filled until the other end closes."""
    parts = []

    def run():
        try:
            while data := os.read(fd, 65536):
                parts.append(data)
        except OSError:
            pass  # a terminal whose other side is closed

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return parts, thread


def text_of(parts):
    return b"".join(parts).decode()


def test_a_reader_that_stops_delays_no_answer(klikitd):
    """The log then says how many lines it lacks, where they are missing."""
    there, here = os.pipe()
    server = klikitd(start=False)
    server.start(stderr=here)
    os.close(here)
    flood(server)
    is_well(server)
    server.wait_processed()
    lost = dropped(server)
    assert lost > 0
    _, _, status = server.ask("GET", "/api/v1/status")
    assert status["counts"]["log_dropped_lines"] >= lost

    parts, reader = read_all(there)
    wait_until(lambda: MISSING.search(text_of(parts)))
    lost = dropped(server)
    received(server.post(SMALL, "after"))
    server.wait_processed()
    server.stop()
    reader.join(DEADLINE)
    text = text_of(parts)
    events = len(re.findall(r"^\S+ info \[klikit\.\S+\] brand=.* event=s",
                            text, re.M))
    missing = sum(int(n) for n, _ in MISSING.findall(text))
    assert missing == lost and events + missing >= SENDERS * EACH
    assert "they were not read in time" in text
    assert text.index("event=after") > MISSING.search(text).start()
    assert text.rstrip().endswith(" info stopped")
    os.close(there)


def test_a_log_whose_reader_is_gone_delays_no_answer(klikitd):
    there, here = os.pipe()
    server = klikitd(start=False)
    server.start(stderr=here)
    os.close(here)
    os.close(there)
    deliver(server, 50, "e")
    is_well(server)
    wait_until(lambda: dropped(server) >= 50)


def test_a_log_on_a_full_disk_delays_no_answer(klikitd):
    server = klikitd(start=False)
    with open("/dev/full", "wb") as full:
        server.start(stderr=full)
    deliver(server, 50, "e")
    is_well(server)
    wait_until(lambda: dropped(server) >= 50)


def test_a_terminal_that_is_held_delays_no_answer(klikitd):
    """Ctrl-S stops what is shown, and nothing else."""
    there, here = pty.openpty()
    server = klikitd(start=False)
    server.start(stderr=here)
    termios.tcflow(here, termios.TCOOFF)
    deliver(server, 400, "e")
    is_well(server)
    termios.tcflow(here, termios.TCOON)
    parts, reader = read_all(there)
    wait_until(lambda: "event=e-399" in text_of(parts))
    os.close(here)
    server.stop()
    reader.join(DEADLINE)
    os.close(there)


@pytest.mark.parametrize("signals", [1, 2])
def test_a_reader_that_stops_delays_no_end(klikitd, signals):
    there, here = os.pipe()
    fcntl.fcntl(here, fcntl.F_SETPIPE_SZ, 4096)
    server = klikitd(start=False)
    server.start(stderr=here)
    os.close(here)
    deliver(server, 200, "e")
    if signals == 2:  # the second one comes while a request is under way
        conn = server.connect()
        conn.putrequest("POST", "/webhooks/klikit")
        conn.putheader("Content-Length", "10")
        conn.endheaders()
        is_well(server)
        os.kill(server.pid, signal.SIGTERM)
        wait_until(lambda: refuses(server))
    server.stop(expect=signals - 1)
    os.close(there)


def refuses(server):
    try:
        server.connect().connect()
    except ConnectionRefusedError:
        return True
    return False


def test_a_full_standard_output_delays_no_start(klikitd):
    """Who does not read where it listens finds that in the log."""
    there, here = os.pipe()
    os.set_blocking(here, False)
    with pytest.raises(BlockingIOError):
        while True:
            os.write(here, b"x" * 4096)
    os.set_blocking(here, True)
    server = klikitd(start=False)
    server.expect("the standard output cannot be written")
    server.start(wait=False, stdout=here)
    os.close(here)
    server.wait_log("cannot be written: listening: http")
    url = re.search(r"listening: (http://\S+):(\d+):", server.log())
    server.port = int(url.group(2))
    deliver(server, 3, "e")
    assert server.get("/healthz")[0] == 200
    server.stop()
    os.close(there)


def test_a_sink_whose_lines_nobody_reads_answers(tmp_path):
    """klikitd sink --print stands in for a POS, read or not."""
    sink = subprocess.Popen([BINARY, "sink", "--port", "0", "--print"],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                            cwd=tmp_path, bufsize=0)
    try:
        line = b""
        while not line.endswith(b"\n"):
            line += sink.stdout.read(1)
        port = int(line.rsplit(b":", 1)[1])
        conn = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        for i in range(1000):
            conn.request("POST", "/" + "x" * 200, b"{}",
                         {"x-klikit-event-id": f"e{i}"})
            answer = conn.getresponse()
            answer.read()
            assert answer.status == 200
        conn.close()
        parts, reader = read_all(sink.stdout.fileno())
        wait_until(lambda: b"event e999 " in b"".join(parts))
        sink.send_signal(signal.SIGTERM)
        assert sink.wait(DEADLINE) == 0
        reader.join(DEADLINE)
    finally:
        sink.kill()
        sink.wait()
        sink.stdout.close()
