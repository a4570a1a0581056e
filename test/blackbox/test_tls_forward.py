"""To https urls: nothing is lost, and nothing goes to the wrong one."""

import os
import re
import signal
import socket
import ssl
import struct
import subprocess
import threading

import pytest

import certificates
from conftest import DEADLINE, PREFIX, STATUS, payload, received
from load import order_body
from tls_pos import RawPos, TlsPos

SMALL = payload("created-small.json")


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """Roots and leaves, made once."""
    made = certificates.Authority(tmp_path_factory.mktemp("certificates"))
    made.good = made.make("good")
    made.client = made.make("client", usage="clientAuth")
    made.other = made.make("other", sans="DNS:other.example,IP:127.0.0.9")
    made.expired = made.make("expired", start="20200101000000Z",
                             end="20210101000000Z")
    made.early = made.make("early", start="20900101000000Z",
                           end="20910101000000Z")
    made.stranger = made.make("stranger", None)
    return made


@pytest.fixture
def pos(authority):
    """A factory of far sides; by default one with a good certificate."""
    made = []

    def make(cert=None, **options):
        made.append(TlsPos(cert or authority.good, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def raw_pos():
    made = []

    def make(act):
        made.append(RawPos(act))
        return made[-1]

    yield make
    for one in made:
        one.close()


def forward(url, ca, more=""):
    """The section; its deadline is none that a slow machine could reach."""
    if "timeout" not in more:
        more += "timeout = 60s\n"
    return (f"[handler pos]\ntype = forward\nevents = *\nurl = {url}\n"
            f"retry = 100ms\nca_file = {ca}\n{more}\n")


def outcomes(server):
    return [row[0] for row in server.query(
        "SELECT DISTINCT outcome FROM attempts WHERE outcome IS NOT NULL")]


def assert_refused(server, far, *words):
    """No attempt has sent anything, and each says why."""
    server.wait_query("SELECT count(*) > 1 FROM attempts "
                      "WHERE outcome IS NOT NULL", [(1,)])
    for outcome in outcomes(server):
        for word in words:
            assert word in outcome
        assert not outcome.startswith("unknown")
    assert server.query("SELECT DISTINCT state FROM jobs")[0][0] in (
        "waiting", "ready", "running")
    assert far is None or far.keys == []


# -- It works --


@pytest.mark.valgrind
def test_an_event_goes_out_by_tls(klikitd, authority, pos):
    far = pos()
    server = klikitd(config=forward(far.url, authority.root.path))
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert far.keys == ["one"]
    assert far.bodies == [SMALL]
    assert far.names == [None]  # an address is no SNI
    assert server.query("SELECT outcome, code FROM attempts") == [
        ("done", 200)]


def test_a_large_body_goes_out_whole(klikitd, authority, pos):
    far = pos()
    server = klikitd(config=forward(far.url, authority.root.path))
    body = order_body(1, pad=900 * 1024)
    received(server.post(body, "large"))
    server.wait_processed()
    assert far.bodies == [body]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_names_and_addresses_are_checked(klikitd, authority, pos, host):
    far = pos(host="::1" if host == "::1" else "127.0.0.1")
    url = (far.url if host != "localhost" else
           f"https://localhost:{far.port}")
    server = klikitd(config=forward(url, authority.root.path))
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert far.keys == ["one"]
    assert far.names == [host if host == "localhost" else None]


@pytest.mark.valgrind
def test_a_connection_and_then_a_session_are_used_again(klikitd, authority,
                                                        pos):
    far = pos(each=5)
    server = klikitd(config=forward(far.url, authority.root.path,
                                    "concurrency = 1\n"))
    for number in range(20):
        received(server.post(order_body(number), str(number)))
        server.wait_processed()
    assert far.keys == [str(n) for n in range(20)]
    assert (far.handshakes, far.resumed) == (4, 3)


def test_a_far_side_without_tickets_or_sessions_works(klikitd, authority,
                                                      pos):
    def setup(context):
        context.options |= ssl.OP_NO_TICKET
        context.num_tickets = 0

    far = pos(each=2, setup=setup)
    server = klikitd(config=forward(far.url, authority.root.path,
                                    "concurrency = 1\n"))
    for number in range(6):
        received(server.post(order_body(number), str(number)))
        server.wait_processed()
    assert far.keys == [str(n) for n in range(6)]


def count_files(server):
    return len(server.open_files())


@pytest.mark.valgrind
@pytest.mark.parametrize("how, count", [
    ("header", 1000), ("notify", 500), ("fin", 500), ("reset", 500),
    pytest.param("header", 5000, marks=pytest.mark.long)])
def test_all_arrive_over_forced_reconnects(klikitd, authority, pos, how,
                                           count):
    """Each connection ends after 50 events."""
    count = count // 10 if PREFIX else count
    far = pos(each=50, how=how)
    server = klikitd(config=forward(
        far.url, authority.root.path,
        "concurrency = 4\nordering = none\n"))
    if how != "header":  # a request may cross the end of its connection
        server.expect("retry in", "unknown:", "failed in a row")
    lock = threading.Lock()
    numbers = iter(range(count))
    files = count_files(server)

    def send():
        connection = server.connect()
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return connection.close()
            received(server.post(order_body(number), f"e{number}",
                                 connection=connection))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    far.wait_for(lambda: len(set(far.keys)) >= count, f"{count} keys")
    server.wait_processed()
    assert set(far.keys) == {f"e{n}" for n in range(count)}
    assert server.query("SELECT state, count(*) FROM jobs GROUP BY 1") == [
        ("done", count)]
    assert far.handshakes >= count // 50
    assert far.resumed >= far.handshakes - 8
    if how == "header":
        assert len(far.keys) == count
    assert count_files(server) <= files + 4  # those it keeps


@pytest.mark.parametrize("how", ["notify", "fin", "reset"])
def test_a_connection_closed_while_idle_is_not_used(klikitd, authority, pos,
                                                    how):
    far = pos(each=1, how=how)
    server = klikitd(config=forward(far.url, authority.root.path))
    files = count_files(server)
    for number in range(3):
        received(server.post(order_body(number), str(number)))
        server.wait_processed()
        ticks = threading.Event()
        for _ in range(DEADLINE * 50):  # nothing tells that it is closed
            if count_files(server) <= files:
                break
            ticks.wait(0.02)
        assert count_files(server) <= files
    assert far.keys == ["0", "1", "2"]
    assert server.query("SELECT DISTINCT outcome FROM attempts") == [
        ("done",)]


def test_a_request_cut_in_its_middle_may_have_been_done(klikitd, authority,
                                                        raw_pos, pos):
    """The opposite of all refusals below: some of it had left."""
    context = pos().context

    def cut(conn):
        tls = context.wrap_socket(conn, server_side=True)
        tls.recv(1000)
        tls.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                       struct.pack("ii", 1, 0))
        tls.close()

    far = raw_pos(cut)
    server = klikitd(config=forward(far.url, authority.root.path))
    server.expect("retry in", "failed in a row")
    received(server.post(order_body(1, pad=900 * 1024), "one"))
    server.wait_query("SELECT count(*) > 1 FROM attempts "
                      "WHERE outcome IS NOT NULL", [(1,)])
    assert outcomes(server) == [
        "unknown: the connection was lost before the answer"]


NODE = """
const https = require('https'), fs = require('fs');
let count = 0, connections = 0;
const server = https.createServer({
  cert: fs.readFileSync(process.argv[1]), key: fs.readFileSync(process.argv[2]),
}, (req, res) => {
  const parts = [];
  req.on('data', (part) => parts.push(part));
  req.on('end', () => {
    const body = JSON.parse(Buffer.concat(parts));
    if (++count % 50 === 0) res.setHeader('connection', 'close');
    res.end(JSON.stringify({ seen: body.orders.length }));
    console.log(req.headers['idempotency-key']);
  });
});
server.on('secureConnection', () => connections++);
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => { console.log(`${connections} connections`);
  process.exit(0); }).resume();
"""


def test_node_receives_what_is_forwarded(klikitd, authority):
    far = subprocess.Popen(
        ["node", "-e", NODE, authority.good.path, authority.good.key],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        port = int(far.stdout.readline())
        server = klikitd(config=forward(
            f"https://localhost:{port}/orders", authority.root.path,
            "concurrency = 1\n"))
        connection = server.connect()
        for number in range(200):
            received(server.post(order_body(number), str(number),
                                 connection=connection))
        keys = [far.stdout.readline().strip() for _ in range(200)]
        server.wait_processed()
        assert keys == [str(n) for n in range(200)]
        assert far.communicate(timeout=60)[0] == "4 connections\n"
    finally:
        far.kill()
        far.wait()


def test_it_is_also_for_a_program_under_development(klikitd, authority, pos):
    """dev --forward-to takes https, by the system's store."""
    far = pos()
    server = klikitd(verb="dev", args=["--forward-to", far.url],
                     env={"SSL_CERT_FILE": str(authority.root.path)},
                     database=".klikitd/dev.db",
                     config="[http]\nlisten = 127.0.0.1:0\n[store]\n"
                     "url = sqlite:.klikitd/dev.db\n")
    received(server.post(SMALL, "one"))
    server.wait_log("dev: event one: answered 200")
    assert far.keys == ["one"]


# -- Who is not to be trusted gets nothing --


@pytest.mark.valgrind
@pytest.mark.parametrize("which, words", [
    ("other", ["is for another name (other.example, 127.0.0.9)"]),
    ("stranger", ["issuer is unknown (CN=stranger by CN=stranger)"]),
    ("expired", ["has expired (CN=expired until 2021-01-01T00:00:00"]),
    ("early", ["is not valid yet", "CN=early from 2090-01-01T00:00:00"]),
])
def test_a_bad_certificate_gets_nothing(klikitd, authority, pos, which, words):
    far = pos(getattr(authority, which))
    server = klikitd(config=forward(far.url, authority.root.path))
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    assert_refused(server, far, "no TLS with 127.0.0.1:", *words)


def test_a_certificate_for_a_name_is_not_one_for_its_address(
        klikitd, authority, pos):
    far = pos(authority.make("named", sans="DNS:localhost"))
    server = klikitd(config=forward(far.url, authority.root.path))
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    assert_refused(server, far, "the certificate is for another name")
    server.write_config(forward(f"https://localhost:{far.port}",
                                authority.root.path))
    server.reload()
    server.wait_processed()
    assert far.keys == ["one"]


def test_the_system_s_store_knows_no_stranger(klikitd, pos):
    far = pos()
    server = klikitd(config=f"[handler pos]\ntype = forward\nurl = {far.url}\n"
                     "retry = 100ms\n")
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    assert_refused(server, far, "issuer is unknown")


def test_old_tls_gets_nothing(klikitd, authority, pos):
    def setup(context):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")

    far = pos(setup=setup)
    server = klikitd(config=forward(far.url, authority.root.path))
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    assert_refused(server, far, "no TLS with", "the other side refused")


# -- Who we are --


@pytest.mark.valgrind
def test_a_client_certificate_is_shown(klikitd, authority, pos):
    far = pos(ca=authority.root)
    server = klikitd(config=forward(
        far.url, authority.root.path,
        f"client_certificate = {authority.client.path}\n"
        f"client_key = {authority.client.key}\n"))
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert far.keys == ["one"]
    assert far.clients == ["client"]


def test_a_missing_client_certificate_is_told(klikitd, authority, pos):
    def setup(context):
        context.maximum_version = ssl.TLSVersion.TLSv1_2

    far = pos(ca=authority.root, setup=setup)
    server = klikitd(config=forward(far.url, authority.root.path))
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    assert_refused(server, far, "no TLS with")


def test_a_client_certificate_that_is_not_taken_is_told(klikitd, authority,
                                                        pos):
    far = pos(ca=authority.stranger)
    server = klikitd(config=forward(
        far.url, authority.root.path,
        f"client_certificate = {authority.client.path}\n"
        f"client_key = {authority.client.key}\n"))
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    assert_refused(server, far, "no TLS with", "our certificate")


# -- A handshake that does not come to its end --


@pytest.mark.valgrind
def test_a_handshake_that_hangs_is_cut_at_the_deadline(klikitd, authority,
                                                       raw_pos):
    far = raw_pos(lambda conn: None)
    server = klikitd(config=forward(far.url, authority.root.path,
                                    "timeout = 300ms"))
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    assert_refused(server, None, f"TLS handshake with 127.0.0.1:{far.port} "
                   "not done within 200ms")  # a third is for the answer


def close(conn):
    conn.recv(5)
    conn.shutdown(socket.SHUT_RDWR)


def close_at_once(conn):
    conn.shutdown(socket.SHUT_RDWR)


def speak_http(conn):
    conn.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def alert(conn):
    conn.sendall(b"\x15\x03\x03\x00\x02\x02\x28")  # handshake_failure


@pytest.mark.valgrind
@pytest.mark.parametrize("act, words", [
    (close, ["during the handshake"]),
    (close_at_once, ["during the handshake"]),
    (speak_http, ["TLS"]),
    (alert, ["no common parameters"]),
])
def test_a_handshake_that_is_broken_off_is_told(klikitd, authority, raw_pos,
                                                act, words):
    far = raw_pos(act)
    server = klikitd(config=forward(far.url, authority.root.path))
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    assert_refused(server, None, f"no TLS with 127.0.0.1:{far.port}: ", *words)


def test_a_handshake_cut_in_its_middle_is_told(klikitd, authority, raw_pos,
                                               pos):
    """The far side's certificate has come; then the connection ends."""
    real = pos()

    def relay(conn):
        onward = socket.create_connection(("127.0.0.1", real.port))
        onward.sendall(conn.recv(16384))
        conn.sendall(onward.recv(500))
        onward.close()
        conn.shutdown(socket.SHUT_RDWR)

    far = raw_pos(relay)
    server = klikitd(config=forward(far.url, authority.root.path))
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    assert_refused(server, real, "closed the connection during the handshake")


def test_a_port_where_nobody_listens_is_refused(klikitd, authority):
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    server = klikitd(config=forward(f"https://127.0.0.1:{port}",
                                    authority.root.path))
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    assert_refused(server, None, f"connection refused by 127.0.0.1:{port}")
    holder.close()


# -- Reloading --


@pytest.mark.valgrind
def test_a_reload_brings_another_ca(klikitd, authority, pos, tmp_path):
    far = pos(authority.stranger, each=2)
    ca = tmp_path / "ca.pem"
    certificates.write(ca, authority.root)
    server = klikitd(config=forward(far.url, ca))
    server.expect("retry in", "failed in a row")
    received(server.post(SMALL, "one"))
    assert_refused(server, far, "issuer is unknown")
    certificates.write(ca, authority.root, authority.stranger)
    server.reload()
    server.wait_processed()
    assert far.keys == ["one"]


def test_a_reload_with_a_bad_file_changes_nothing(klikitd, authority, pos,
                                                  tmp_path):
    far = pos(each=1)
    ca = tmp_path / "ca.pem"
    certificates.write(ca, authority.root)
    server = klikitd(config=forward(far.url, ca))
    server.expect("reload:", "ca_file")
    ca.write_text("nonsense\n")
    os.kill(server.pid, signal.SIGHUP)
    server.wait_log(r"reload: refused")
    server.wait_log(re.escape(str(ca)))
    received(server.post(SMALL, "one"))
    server.wait_processed()
    assert far.keys == ["one"]


def test_an_attempt_under_way_ends_on_the_old_ca(klikitd, authority, pos,
                                                 tmp_path):
    ca = tmp_path / "ca.pem"
    certificates.write(ca, authority.root)
    go = threading.Event()

    def wait(*_):
        go.wait(60)

    far = pos(setup=lambda context: setattr(context, "sni_callback", wait))
    server = klikitd(config=forward(f"https://localhost:{far.port}", ca,
                                    "timeout = 60s"))
    server.expect("retry in")
    received(server.post(order_body(1), "one", STATUS))
    far.wait_for(lambda: far.accepted == 1, "connection")
    certificates.write(ca, authority.stranger)
    server.reload()
    go.set()
    server.wait_processed()
    assert far.keys == ["one"]
    received(server.post(order_body(2), "two", STATUS))
    server.wait_query("SELECT count(*) > 0 FROM attempts WHERE outcome LIKE "
                      "'%no TLS with%issuer is unknown%'", [(1,)])
    assert far.keys == ["one"]


# -- Mistakes in the configuration --


@pytest.mark.parametrize("lines, words", [
    ("ca_file = missing.pem\n", ["handler.ca_file", "missing.pem"]),
    ("ca_file = klikitd.ini\n", ["handler.ca_file", "klikitd.ini"]),
    ("client_certificate = {client.path}\n",
     ["handler.client_certificate", "client_key"]),
    ("client_certificate = {client.path}\nclient_key = {good.key}\n",
     ["handler.client_key"]),
    ("client_certificate = {client.key}\nclient_key = {client.key}\n",
     ["handler.client_certificate"]),
])
def test_a_bad_file_is_named(klikitd, authority, lines, words):
    server = klikitd(start=False, config=(
        "[handler pos]\ntype = forward\nurl = https://127.0.0.1:1/\n" +
        lines.format(**vars(authority))))
    server.start(wait=False)
    server.wait(expect=1)
    server.expect(".")
    assert "klikitd.ini:" in server.log()
    for word in words:
        assert word in server.log()


def test_a_system_without_a_store_is_told(klikitd, tmp_path):
    server = klikitd(
        start=False, env={"SSL_CERT_FILE": str(tmp_path / "none.pem")},
        config="[handler pos]\ntype = forward\nurl = https://127.0.0.1:1/\n")
    server.start(wait=False)
    server.wait(expect=1)
    server.expect(".")
    assert "none.pem" in server.log() and "ca_file" in server.log()
