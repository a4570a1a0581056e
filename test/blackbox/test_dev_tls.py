"""klikitd dev --tls: HTTPS on one's own machine, without any preparation."""

import http.server
import ssl
import stat
import subprocess
import threading

import pytest

from certificates import openssl
from conftest import BINARY, PREFIX, run
from test_clock import DAY, Clock

FILES = "ca.pem", "ca-key.pem", "server.pem"


@pytest.fixture
def dev(klikitd, tmp_path):
    """klikitd dev --tls without a configuration; not started yet."""
    def make(**options):
        home = tmp_path / "it's here"
        home.mkdir(exist_ok=True)
        server = klikitd(start=False, verb="dev", secret=None, directory=home,
                         args=["--tls", "--http.listen", "127.0.0.1:0"],
                         **options)
        server.command = lambda: [*PREFIX, BINARY, "dev", *server.args]
        server.state = home / ".klikitd"
        return server
    return make


def contents(server):
    return {name: (server.state / name).read_bytes() for name in FILES}


def printed(server, word):
    """The command with that word in it that was printed to be pasted."""
    server.wait_for(lambda: "Stop with Ctrl-C." in server.log(), "the end")
    return next(line.strip() for _, line in server.lines if word in line)


def test_what_it_prints_works_as_it_stands(dev):
    server = dev().start()
    for word, answer in (("curl --cacert", '{"status":"ok"}'),
                         ("body=", '{"status":"received"}'),
                         ("trigger created", '{"status":"received"}'),
                         ("trigger --all", "a type not heard of")):
        done = subprocess.run(printed(server, word), shell=True, cwd="/",
                              capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done
        assert answer in done.stdout
    server.expect("unheard_of", "refused: signature", "missing klikit")


def test_keys_are_the_owners_alone(dev):
    server = dev().start()
    modes = {name: stat.S_IMODE((server.state / name).stat().st_mode)
             for name in FILES}
    assert modes == {"ca.pem": 0o644, "ca-key.pem": 0o600,
                     "server.pem": 0o600}
    assert b"PRIVATE" not in (server.state / "ca.pem").read_bytes()
    assert openssl("verify", "-x509_strict", "-purpose", "sslserver",
                   "-CAfile", server.state / "ca.pem",
                   server.state / "server.pem").endswith(b": OK\n")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_strict_clients_take_it(dev, host):
    """Python looks at key usages and identifiers, Node at the whole chain."""
    server = dev().start()
    url = f"https://{host}:{server.port}/healthz"
    ca = str(server.state / "ca.pem")
    python = ("import ssl, sys, urllib.request\n"
              "c = ssl.create_default_context(cafile=sys.argv[2])\n"
              "c.verify_flags |= ssl.VERIFY_X509_STRICT\n"
              "print(urllib.request.urlopen(sys.argv[1], context=c).status)")
    # Node 18 tries the first address of localhost only, which may be ::1.
    node = ("require('https').get(process.argv[1], "
            "{autoSelectFamily: true}, r => {"
            "console.log(r.statusCode); process.exit()})")
    for command, env in ((["/usr/bin/python3", "-c", python, url, ca], {}),
                         (["node", "-e", node, url],
                          {"NODE_EXTRA_CA_CERTS": ca})):
        done = subprocess.run(command, env={"PATH": "/usr/bin:/bin", **env},
                              capture_output=True, text=True, timeout=60)
        assert (done.returncode, done.stdout) == (0, "200\n"), done


def test_trigger_dev_finds_it(dev):
    server = dev().start()
    printed(server, "trigger")
    done = run("trigger", "created", "--dev", cwd=server.directory)
    assert done.returncode == 0, done
    assert b"received" in done.stdout


def test_who_does_not_trust_the_ca_is_told(dev):
    server = dev().start()
    done = run("trigger", "created", "--to", server.url,
               env={"KLIKIT_WEBHOOK_SECRET": "x"})
    assert done.returncode == 1
    assert b"issuer" in done.stderr, done
    done = run("trigger", "created", "--to", server.url, "--ca-file", "/none",
               env={"KLIKIT_WEBHOOK_SECRET": "x"})
    assert done.stderr == (b"klikitd trigger: /none: cannot be read: No such "
                           b"file or directory\n")
    server.expect("TLS", "handshake")


def test_they_are_made_once(dev):
    server = dev().start()
    first = contents(server)
    server.restart()
    assert contents(server) == first
    assert sorted(p.name for p in server.state.iterdir()
                  if p.suffix == ".pem") == sorted(FILES)


def test_one_near_its_end_is_made_anew_by_the_same_ca(dev, tmp_path):
    server = dev().start()
    server.stop()
    first = contents(server)
    clock = Clock(tmp_path)
    clock.set(380 * DAY)
    server.env.update(clock.env)
    server.expect("the clock is not believed")
    server.start()
    now = contents(server)
    assert now["server.pem"] != first["server.pem"]
    assert now["ca-key.pem"] == first["ca-key.pem"]
    assert now["ca.pem"] == first["ca.pem"]
    openssl("verify", "-no_check_time", "-CAfile", server.state / "ca.pem",
            server.state / "server.pem")


def test_a_damaged_one_is_made_anew(dev):
    server = dev().start()
    server.stop()
    first = contents(server)
    (server.state / "server.pem").write_bytes(first["server.pem"][:300])
    (server.state / "ca.pem").unlink()
    server.start()
    now = contents(server)
    assert now["ca.pem"] == first["ca.pem"]
    assert len(now["server.pem"]) > 300
    openssl("verify", "-CAfile", server.state / "ca.pem",
            server.state / "server.pem")


def test_a_damaged_ca_is_told_and_not_replaced(dev):
    """Somebody may have made others trust it."""
    server = dev().start()
    server.stop()
    bad = contents(server)["ca-key.pem"][:400]
    (server.state / "ca-key.pem").write_bytes(bad)
    server.start(wait=False)
    server.wait(expect=1)
    assert (f"klikitd dev: {server.state}/ca-key.pem: the certificate is "
            "damaged") in server.log()
    assert (server.state / "ca-key.pem").read_bytes() == bad


def test_another_ca_makes_another_certificate(dev):
    server = dev().start()
    server.stop()
    first = contents(server)
    (server.state / "ca-key.pem").unlink()
    server.start()
    now = contents(server)
    assert all(now[name] != first[name] for name in FILES)
    openssl("verify", "-CAfile", server.state / "ca.pem",
            server.state / "server.pem")


def test_the_ca_cannot_vouch_for_other_hosts(dev, tmp_path):
    """Whoever trusts it risks his own machine only."""
    server = dev().start()
    key, csr = tmp_path / "k", tmp_path / "csr"
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-subj",
            "/CN=shop.example.com", "-addext",
            "subjectAltName=DNS:shop.example.com", "-out", csr)
    openssl("x509", "-req", "-in", csr, "-CA", server.state / "ca.pem",
            "-CAkey", server.state / "ca-key.pem", "-CAcreateserial",
            "-CAserial", tmp_path / "serial", "-copy_extensions", "copy",
            "-out", tmp_path / "evil.pem")
    done = subprocess.run(["openssl", "verify", "-CAfile",
                           server.state / "ca.pem", tmp_path / "evil.pem"],
                          capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert "permitted subtree" in done.stdout + done.stderr


def test_the_address_of_a_killed_one_is_not_used(dev):
    """trigger --dev then calls what is configured, as without any."""
    got = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = dev().start()
    printed(server, "trigger")
    server.kill()
    assert (server.state / "url").exists()
    with http.server.HTTPServer(("127.0.0.1", 0), Receiver) as other:
        thread = threading.Thread(target=other.handle_request)
        thread.start()
        done = run("trigger", "created", "--dev", cwd=server.directory,
                   env={"PORT": str(other.server_port)})
        thread.join()
    assert done.returncode == 0, done
    assert got == ["/webhooks/klikit"]


def test_trigger_sends_on_after_each_close_of_a_tls_server(tmp_path, dev):
    """A server that closes after each answer: a connection each time."""
    server = dev().start()
    server.stop()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.state / "server.pem")
    count = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            count.append(self.client_address)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver) as other:
        other.socket = context.wrap_socket(other.socket, server_side=True)
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        done = run("trigger", "created", "--count", "3", "--to",
                   f"https://127.0.0.1:{other.server_port}", "--ca-file",
                   server.state / "ca.pem", env={"KLIKIT_WEBHOOK_SECRET": "x"})
        other.shutdown()
        thread.join()
    assert done.returncode == 0, done
    assert len(set(count)) == 3
