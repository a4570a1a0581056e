"""Name servers and far sides in a network of their own.

Everything is on loopback, in a network and a mount namespace that only root
makes: so port 53 is free, /etc/resolv.conf is ours, and the same curl can be
asked what libc makes of it.
"""

import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import threading
import time

from conftest import Klikitd, payload, received, run

SERVERS = ("127.0.0.53", "127.0.0.54")
GOOD, DEAD, SILENT, SLOW, REFUSING, FAILING, TRUNCATING = ACTS = (
    "good", "dead", "silent", "slow", "refusing", "failing", "truncating")
SERVE = (GOOD, SLOW, TRUNCATING)  # the others are of no use alone
SLOW_SECONDS = 0.7

# Enter both namespaces, then become what follows.
SPACE = ["unshare", "-m", "-n", "sh", "-ec",
         "ip link set lo up; mount --bind \"$1\" /etc/resolv.conf; "
         "mount --bind \"$2\" /etc/hosts; shift 2; exec \"$@\"", "sh"]


def answer(query, act, addresses, tcp):
    """The answer to a question, or None: there is none for AAAA."""
    end = query.index(b"\0", 12) + 5
    kind = struct.unpack(">H", query[end - 4:end - 2])[0]
    if kind == 28:
        return None
    rcode = {REFUSING: 5, FAILING: 2}.get(act, 0)
    truncated = act == TRUNCATING and not tcp
    records = b""
    if kind == 1 and rcode == 0 and not truncated:
        for address in addresses:
            records += (b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4" +
                        socket.inet_aton(address))
    flags = 0x8180 | rcode | (0x200 if truncated else 0)
    return (query[:2] + struct.pack(">HHHHH", flags, 1, len(records) // 16,
                                    0, 0) + query[12:end] + records)


class NameServer:
    """One on port 53 of an address; it never answers for AAAA."""

    def __init__(self, address, addresses):
        self.address, self.addresses = address, addresses
        self.act, self.udp, self.tcp = DEAD, None, None

    def turn(self, act):
        """Do that from now on."""
        if act == DEAD and self.udp is not None:
            udp, tcp, self.udp, self.tcp = self.udp, self.tcp, None, None
            self.thread.join()
            udp.close()
            tcp.shutdown(socket.SHUT_RDWR)
            tcp.close()
        self.act = act
        if act != DEAD and self.udp is None:
            self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.udp.bind((self.address, 53))
            self.udp.settimeout(0.2)
            self.tcp = socket.create_server((self.address, 53))
            self.thread = threading.Thread(
                target=self.serve_udp, args=(self.udp,), daemon=True)
            self.thread.start()
            threading.Thread(target=self.serve_tcp, args=(self.tcp,),
                             daemon=True).start()

    def serve_udp(self, udp):
        while udp is self.udp:
            with contextlib.suppress(OSError):
                query, peer = udp.recvfrom(512)
                threading.Thread(target=self.reply, args=(udp, query, peer),
                                 daemon=True).start()

    def reply(self, udp, query, peer):
        if self.act == SILENT:
            return
        if self.act == SLOW:
            time.sleep(SLOW_SECONDS)
        bytes_ = answer(query, self.act, self.addresses, False)
        if bytes_ is not None:
            with contextlib.suppress(OSError):
                udp.sendto(bytes_, peer)

    def serve_tcp(self, tcp):
        with contextlib.suppress(OSError):
            while True:
                conn, _ = tcp.accept()
                while len(head := conn.recv(2)) == 2:
                    query = conn.recv(struct.unpack(">H", head)[0])
                    bytes_ = answer(query, self.act, self.addresses, True)
                    if bytes_ is not None:
                        conn.sendall(struct.pack(">H", len(bytes_)) + bytes_)
                conn.close()


def hang(address, port):
    """An address on which no connection is ever made: its queue is full."""
    keep = [socket.socket()]
    keep[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keep[0].bind((address, port))
    keep[0].listen(0)
    for _ in range(3):
        conn = socket.socket()
        conn.setblocking(False)
        conn.connect_ex((address, port))
        keep.append(conn)
    return keep


class Pos:
    """A POS that says 200 to everything, on one address."""

    def __init__(self, address, port):
        self.keys = []
        self.listener = socket.create_server((address, port), backlog=128)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            conn, _ = self.listener.accept()
            threading.Thread(target=self.call, args=(conn,),
                             daemon=True).start()

    def call(self, conn):
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := conn.recv(65536)):
                return
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1)
                      for line in head.split(b"\r\n")[1:])
        left = int(fields[b"content-length"]) - len(body)
        while left > 0 and (more := conn.recv(65536)):
            left -= len(more)
        if b"idempotency-key" in fields:
            self.keys.append(fields[b"idempotency-key"].decode())
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n"
                     b"Connection: close\r\n\r\n")
        conn.close()


def config(host):
    return ("[http]\nlisten = 127.0.0.1:0\n[handler pos]\ntype = forward\n"
            f"events = *\nurl = http://{host}:8080/\ntimeout = 3s\n"
            "retry = 200ms, 500ms\n")


def deliver(directory, servers, acts):
    """One event through a klikitd of its own. Returns what came of it."""
    home = pathlib.Path(directory) / "-".join(acts)
    home.mkdir()
    for server, act in zip(servers, acts):
        server.turn(act)
    klikitd = Klikitd(home, config=config("pos.test"))
    klikitd.start()
    try:
        received(klikitd.post(payload("created-small.json"), "-".join(acts)))
        klikitd.wait_query("SELECT count(*) > 0 FROM attempts WHERE "
                           "outcome IS NOT NULL", [(1,)])
        healed = klikitd.query("SELECT state FROM jobs") != [("done",)]
        if healed and not set(acts) & set(SERVE):
            servers[1].turn(GOOD)
        klikitd.wait_query("SELECT state FROM jobs", [("done",)])
        return klikitd.query("SELECT outcome FROM attempts ORDER BY number")
    finally:
        klikitd.kill()


def ask(directory, *args):
    """A verb with the same configuration."""
    home = pathlib.Path(directory) / "ask"
    home.mkdir(exist_ok=True)
    (home / "klikitd.ini").write_text(config("pos.test"))
    return run(*args, "-c", home / "klikitd.ini", cwd=home,
               env={"KLIKIT_WEBHOOK_SECRET": "0123456789abcdef"})


def scene(directory, first, hangs):
    """Inside: all pairs that begin with one act. Prints a report."""
    subprocess.run(["ip", "-6", "addr", "add", "2001:db8::9/128", "dev", "lo",
                    "nodad"], check=True)
    addresses = (["127.0.0.9"] if hangs else []) + ["127.0.0.10"]
    kept = hang("127.0.0.9", 8080) if hangs else None
    pos = Pos("127.0.0.10", 8080)
    report = {}
    for second in ACTS:
        servers = [NameServer(a, addresses) for a in SERVERS]
        report[second] = deliver(directory, servers, (first, second))
        if second == GOOD:
            servers[1].turn(GOOD)
            doctor = ask(directory, "doctor", "--json")
            if first == DEAD:
                report["curl"] = subprocess.run(
                    ["curl", "-s", "-o", "/dev/null", "--max-time", "60",
                     "-d", "x", "http://pos.test:8080/"],
                    check=False).returncode
            report["doctor"] = doctor.stdout.decode()
        for server in servers:
            server.turn(DEAD)
    report["keys"] = pos.keys
    del kept
    print(json.dumps(report))


def look(directory, first, hangs):
    """Make the namespaces, and look at the scene in them."""
    directory = pathlib.Path(directory)
    resolv_conf, hosts = directory / "resolv.conf", directory / "hosts"
    # The options are for curl's sake, as libc waits for minutes else.
    resolv_conf.write_text("".join(f"nameserver {s}\n" for s in SERVERS) +
                           "options timeout:1 attempts:2\n")
    hosts.write_text("127.0.0.1 localhost\n")
    done = subprocess.run(
        SPACE + [str(resolv_conf), str(hosts), sys.executable,
                 os.path.abspath(__file__), str(directory), first,
                 str(int(hangs))], stdout=subprocess.PIPE, check=False,
        timeout=600)
    assert done.returncode == 0
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    scene(sys.argv[1], sys.argv[2], sys.argv[3] == "1")
