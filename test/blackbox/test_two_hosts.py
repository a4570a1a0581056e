"""Two hosts in networks of their own: of IPv6 a whole /64 is one address."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from conftest import payload

BODY = payload("created-typical.json")
HOLD = "import sys; print('ready', flush=True); sys.stdin.read()"

# In the stranger's network: connections from many addresses of its /64.
CROWD = """
import socket, sys
socks = [socket.create_connection(("2001:db8:a::1", int(sys.argv[1])), 60,
                                  (f"2001:db8:a::{n % 60 + 16:x}", 0))
         for n in range(120)]
print("ready", flush=True)
sys.stdin.read()
"""

# In the good one's: some idle connections, which are used once a line comes.
GOOD = """
import http.client, json, socket, sys
to = ("2001:db8:b::1", int(sys.argv[1]))
idle = [socket.create_connection(to, 60) for _ in range(4)]
print("ready", flush=True)
deliveries = json.loads(sys.stdin.readline())
said = []
for sock in idle:
    sock.sendall(b"GET /healthz HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    said.append(sock.recv(4096).split(b"\\r\\n")[0].decode())
for headers, body in deliveries:
    conn = http.client.HTTPConnection(*to, timeout=60)
    conn.request("POST", "/webhooks/klikit", body, headers)
    said.append(conn.getresponse().read().decode())
    conn.close()
print(json.dumps(said), flush=True)
"""


def sh(*args, inside=None):
    enter = ["nsenter", "-t", str(inside), "-n"] if inside else []
    subprocess.run(enter + list(args), check=True, capture_output=True)


@pytest.fixture
def networks():
    """Three of them, by the pid of a process in each: the server's, and two
    hosts that can reach it."""
    if os.geteuid() != 0:
        pytest.skip("only root can make networks")
    if shutil.which("ip") is None:
        pytest.skip("there is no ip(8) to make networks with")
    if subprocess.run(["unshare", "-n", "true"], check=False,
                      capture_output=True).returncode != 0:
        pytest.skip("this system lets root make no networks")
    holders = [subprocess.Popen(["unshare", "-n", sys.executable, "-c", HOLD],
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
               for _ in range(3)]
    try:
        for holder in holders:
            assert holder.stdout.readline() == b"ready\n"
        pids = [holder.pid for holder in holders]
        connect(*pids)
        yield pids
    finally:
        for holder in holders:
            holder.stdin.close()
            holder.wait()
            holder.stdout.close()


def connect(server, *hosts):
    """A wire from the server to each host; the first has many addresses."""
    sh("ip", "link", "set", "lo", "up", inside=server)
    for name, host, addresses in (("a", hosts[0], range(16, 76)),
                                  ("b", hosts[1], [2])):
        sh("ip", "link", "add", f"v{name}", "type", "veth", "peer", "name",
           "eth0", "netns", str(host), inside=server)
        sh("ip", "addr", "add", f"2001:db8:{name}::1/64", "dev", f"v{name}",
           "nodad", inside=server)
        sh("ip", "link", "set", f"v{name}", "up", inside=server)
        for number in addresses:
            sh("ip", "addr", "add", f"2001:db8:{name}::{number:x}/64", "dev",
               "eth0", "nodad", inside=host)
        sh("ip", "link", "set", "eth0", "up", inside=host)


def start(host, script, server):
    process = subprocess.Popen(
        ["nsenter", "-t", str(host), "-n", sys.executable, "-c", script,
         str(server.port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def end(process):
    process.stdin.close()
    assert process.wait() == 0
    process.stdout.close()


@pytest.mark.sqlite("it has a network of its own")
def test_a_whole_64_is_one_address(klikitd, networks):
    inside, stranger, good = networks
    server = klikitd(start=False, wrapper=["nsenter", "-t", str(inside), "-n"],
                     config="[http]\nlisten = [::]:0\nmax_connections = 32\n")
    server.expect("as many connections are open as may be")
    server.start()
    server.wrapper = []  # it has become the program itself
    # By single addresses the good one would have the most, four of them.
    guest = start(good, GOOD, server)
    crowd = start(stranger, CROWD, server)
    guest.stdin.write(json.dumps(
        [(server.headers(BODY), BODY.decode()) for _ in range(8)]) + "\n")
    guest.stdin.flush()
    said = json.loads(guest.stdout.readline())
    assert said == ["HTTP/1.1 200 OK"] * 4 + ['{"status":"received"}'] * 8
    server.wait_log(r"closed one of the \d+ that 2001:db8:a::")
    end(guest)
    end(crowd)
