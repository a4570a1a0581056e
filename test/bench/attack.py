#!/usr/bin/python3
"""What twenty attacking addresses cost the good deliveries.

A few connections send good deliveries at a moderate pace, with and without the
attackers of test/blackbox/attackers.py beside them (by turns: without, with,
with, without): slow heads, slow bodies, TLS handshakes, 5,000 forgeries a
second, 200 readers of the stream. Directly, and through HAProxy, where all have
one address. Judged is

  - that every good delivery is answered 200
  - the median of the rounds' ratios of the good ones' 99th percentile, with the
    attack divided by without (goal: at most 1.5)
  - that the server never had more than 64 MB.

Needs a release build of klikitd and of test/bench/load, pytest for the tests'
modules, and two cores at rest: the attackers run at a lower priority than who
delivers. Ends by itself; exit status 0: all goals were met, 1: not so.
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "blackbox"))

from attackers import Attack  # noqa: E402
from certificates import Authority  # noqa: E402
from haproxy import in_front  # noqa: E402

BODY = json.dumps({"brand_id": 1, "branch_id": 2, "orders": [
    {"id": "@ORDER@", "status": 1, "note": "x" * 4900}]}).replace(
        '"@ORDER@"', "@ORDER@")
RATIO_MAX = 1.5
PEAK_MAX_KB = 64 * 1024
KINDS = ("heads", "bodies", "handshakes", "forgeries", "streams")


class Server:
    """klikitd with TLS and without, in a folder of its own."""

    def __init__(self, binary, folder):
        leaf = Authority(folder / "pki").make("leaf", kind="ec")
        (folder / "secret").write_text("klikit-test-secret")
        self.process = subprocess.Popen(
            [binary, "serve", "--http.listen", "127.0.0.1:0",
             "--http.plain_listen", "127.0.0.1:0", "--admin.listen",
             "127.0.0.1:0", "--tls.certificate", leaf.path, "--tls.key",
             leaf.key, "--klikit.secret_file", folder / "secret",
             "--store.url", f"sqlite:{folder}/klikitd.db"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=(folder / "log").open("a"), text=True)
        lines = [self.process.stdout.readline() for _ in range(3)]
        assert all(lines), (folder / "log").read_text()
        ports = {line.split(":")[0] + line.split(":")[1].strip(): int(
            line.rsplit(":", 1)[1]) for line in lines}
        self.secure = ports["listeninghttps"]
        self.plain = ports["listeninghttp"]
        self.admin = ports["adminhttp"]

    def peak_kb(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        self.process.stdout.close()
        assert code == 0, code


def deliver(args, folder, port, first):
    """Good ones. Their p99 in ms."""
    done = subprocess.run(
        [args.load, "--body", folder / "body", "--secret-file",
         folder / "secret", "--connections", "4", "--think-ms", "5",
         "--warm-up", "1", "--seconds", str(args.seconds), "--first-order",
         str(first), f"127.0.0.1:{port}"],
        stdout=subprocess.PIPE, text=True, timeout=args.seconds + 120)
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout)["latency_us"]["p99"] / 1000


def measure(args, folder, ports, attacked, first):
    if not attacked:
        ms = deliver(args, folder, ports["heads"], first)
        print(f"  quiet: p99 {ms:.2f} ms", flush=True)
        return ms
    wanted = {kind: port for kind, port in ports.items()
              if kind in args.kinds.split(",")}
    with Attack(wanted, prefix=("nice", "-n", "10")) as attack:
        ms = deliver(args, folder, ports["heads"], first)
    forged = sum(attack.told.get("forgeries", {}).get(code, 0)
                 for code in ("401", "429"))
    print(f"  attacked: p99 {ms:.2f} ms; {forged} forgeries answered, "
          f"{attack.told.get('handshakes', {}).get('closed', 0)} handshakes",
          flush=True)
    return ms


def rounds(args, folder, ports, first):
    ratios = []
    for number in range(args.rounds):
        p99 = {True: [], False: []}
        for attacked in (False, True, True, False):
            first += 10 ** 6  # bodies of their own, else they are repeats
            p99[attacked].append(
                measure(args, folder, ports, attacked, first))
        ratios.append(sum(p99[True]) / sum(p99[False]))
        print(f"round {number + 1}: ratio {ratios[-1]:.2f}", flush=True)
    return statistics.median(ratios)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--klikitd", default=ROOT / "build-release/klikitd")
    parser.add_argument("--load",
                        default=ROOT / "build-release/test/bench/load")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--kinds", default=",".join(KINDS),
                        help="of attackers, to find which one it is")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "body").write_text(BODY)
        server = Server(args.klikitd, folder)
        front, plain, secure = in_front(server.plain, server.secure)
        found = {}
        try:
            for at, (way, to) in enumerate({
                    "directly": (server.plain, server.secure),
                    "through HAProxy": (plain, secure)}.items()):
                print(way)
                found[way] = rounds(args, folder, {
                    "heads": to[0], "bodies": to[0], "handshakes": to[1],
                    "forgeries": to[0], "streams": server.admin},
                    (at + 1) * 10 ** 9)
            peak = server.peak_kb()
        finally:
            front.close()
            server.stop()
    for way, ratio in found.items():
        print(f"{way}: median ratio {ratio:.2f} (goal: at most {RATIO_MAX})")
    print(f"peak: {peak} KB (goal: below {PEAK_MAX_KB})")
    met = max(found.values()) <= RATIO_MAX and peak < PEAK_MAX_KB
    print("all goals met" if met else "a goal was missed")
    return 0 if met else 1


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
