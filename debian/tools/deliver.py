"""See that a program takes a delivery over HTTPS, by Python's TLS."""

import hashlib
import hmac
import http.client
import json
import os
import pathlib
import re
import selectors
import signal
import ssl
import subprocess
import tempfile
import time

SECRET = b"a-secret-for-a-moment"
BODY = json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
    {"id": 3, "status": 1}]}).encode()
START_S = 120  # a foreign processor is slow when it is played


def wait_for_url(server, log):
    """The URL that the program says it listens at."""
    end = time.monotonic() + START_S
    watched = selectors.DefaultSelector()
    watched.register(server.stdout, selectors.EVENT_READ)
    said = b""
    while time.monotonic() < end and server.poll() is None:
        if watched.select(1):
            said += os.read(server.stdout.fileno(), 4096)
        found = re.search(rb"listening: https://([\d.]+):(\d+)\n", said)
        if found:
            return found[1].decode(), int(found[2])
    raise SystemExit(f"package: it does not listen:\n{said.decode()}"
                     f"{pathlib.Path(log).read_text()}")


def post(host, port, ca):
    """Deliver one event. Returns status and body of the answer."""
    link = http.client.HTTPSConnection(
        host, port, timeout=START_S,
        context=ssl.create_default_context(cafile=ca))
    link.request("POST", "/webhooks/klikit", BODY, {
        "Content-Type": "application/json",
        "x-klikit-event-id": "made-by-package",
        "x-klikit-event-type": "klikit.order.created.v2",
        "x-klikit-signature": hmac.new(SECRET, BODY,
                                       hashlib.sha256).hexdigest()})
    answer = link.getresponse()
    return answer.status, answer.read()


def see(command):
    """Start klikitd by that command, deliver, have it stop. Raises SystemExit
    if any of that goes wrong."""
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder) / "log"
        env = {"PATH": os.environ["PATH"], "STATE_DIRECTORY": folder,
               "KLIKIT_WEBHOOK_SECRET": SECRET.decode()}
        with open(log, "w") as err:
            server = subprocess.Popen(
                [*command, "dev", "--tls", "--http.listen", "127.0.0.1:0",
                 "--admin.listen", "127.0.0.1:0"], cwd=folder, env=env,
                stdout=subprocess.PIPE, stderr=err)
        try:
            host, port = wait_for_url(server, log)
            answer = post(host, port, pathlib.Path(folder) / "ca.pem")
            server.send_signal(signal.SIGTERM)
            rc = server.wait(START_S)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()
        if answer != (200, b'{"status":"received"}') or rc != 0:
            raise SystemExit(f"package: {command}: answered {answer}, ended "
                             f"with {rc}:\n{log.read_text()}")
