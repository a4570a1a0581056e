"""What others leave in the environment, and comments in the file."""

import http.server
import re
import threading

from conftest import run

SERVICES = {  # of Kubernetes and docker, for services named klikitd...
    "KLIKITD_SERVICE_HOST": "10.0.0.1",
    "KLIKITD_SERVICE_PORT": "8080",
    "KLIKITD_PORT": "tcp://10.0.0.1:8080",
    "KLIKITD_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    "KLIKITD_PORT_8080_TCP_ADDR": "10.0.0.1",
    "KLIKITD_ADMIN_SERVICE_HOST": "10.0.0.2",
    "KLIKITD_ADMIN_PORT_8081_TCP_ADDR": "10.0.0.2",
    "KLIKITD_NAME": "/web/klikitd",
}


def test_a_service_named_klikitd_does_not_keep_it_from_starting(klikitd):
    server = klikitd(env={**SERVICES, "KLIKITD_LOG_LEVEL": ""})
    assert server.get("/healthz")[0] == 200
    assert " warn configuration:" not in server.final_log()


def test_a_misspelt_variable_is_in_the_log_and_in_check_config(klikitd):
    server = klikitd(env={"KLIKITD_LOG_LEVL": "debug"})
    line = ("KLIKITD_LOG_LEVL: unknown variable, ignored; did you mean "
            "KLIKITD_LOG_LEVEL?")
    server.expect("KLIKITD_LOG_LEVL")
    server.wait_log(" warn configuration: " + re.escape(line))
    server.reload()
    server.wait_log(" warn configuration: " + re.escape(line), 2)
    env = {**SERVICES, "KLIKITD_LOG_LEVL": "debug",
           "KLIKIT_WEBHOOK_SECRET": "x" * 20}
    done = run("check-config", "-c", server.config, env=env)
    assert (done.returncode, done.stderr.decode()) == (
        0, f"warning: {line}\n")
    done = run("events", "-c", server.config, "--json", env=env)
    assert (done.returncode, done.stdout) == (0, b"")
    assert f"warning: {line}\n" in done.stderr.decode()


def test_doctor_names_a_misspelt_variable(klikitd):
    server = klikitd()
    done = run("doctor", "-c", server.config,
               env={"KLIKITD_STORE_ULR": "sqlite:x.db",
                    "KLIKIT_WEBHOOK_SECRET": "x" * 20})
    assert "did you mean KLIKITD_STORE_URL?" in done.stdout.decode()


def test_a_comment_behind_a_value_is_said_by_check_config(tmp_path):
    config = tmp_path / "k.ini"
    config.write_text("[log]\nlevel = info ; or debug\n"
                      "[handler pos]\ntype = forward\nurl = http://127.0.0.1\n"
                      "header = X-Store: bar #5, X-Key: hunter2\n")
    env = {"KLIKIT_WEBHOOK_SECRET": "x" * 20}
    done = run("check-config", "-c", config, env=env)
    said = done.stderr.decode()
    assert done.returncode == 1
    assert f"{config}:2: log.level: " in said
    assert "comments need a line of their own" in said
    assert f"warning: {config}:6: handler.header: the # " in said
    assert "hunter2" not in said

    config.write_text(config.read_text().replace(" ; or debug", ""))
    done = run("check-config", "-c", config, env=env)
    assert done.returncode == 0
    assert done.stderr.decode().startswith(f"warning: {config}:6: ")


def test_a_header_with_a_number_sign_and_the_next_one_are_sent(klikitd):
    seen = []

    class Pos(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.headers["X-Store"], self.headers["X-Key"]))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    pos = http.server.HTTPServer(("127.0.0.1", 0), Pos)
    threading.Thread(target=pos.serve_forever, daemon=True).start()
    server = klikitd(config=(
        "[handler pos]\ntype = forward\n"
        f"url = http://127.0.0.1:{pos.server_port}/\n"
        "header = X-Store: Table bar #5, X-Key: k\n"))
    server.expect("handler.header: the #")
    assert server.post(b'{"orders":[]}')[0] == 200
    server.wait_processed()
    assert seen == [("Table bar #5", "k")]
    pos.shutdown()
