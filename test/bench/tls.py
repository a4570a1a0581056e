#!/usr/bin/python3
"""What TLS costs: handshakes, requests on kept connections, memory.

Handshakes by `openssl s_time` in server CPU, requests by `ab` (Debian's
apache2-utils) beside plain http on the same server, in turns. A figure whose
tool is not there is said to be missing. Ends by itself, in about a minute.

usage: tls.py [KLIKITD]     a release build (default: build-bench/klikitd)
"""

import os
import pathlib
import re
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
KINDS = {"ECDSA P-256": ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
         "RSA 2048": ["rsa:2048"]}
ROUNDS, REQUESTS, IDLE = 5, 4000, 400


class Server:
    """klikitd with a listener for each: TLS, and plain beside it."""

    def __init__(self, binary, home, kind):
        subprocess.run(["openssl", "req", "-x509", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost", "-newkey",
                        *KINDS[kind], "-keyout", home / "key.pem", "-out",
                        home / "cert.pem"], check=True, capture_output=True)
        (home / "klikitd.ini").write_text(
            "[http]\nlisten = 127.0.0.1:0\nplain_listen = 127.0.0.1:0\n"
            "[tls]\ncertificate = cert.pem\nkey = key.pem\n"
            "[admin]\nlisten =\n[log]\nlevel = error\n")
        self.process = subprocess.Popen(
            [binary, "serve", "-c", home / "klikitd.ini"], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={"KLIKIT_WEBHOOK_SECRET": "klikit-test-secret"})
        self.tls, self.plain = (
            int(self.process.stdout.readline().rsplit(":", 1)[1])
            for _ in range(2))

    def cpu(self):
        fields = pathlib.Path(
            f"/proc/{self.process.pid}/stat").read_text().split()
        return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")

    def rss_kb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def handshakes(server, kind):
    for mode, name in (("-new", "full"), ("-reuse", "resumed")):
        before = server.cpu()
        said = subprocess.run(
            ["openssl", "s_time", "-connect", f"127.0.0.1:{server.tls}",
             mode, "-time", "4", "-tls1_2"], capture_output=True,
            text=True).stdout
        count = int(re.search(r"(\d+) connections in \d+ real", said)[1])
        spent = server.cpu() - before
        print(f"{kind}, {name} handshakes: {spent / count * 1e3:.2f} ms of "
              f"the server's CPU, {count / spent:.0f} per CPU second")


def requests(port, scheme):
    said = subprocess.run(
        ["ab", "-l", "-k", "-q", "-n", str(REQUESTS), "-c", "16",
         f"{scheme}://127.0.0.1:{port}/healthz"], capture_output=True,
        text=True).stdout
    return float(re.search(r"Requests per second:\s+([\d.]+)", said)[1])


def kept(server):
    if shutil.which("ab") is None:
        print("requests on kept connections: not measured, there is no ab")
        return
    ratios = [requests(server.tls, "https") / requests(server.plain, "http")
              for _ in range(ROUNDS)]
    print("requests on 16 kept connections, https against http: "
          f"{statistics.median(ratios):.2f} "
          f"({min(ratios):.2f} to {max(ratios):.2f})")


def idle(server):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    held = []
    for port, name in ((server.plain, "plain"), (server.tls, "TLS")):
        before = server.rss_kb()
        for _ in range(IDLE):
            sock = socket.create_connection(("127.0.0.1", port))
            held.append(context.wrap_socket(sock) if name == "TLS" else sock)
        held[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        held[-1].recv(1000)  # all before it have been accepted
        print(f"an idle {name} connection: "
              f"{(server.rss_kb() - before) / IDLE:.1f} KiB")


def main():
    binary = pathlib.Path(
        sys.argv[1] if len(sys.argv) > 1 else ROOT / "build-bench/klikitd")
    for kind in KINDS:
        with tempfile.TemporaryDirectory(prefix="klikitd-tls-") as home:
            server = Server(binary.resolve(), pathlib.Path(home), kind)
            try:
                handshakes(server, kind)
                if kind == "ECDSA P-256":
                    kept(server)
                    idle(server)
            finally:
                server.stop()


if __name__ == "__main__":
    main()
