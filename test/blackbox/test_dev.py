"""klikitd dev --forward-to: a program under development gets every event."""

import http.server
import threading

import pytest

from conftest import CREATED, payload, received, run, sign

SMALL = payload("created-small.json")


@pytest.fixture
def program():
    """A far side that notes what it gets, and answers."""
    got = []

    class Program(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, dict(self.headers), body))
            answer = b"printed \x1b[2J ticket %d" % len(got)
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Program)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got
    server.shutdown()
    thread.join()
    server.server_close()


def test_it_gets_the_bytes_and_its_answers_are_shown(klikitd, program):
    url, got = program
    server = klikitd(verb="dev", args=["--forward-to", url],
                     database=".klikitd/dev.db",
                     config="[http]\nlisten = 127.0.0.1:0\n[store]\n"
                     "url = sqlite:.klikitd/dev.db\n")
    # The same order twice: a developer sends his example again and again.
    for event in ("e1", "e2"):
        received(server.post(SMALL, event))
    server.wait_log(r"dev: event e\d: answered 200 in \d+ ms: printed", 2)
    assert "\x1b[2J" not in server.log()
    assert {headers["x-klikit-event-id"]
            for _, headers, _ in got} == {"e1", "e2"}
    for path, headers, body in got:
        assert (path, body) == ("/hook", SMALL)
        assert headers["x-klikit-event-type"] == CREATED
        assert headers["x-klikit-signature"] == sign(SMALL)


@pytest.mark.parametrize("url", ["", "ftp://x/", "localhost:9", "http://"])
def test_a_bad_url_is_told(tmp_path, url):
    done = run("dev", "--http.listen", "127.0.0.1:0", "--forward-to", url,
               cwd=tmp_path)
    assert done.returncode == 1
    assert b"--forward-to: " in done.stderr


def test_a_handler_of_its_name_is_told(tmp_path):
    config = tmp_path / "c.ini"
    config.write_text("[handler dev]\ntype = orders\n")
    done = run("dev", "-c", config, "--forward-to", "http://127.0.0.1:9/",
               cwd=tmp_path)
    assert done.returncode == 1
    assert b"--forward-to: the configuration has a [handler dev]" in (
        done.stderr)
