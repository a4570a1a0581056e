#!/usr/bin/python3
"""What twenty attacking addresses cost the good deliveries.

A few connections send good deliveries at a moderate pace, with and without the
attackers of test/blackbox/attackers.py beside them: slow heads, slow bodies,
TLS handshakes, 5,000 forgeries a second, 200 readers of the stream. Directly,
and through HAProxy, where all have one address. There are three kinds of turns,
there and back in each round:

  quiet      without attackers
  elsewhere  they attack another klikitd on the same machine: what the machine
             itself takes from the good ones
  attacked   they attack the same klikitd

Judged is

  - that every good delivery is answered 200
  - the median of the rounds' ratios of the good ones' 99th percentile, with the
    attack divided by without (goal: at most 1.5); that of `elsewhere' is
    printed beside it, and is not judged
  - that the server never had more than 64 MB.

Needs a release build of klikitd and of test/bench/load, pytest for the tests'
modules, and two cores at rest: the attackers run at a lower priority than who
delivers. Ends by itself; exit status 0: all goals were met, 1: not so.
"""

import argparse
import contextlib
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
        folder.mkdir()
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


def measure(args, folder, kind, ports, first):
    """A turn of that kind; ports: of who is attacked."""
    if kind == "quiet":
        ms = deliver(args, folder, args.to, first)
        print(f"  quiet: p99 {ms:.2f} ms", flush=True)
        return ms
    wanted = {name: port for name, port in ports.items()
              if name in args.kinds.split(",")}
    with Attack(wanted, prefix=("nice", "-n", "10")) as attack:
        ms = deliver(args, folder, args.to, first)
    forged = sum(attack.told.get("forgeries", {}).get(code, 0)
                 for code in ("401", "429"))
    print(f"  {kind}: p99 {ms:.2f} ms; {forged} forgeries answered, "
          f"{attack.told.get('handshakes', {}).get('closed', 0)} handshakes",
          flush=True)
    return ms


def rounds(args, folder, ports, first):
    """Those ports: by kind of turn, of who is attacked. The medians of the
    ratios of both kinds of attack to `quiet'."""
    ratios = {"elsewhere": [], "attacked": []}
    for number in range(args.rounds):
        p99 = {"quiet": 0, "elsewhere": 0, "attacked": 0}
        for kind in (*p99, *reversed(p99)):
            first += 10 ** 6  # bodies of their own, else they are repeats
            p99[kind] += measure(args, folder, kind, ports.get(kind), first)
        for kind, found in ratios.items():
            found.append(p99[kind] / p99["quiet"])
        print(f"round {number + 1}: attacked {ratios['attacked'][-1]:.2f}, "
              f"elsewhere {ratios['elsewhere'][-1]:.2f}", flush=True)
    return {kind: statistics.median(found) for kind, found in ratios.items()}


def targets(server, plain, secure):
    """Where which kind attacks."""
    return {"heads": plain, "bodies": plain, "handshakes": secure,
            "forgeries": plain, "streams": server.admin}


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
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as end:
        folder = pathlib.Path(name)
        (folder / "body").write_text(BODY)
        (folder / "secret").write_text("klikit-test-secret")
        ways = {"directly": {}, "through HAProxy": {}}
        servers = {}
        for kind in ("attacked", "elsewhere"):
            server = servers[kind] = Server(args.klikitd, folder / kind)
            end.callback(server.stop)
            front, plain, secure = in_front(server.plain, server.secure)
            end.callback(front.close)
            ways["directly"][kind] = targets(server, server.plain,
                                             server.secure)
            ways["through HAProxy"][kind] = targets(server, plain, secure)
        found = {}
        for at, (way, ports) in enumerate(ways.items()):
            print(way)
            args.to = ports["attacked"]["heads"]
            found[way] = rounds(args, folder, ports, (at + 1) * 10 ** 9)
        peak = servers["attacked"].peak_kb()
    for way, ratios in found.items():
        print(f"{way}: median ratio {ratios['attacked']:.2f} (goal: at most "
              f"{RATIO_MAX}); attacked elsewhere {ratios['elsewhere']:.2f}")
    print(f"peak: {peak} KB (goal: below {PEAK_MAX_KB})")
    met = peak < PEAK_MAX_KB and all(
        ratios["attacked"] <= RATIO_MAX for ratios in found.values())
    print("all goals met" if met else "a goal was missed")
    return 0 if met else 1


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())
