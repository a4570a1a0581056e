"""What comes from outside, shown: escaped once, and nothing that steers a
terminal. And that what is printed arrives, or fails."""

import http.server
import json
import os
import re
import signal
import subprocess
import threading
import urllib.request

import pytest

from conftest import BINARY, DEADLINE, run

pytestmark = [pytest.mark.once, pytest.mark.both]

ANSWERS = [b'{"e":"caf\xe9"}', b"a\0b", b'{"e":"x\\n"}',
           "\x9b31m \u202e \u2066 \u061c".encode()]
NASTY = "n\x9b31m\u202ex\u2066y\u061cz\u2028\U000e0041"
RAW = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f"
                 "\u2028-\u202e\u2066-\u206f\ufeff\U000e0000-\U000e007f]")


@pytest.fixture
def answered(klikitd):
    """A stopped store: each call of pos got the next of the answers."""
    left = list(ANSWERS)

    class Pos(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = left.pop(0)
            self.send_response(400)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    pos = http.server.HTTPServer(("127.0.0.1", 0), Pos)
    threading.Thread(target=pos.serve_forever, daemon=True).start()
    server = klikitd(config=(
        "[handler pos]\ntype = forward\nconcurrency = 1\n"
        f"url = http://127.0.0.1:{pos.server_port}/\n"
        "[handler orders]\ntype = orders\n"))
    server.expect("dead: ")
    body = json.dumps({"brand_id": NASTY, "orders": [
        {"id": 7, "external_id": NASTY, "status": 1, "note": NASTY,
         "updated_at": NASTY}]}, ensure_ascii=False).encode()
    for i in range(len(ANSWERS)):
        assert server.deliver(body, event_id=f"e{i}")[0] == 200
        server.wait_processed()
    yield server
    pos.shutdown()


def answers(server):
    rows = [json.loads(line) for line in server.do(
        "jobs", "--handler", "pos", "--json").splitlines()]
    return [(row["id"], json.loads(server.do("jobs", str(row["id"]),
                                             "--json"))["history"])
            for row in sorted(rows, key=lambda row: row["id"])]


def test_an_answer_is_escaped_once(answered):
    answered.stop()
    want = [r'{"e":"caf\xe9"}', r"a\x00b", '{"e":"x\\n"}',
            "\x9b31m \u202e \u2066 \u061c"]
    shown = [want[0], want[1], want[2],
             r"\xc2\x9b31m \xe2\x80\xae \xe2\x81\xa6 \xd8\x9c"]
    for (job, history), one, text in zip(answers(answered), want, shown):
        assert history[0]["answer"] == one
        lines = answered.do("jobs", str(job)).splitlines()
        assert any(line.endswith(f"  {text}") for line in lines), lines


def test_nothing_shown_steers_a_terminal(answered):
    with urllib.request.urlopen(answered.admin + "/api/v1/orders/7") as page:
        api = page.read().decode()
    assert json.loads(api)["document"]["note"] == NASTY
    said = [api]
    for path in ("events", "events/e0", "jobs", "orders"):
        with urllib.request.urlopen(f"{answered.admin}/api/v1/{path}") as page:
            said.append(page.read().decode())
    answered.stop()
    for words in (["events"], ["events", "e0"], ["orders"], ["orders", "7"],
                  ["jobs"], ["jobs", "1"], ["jobs", "2"], ["rejections"]):
        said.append(answered.do(*words))
        said.append(answered.do(*words, "--json"))
        for line in said[-1].splitlines():
            json.loads(line)
    said.append(answered.log())
    for text in said:
        assert not RAW.search(text), text
    order = json.loads(answered.do("orders", "7", "--json"))
    assert order["external_id"] == order["document"]["note"] == NASTY


def test_a_message_with_quotes_is_said_as_it_stands(answered):
    answered.stop()
    answered.do("events", 'a"b\\c', expect=1)
    assert 'a"b\\c' in answered.said


# -- what is printed arrives, or fails --

ENV = {"KLIKIT_WEBHOOK_SECRET": "x" * 20}


def printing(directory):
    body = directory / "body"
    body.write_bytes(b'{"orders":[]}')
    return [["version"], ["help"], ["serve", "--help"], ["check-config"],
            ["check-config", "--print-example"], ["doctor"], ["events"],
            ["events", "--json", "e"], ["orders"], ["jobs"], ["handlers"],
            ["rejections"], ["sign", str(body)],
            ["pause", "orders"], ["resume", "orders"]]


def test_a_full_disk_behind_the_output_is_a_failure(klikitd, tmp_path):
    server = klikitd()
    server.post(b'{"orders":[]}', event_id="e")
    server.stop()
    env = {**os.environ, **ENV}
    for words in printing(tmp_path):
        config = [] if words[0] in ("version", "help") or "--help" in words \
            else ["-c", str(server.config)]
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [BINARY, words[0], *config, *words[1:]], env=env,
                stdout=full, stderr=subprocess.PIPE, timeout=DEADLINE)
        said = done.stderr.decode()
        assert done.returncode == 1, (words, said)
        assert said.endswith(
            f"klikitd {words[0]}: cannot write to the standard output: "
            "No space left on device\n"), (words, said)


def test_no_standard_output_is_a_failure(tmp_path):
    done = subprocess.run(
        ["sh", "-c", f"'{BINARY}' version <&- >&-"], stderr=subprocess.PIPE,
        timeout=DEADLINE)
    assert done.returncode == 1
    assert b"cannot write to the standard output" in done.stderr


@pytest.mark.parametrize("pipe", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_reader_that_leaves_is_no_noise(klikitd, pipe):
    server = klikitd()
    for i in range(300):
        server.post(b'{"orders":[]}', event_id=f"e{i}" + "x" * 200)
    server.stop()
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [BINARY, "events", "-c", str(server.config), "--limit", "300"],
        stdout=writing, stderr=subprocess.PIPE, timeout=DEADLINE,
        restore_signals=False, preexec_fn=lambda: signal.signal(
            signal.SIGPIPE, pipe))
    os.close(writing)
    assert done.returncode in (1, -signal.SIGPIPE)
    assert re.fullmatch(r"store: \S+\n", done.stderr.decode())


def test_a_server_serves_though_its_output_is_full(tmp_path):
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("KLIKIT", "PORT"))}
    env.update(ENV, KLIKITD_CONFIG="", KLIKITD_HTTP_LISTEN="127.0.0.1:0",
               KLIKITD_ADMIN_LISTEN="127.0.0.1:0")
    with open("/dev/full", "wb") as full:
        process = subprocess.Popen([BINARY, "serve"], cwd=tmp_path, env=env,
                                   stdout=full, stderr=subprocess.PIPE)
    url = None
    limit = threading.Timer(DEADLINE, process.kill)
    limit.start()
    for line in process.stderr:
        found = re.search(rb"cannot be written: listening: (http://\S+):", line)
        if found:
            url = found[1].decode()
            break
    assert url is not None
    with urllib.request.urlopen(url + "/healthz") as page:
        assert page.status == 200
    process.terminate()
    process.stderr.read()
    assert process.wait(DEADLINE) == 0
    limit.cancel()
    assert run("version").returncode == 0
