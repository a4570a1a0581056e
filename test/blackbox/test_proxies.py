"""The guide server/docs/deploy.md, with the real nginx, HAProxy and Caddy: what
klikit sends arrives byte for byte, from the client's address, whatever a stranger
writes into the header fields."""

import http.client
import json
import os
import pwd
import re
import shlex
import subprocess
import time

import pytest

from certificates import Authority
from conftest import (CREATED, DEADLINE, PAYLOADS, ROOT, duplicate, payload,
                      sign)
from haproxy import Haproxy
from https import client
from strangers import GOOD, STRANGER
from unpacked import AS_NOBODY, NOBODY, Home, free_port, listens

pytestmark = pytest.mark.once

GUIDE = (ROOT / "server" / "docs" / "deploy.md").read_text()
NGINX = """
daemon off;
error_log stderr warn;
pid {home}/nginx.pid;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
{server}
}}
"""


def block(language):
    """The block of that language in the guide."""
    found, = re.findall(rf"^```{language}\n(.*?)^```$", GUIDE, re.M | re.S)
    return found


def put(text, *changes):
    """What the guide says of its machines, said of this one."""
    for old, new in changes:
        assert text.count(old) == 1, f"the guide does not have: {old}"
        text = text.replace(old, new)
    return text


class Program:
    """nginx or Caddy, in a home of its own."""

    def __init__(self, name):
        self.home = Home(name)
        self.program = self.home.program(name)
        self.port = free_port()

    def start(self, *args):
        self.process = self.home.start([self.program, *args],
                                       env={"XDG_DATA_HOME": self.home.path,
                                            "XDG_CONFIG_HOME": self.home.path})
        end = time.monotonic() + DEADLINE
        while not listens(self.port):
            assert self.process.poll() is None, self.home.log()
            assert time.monotonic() < end, self.home.log()
            time.sleep(0.02)  # nothing else says so to another process
        return self

    def close(self):
        self.process.terminate()
        self.process.wait(DEADLINE)
        self.home.remove()


class Proxies:
    """Makes the proxies of the guide, before a server."""

    def __init__(self, pair, secure):
        self.pair = pair
        self.secure = secure  # an ssl.SSLContext
        self.made = []

    def nginx(self, server):
        it = Program("nginx")
        text = put(block("nginx"), ("listen 443 ssl", f"listen {it.port} ssl"),
                   ("hooks.example.com", "localhost"),
                   ("/etc/nginx/hooks.pem", str(it.home.copy(self.pair.path))),
                   ("/etc/nginx/hooks.key", str(it.home.copy(self.pair.key))),
                   ("127.0.0.1:8080", f"127.0.0.1:{server.port}"))
        conf = it.home.write("nginx.conf", NGINX.format(home=it.home.path,
                                                        server=text))
        self.made.append(it.start("-c", conf, "-p", it.home.path,
                                  "-e", "stderr"))
        return it

    def caddy(self, server):
        it = Program("caddy")
        pem, key = (it.home.copy(path) for path in (self.pair.path,
                                                    self.pair.key))
        text = put(block("caddyfile"),
                   ("hooks.example.com {", f"https://localhost:{it.port} {{\n"
                    f"    tls {pem} {key}"),
                   ("127.0.0.1:8080", f"127.0.0.1:{server.port}"))
        conf = it.home.write(
            "Caddyfile", "{\n    admin off\n    auto_https off\n}\n" + text)
        self.made.append(it.start("run", "--config", conf,
                                  "--adapter", "caddyfile"))
        return it

    def haproxy(self, server):
        text = block("haproxy")
        port = free_port()
        pem = self.pair.path.read_text() + self.pair.key.read_text()
        home = Home("pem")
        text = put(text, ("bind :443 ssl crt /etc/haproxy/hooks.pem",
                          f"bind 127.0.0.1:{port} ssl crt "
                          f"{home.write('hooks.pem', pem)}"),
                   ("127.0.0.1:8080", f"127.0.0.1:{server.port}"))
        home.path.chmod(0o755)
        return self._balancer(text, port, home)

    def haproxy_proxy(self, server, options="send-proxy-v2"):
        port = free_port()
        text = put(block("haproxy-proxy"),
                   ("bind :443", f"bind 127.0.0.1:{port}"),
                   ("send-proxy-v2 check", f"{options} check"),
                   ("127.0.0.1:8443", f"127.0.0.1:{server.proxy_port}"))
        return self._balancer(text, port)

    def _balancer(self, text, port, home=None):
        it = Haproxy(text)
        it.port = port
        self.made.append(it)
        if home is not None:
            it.also = home
        it.wait_for(lambda: it.states("klikitd") == {"one": "UP"}, "server")
        return it

    def close(self):
        for it in self.made:
            it.close()
            if hasattr(it, "also"):
                it.also.remove()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("proxies"))


@pytest.fixture
def proxies(authority):
    made = Proxies(authority.make("hooks"), client(authority))
    yield made
    made.close()


def deliver(server, proxy, secure, body, source, event_id, fields=()):
    """As klikit does it, over HTTPS by the proxy, from that address. secure:
    None: without TLS."""
    conn = (http.client.HTTPConnection("127.0.0.1", proxy.port,
                                       timeout=DEADLINE,
                                       source_address=(source, 0))
            if secure is None else
            http.client.HTTPSConnection("localhost", proxy.port,
                                        timeout=DEADLINE, context=secure,
                                        source_address=(source, 0)))
    conn.request("POST", "/webhooks/klikit", body, {
        **server.headers(body, event_id, CREATED), **dict(fields)})
    answer = conn.getresponse()
    data = answer.read()
    conn.close()
    return answer.status, {}, data


FORGED = (
    {"X-Forwarded-For": "192.0.2.66"},
    {"X-Forwarded-For": f"{GOOD}, 127.0.0.1"},
    {"X-Forwarded-For": "rubbish"},
    {"Forwarded": "for=192.0.2.66"},
    {"Forwarded": 'for="'},
    {"X-Forwarded-For": GOOD, "Forwarded": f"for={GOOD}",
     "X-Real-IP": GOOD},
)


def check(server, proxy, secure, own=r"{}"):
    """klikit's recipe by that proxy; own: how a peer is written."""
    bodies = [path.read_bytes() for path in sorted(PAYLOADS.glob("*.json"))]
    for number, body in enumerate(bodies):
        answer = deliver(server, proxy, secure, body, GOOD, f"good-{number}")
        assert (answer[0], json.loads(answer[2])) == (
            200, {"status": "received"}), answer
    duplicate(deliver(server, proxy, secure, bodies[0], GOOD, "good-0"))
    for number, fields in enumerate(FORGED):
        body = b'{"orders":[],"number":%d}' % number
        answer = deliver(server, proxy, secure, body, STRANGER,
                         f"stranger-{number}", fields)
        assert answer[0] == 200, answer
    stored = server.query("SELECT e.event_id, e.peer, b.body FROM events e "
                          "JOIN bodies b ON b.event = e.id ORDER BY e.id")
    assert [bytes(body) for _, _, body in stored[:len(bodies)]] == bodies
    assert len(stored) == len(bodies) + len(FORGED)
    for event, peer, _ in stored:
        source = GOOD if event.startswith("good") else STRANGER
        assert re.fullmatch(own.format(re.escape(source)), peer), (event, peer)
    body = payload("created-small.json")
    answer = deliver(server, proxy, secure, body + b"\n", STRANGER, "bad",
                     {"X-Forwarded-For": GOOD,
                      "x-klikit-signature": sign(body)})
    assert answer[0] == 401
    server.wait_log(rf"delivery .*from {re.escape(STRANGER)}\b")
    assert not re.search(rf"delivery .*from {re.escape(GOOD)}\b",
                         server.log())


class Tunnel:
    """The ssh of the guide, to an sshd that stands for the public machine;
    its end there is .port. As root both are `nobody`."""

    def __init__(self, port):
        self.home = Home("ssh")
        self.port, at = free_port(), free_port()
        for name in "host", "own":
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "",
                            "-f", self.home.path / name], check=True)
            self.home.give(self.home.path / name)
        allowed, = re.findall(r"^    (restrict,.*) ssh-ed25519", GUIDE, re.M)
        allowed = put(allowed, ("18080", str(self.port)))
        keys = self.home.write("keys", f"{allowed} " + (
            self.home.path / "own.pub").read_text())
        config = self.home.write("sshd_config", f"""
ListenAddress 127.0.0.1:{at}
HostKey {self.home.path}/host
AuthorizedKeysFile {keys}
PidFile none
UsePAM yes
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
""")
        self.processes = [self.home.start(
            [self.home.program("sshd"), "-D", "-e", "-f", config])]
        self.wait(at, "sshd")
        user = pwd.getpwuid(NOBODY if AS_NOBODY else os.getuid()).pw_name
        command = put(
            block("sh-ssh"), ("18080:", f"{self.port}:"), (":8080", f":{port}"),
            ("tunnel@public.example.com", f"-p {at} {user}@127.0.0.1"),
            ("ssh -N", f"ssh -F none -i {self.home.path}/own -o UserKnownHosts"
             "File=/dev/null -o StrictHostKeyChecking=no -N"))
        self.processes.append(self.home.start(
            [self.home.program("ssh"),
             *shlex.split(command.replace("\\\n", " "))[1:]]))
        self.wait(self.port, "tunnel")

    def wait(self, port, what):
        end = time.monotonic() + DEADLINE
        while not listens(port):
            assert all(it.poll() is None for it in self.processes), (
                self.home.log())
            assert time.monotonic() < end, f"no {what}: {self.home.log()}"
            time.sleep(0.02)  # nothing else says so to another process

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
            process.wait(DEADLINE)
        self.home.remove()


def test_a_tunnel_by_ssh_ends_behind_a_proxy(klikitd, proxies):
    """As the guide has it: nginx on the public machine, ssh to this one."""
    server = klikitd(config=put(block("ini-tunnel"), (
        "127.0.0.1:8080", "127.0.0.1:0")))
    server.expect("delivery", "rejection")
    proxies.made.insert(0, tunnel := Tunnel(server.port))
    check(server, proxies.nginx(tunnel), proxies.secure)


@pytest.mark.parametrize("name", ["nginx", "haproxy", "caddy"])
def test_a_proxy_says_by_fields_who_the_client_is(klikitd, proxies, name):
    server = klikitd(config=put(block("ini"), (
        "127.0.0.1:8080", "127.0.0.1:0")))
    server.expect("delivery", "rejection")
    check(server, getattr(proxies, name)(server), proxies.secure)


def behind_proxy(klikitd, pair, tls):
    """A server with http.proxy_listen, as in the guide; port: that one's."""
    text = put(block("ini-proxy"), ("127.0.0.1:8080", "127.0.0.1:0"),
               ("127.0.0.1:8443", "127.0.0.1:0"),
               ("/etc/klikitd/cert.pem", str(pair.path)),
               ("/etc/klikitd/key.pem", str(pair.key)))
    server = klikitd(config=text if tls else text.split("[tls]")[0])
    server.wait_for(lambda: len(server.urls) == 2, "two listeners")
    server.proxy_port = int(server.urls[1].rsplit(":", 1)[1])
    server.expect("delivery", "rejection")
    return server


@pytest.mark.parametrize("options, tls", [
    ("send-proxy-v2", True),
    ("send-proxy-v2 proxy-v2-options crc32c,unique-id,authority", True),
    ("send-proxy", True),
    ("send-proxy-v2", False),
    ("send-proxy", False),
])
def test_haproxy_says_by_its_protocol_who_the_client_is(klikitd, proxies,
                                                        options, tls):
    server = behind_proxy(klikitd, proxies.pair, tls)
    balancer = proxies.haproxy_proxy(server, options)
    check(server, balancer, proxies.secure if tls else None, own=r"{}:\d+")
