"""What klikitd says of certificates: check-config names what is wrong."""

import datetime
import os
import re
import signal

import pytest

from certificates import Authority, openssl, write
from conftest import run

pytestmark = pytest.mark.once

KEY = {"KLIKIT_WEBHOOK_SECRET": "klikit-test-secret"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def leaf(authority):
    return authority.make("leaf")


@pytest.fixture(scope="module")
def intermediate(authority):
    return authority.make("intermediate", ca=True)


@pytest.fixture(scope="module")
def deep(authority, intermediate):
    """A leaf that the intermediate signed."""
    return authority.make("deep", issuer=intermediate)


@pytest.fixture
def check(tmp_path):
    """check-config of a pair: its exit code, stdout, stderr."""
    config = tmp_path / "klikitd.ini"

    def check(certificate, key, expect=1):
        config.write_text(f"[tls]\ncertificate = {certificate}\nkey = {key}\n")
        done = run("check-config", "-c", config, env=KEY, cwd=tmp_path)
        assert b"Sanitizer" not in done.stderr, done.stderr.decode()
        assert done.returncode == expect, done
        return done.stdout.decode() if expect == 0 else done.stderr.decode()

    def warned(certificate, key):
        config.write_text(f"[tls]\ncertificate = {certificate}\nkey = {key}\n")
        done = run("check-config", "-c", config, env=KEY, cwd=tmp_path)
        assert done.returncode == 0, done
        return done.stderr.decode()

    check.config = config
    check.warned = warned
    return check


def test_a_good_pair_is_told_with_its_dates(check, leaf):
    out = check(leaf.path, leaf.key, expect=0)
    line, = [x for x in out.splitlines() if x.startswith("certificate ")]
    assert re.fullmatch(
        rf"certificate {leaf.path}: for localhost, 127\.0\.0\.1, ::1; "
        r"EC 256; 1 in the file; valid from 20\d\d-\d\d-\d\dT[\d:.]+Z until "
        r"20\d\d-\d\d-\d\dT[\d:.]+Z, (89|90) days from now", line), line
    assert "127.0.0.1:0, HTTPS\n" in out
    assert check.warned(leaf.path, leaf.key) == ""


def test_a_good_chain_passes(check, tmp_path, authority, deep, intermediate):
    for chain in (deep, intermediate), (deep, intermediate, authority.root):
        path = write(tmp_path / "chain.pem", *chain)
        assert f"{len(chain)} in the file" in check(path, deep.key, expect=0)
        assert check.warned(path, deep.key) == ""


def test_rsa_and_one_file_for_both_pass(check, tmp_path, authority):
    rsa = authority.make("rsa", kind="rsa2048")
    assert "RSA 2048" in check(rsa.path, rsa.key, expect=0)
    both = tmp_path / "both.pem"
    both.write_text(rsa.text + rsa.key.read_text())
    both.chmod(0o600)
    assert "RSA 2048" in check(both, both, expect=0)


def test_one_without_the_other_is_told(check, leaf):
    check.config.write_text(f"[tls]\ncertificate = {leaf.path}\n")
    done = run("check-config", "-c", check.config, env=KEY)
    assert done.returncode == 1
    assert done.stderr.decode() == (
        f"{check.config}:2: tls.certificate: needs tls.key, the file with "
        "its key\n")
    done = run("check-config", "--tls.key", leaf.key, env=KEY)
    assert done.stderr.decode() == (
        "--tls.key: needs tls.certificate, the file with its certificate\n")


def test_unreadable_files_are_told(check, tmp_path, leaf):
    err = check(tmp_path / "none.pem", tmp_path / "none.key")
    assert err.splitlines() == [
        f"{check.config}:2: tls.certificate: {tmp_path}/none.pem: cannot be "
        "read: No such file or directory",
        f"{check.config}:3: tls.key: {tmp_path}/none.key: cannot be read: No "
        "such file or directory"]
    assert "is not a file" in check(tmp_path, leaf.key)
    if os.getuid() != 0:
        secret = tmp_path / "locked.key"
        secret.write_text("x")
        secret.chmod(0)
        assert "Permission denied" in check(leaf.path, secret)


@pytest.mark.parametrize("text, said", [
    ("", "is empty"),
    ("hello\n", "has no PEM certificate (-----BEGIN CERTIFICATE-----)"),
    ("-----BEGIN CERTIFICATE-----\nMIIBAA==\n-----END CERTIFICATE-----\n",
     "the certificate is damaged: X509"),
    ("-----BEGIN CERTIFICATE-----\nMII", "the certificate is damaged: "),
])
def test_what_is_no_certificate_is_told(check, tmp_path, leaf, text, said):
    bad = tmp_path / "bad.pem"
    bad.write_text(text)
    err = check(bad, leaf.key)
    assert f"{check.config}:2: tls.certificate: {bad}: {said}" in err
    assert len(err.splitlines()) == 1


def test_files_of_another_kind_are_told(check, tmp_path, leaf):
    assert "holds a key and no certificate" in check(leaf.key, leaf.key)
    assert "holds a certificate and no key" in check(leaf.path, leaf.path)
    der = tmp_path / "leaf.der"
    openssl("x509", "-in", leaf.path, "-outform", "der", "-out", der)
    assert "is not PEM but DER" in check(der, leaf.key)
    request = tmp_path / "leaf.csr"
    openssl("req", "-new", "-key", leaf.key, "-subj", "/CN=x", "-out", request)
    assert "holds a request for a certificate" in check(request, leaf.key)
    garbage = tmp_path / "garbage.key"
    garbage.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n"
                       "-----END PRIVATE KEY-----\n")
    garbage.chmod(0o600)
    assert "the key is damaged" in check(leaf.path, garbage)
    garbage.write_text("nothing\n")
    assert "has no PEM key" in check(leaf.path, garbage)
    garbage.write_text("")
    assert "garbage.key: is empty" in check(leaf.path, garbage)


def test_one_damaged_certificate_of_several_is_told(check, tmp_path, deep,
                                                    intermediate):
    path = write(tmp_path / "chain.pem", deep, intermediate)
    lines = path.read_text().splitlines()
    second = len(deep.text.splitlines())
    lines[second + 2] = lines[second + 2][::-1]
    path.write_text("\n".join(lines) + "\n")
    assert "1 of the certificates in it is damaged" in check(path, deep.key)


@pytest.mark.parametrize("how", [("-traditional",), ()])
def test_an_encrypted_key_is_told(check, tmp_path, leaf, how):
    path = tmp_path / "encrypted.key"
    openssl("pkey", "-in", leaf.key, "-aes128", "-passout", "pass:x", *how,
            "-out", path)
    path.chmod(0o600)
    err = check(leaf.path, path)
    assert err.startswith(f"{check.config}:3: tls.key: {path}: the key is "
                          "encrypted")


def test_a_key_of_another_is_told(check, authority, leaf, deep):
    err = check(leaf.path, deep.key)
    assert err == (
        f"{check.config}:3: tls.key: {deep.key}: does not match the "
        f"certificate of CN=leaf in {leaf.path}: it is the key of another "
        "one\n")
    rsa = authority.make("other", kind="rsa2048")
    assert "does not match" in check(leaf.path, rsa.key)


def test_a_wrong_order_is_told(check, tmp_path, authority, deep,
                               intermediate, leaf):
    path = write(tmp_path / "chain.pem", intermediate, deep)
    err = check(path, deep.key)
    assert "the key belongs to certificate 2 (CN=deep), which must come " \
        "first" in err
    path = write(tmp_path / "chain.pem", deep, authority.root, intermediate)
    err = check(path, deep.key)
    assert ("certificate 1 (CN=deep) is not signed by the one after it, 2 "
            "(CN=root)") in err
    assert "certificate 2 (CN=root) signed itself and ends a chain" in err
    path = write(tmp_path / "chain.pem", leaf, intermediate)
    assert "certificate 1 (CN=leaf) is not signed by" in check(path, leaf.key)


def test_an_issuer_of_the_same_name_only_is_told(check, tmp_path, deep):
    other = Authority(tmp_path / "other")
    false = other.make("intermediate", ca=True)
    path = write(tmp_path / "chain.pem", deep, false)
    assert "certificate 1 (CN=deep) is not signed by the one after it, 2 " \
        "(CN=intermediate)" in check(path, deep.key)


def test_dates_are_told(check, authority):
    old = authority.make("old", start="20200101000000Z", end="20210101000000Z")
    assert check(old.path, old.key) == (
        f"{check.config}:2: tls.certificate: {old.path}: the certificate of "
        "CN=old expired at 2021-01-01T00:00:00.000Z\n")
    new = authority.make("new", start="20490101000000Z", end="20491231000000Z")
    assert ("the certificate of CN=new is not valid before "
            "2049-01-01T00:00:00.000Z: is this machine's clock right?"
            ) in check(new.path, new.key)


def test_an_expired_issuer_is_told(check, tmp_path, authority):
    old = authority.make("old-ca", ca=True, start="20200101000000Z",
                         end="20210101000000Z")
    cert = authority.make("below", issuer=old)
    path = write(tmp_path / "chain.pem", cert, old)
    err = check(path, cert.key)
    assert "the certificate of CN=old-ca expired at 2021" in err
    assert len(err.splitlines()) == 1


def test_what_clients_refuse_is_warned_of(check, tmp_path, authority):
    weak = authority.make("weak", kind="rsa1024")
    assert "the key of CN=weak is weak: RSA with 1024 bits" in check.warned(
        weak.path, weak.key)
    sha1 = authority.make("sha1", digest="sha1")
    assert "the signature of CN=sha1 is weak: SHA-1" in check.warned(
        sha1.path, sha1.key)
    unnamed = authority.make("unnamed", sans=None)
    assert "names no host" in check.warned(unnamed.path, unnamed.key)
    assert "(CN=root) is that of a CA" in check.warned(
        authority.root.path, authority.root.key)


def test_a_certificate_for_clients_is_no_servers(check, authority):
    client = authority.make("client", usage="clientAuth")
    assert "was not made for a server" in check(client.path, client.key)


def test_a_key_that_all_can_read_is_warned_of(check, tmp_path, leaf):
    path = tmp_path / "open.key"
    path.write_text(leaf.key.read_text())
    path.chmod(0o644)
    assert check.warned(leaf.path, path) == (
        f"warning: {path}: every user of this machine can read the key; "
        "chmod 600 it\n")


# -- What handlers show, and whom they trust --


@pytest.fixture
def check_handler(tmp_path):
    """check-config of a handler's keys: what it says, and on which stream."""
    config = tmp_path / "klikitd.ini"

    def check(*keys, expect=1, env=None):
        config.write_text("[handler pos]\ntype = forward\n"
                          "url = https://127.0.0.1:9/\n" + "\n".join(keys))
        done = run("check-config", "-c", config, env={**KEY, **(env or {})})
        assert done.returncode == expect, done
        return (done.stdout if expect == 0 else done.stderr).decode()

    check.config = config
    return check


def test_a_handlers_pair_is_told_with_its_dates(check_handler, authority):
    client = authority.make("client2", sans=None, usage="clientAuth")
    out = check_handler(f"ca_file = {authority.root.path}",
                        f"client_certificate = {client.path}",
                        f"client_key = {client.key}", expect=0)
    assert f", trusts {authority.root.path}\n" in out
    assert re.search(rf"^  shows     {client.path}: for CN=client2; EC 256; 1 "
                     "in the file; valid from 20", out, re.M), out


def test_a_handlers_files_are_checked(check_handler, authority, leaf, deep):
    assert check_handler("ca_file = /none.pem") == (
        f"{check_handler.config}:4: handler.ca_file: /none.pem: cannot be "
        "read: No such file or directory\n")
    assert check_handler(
        f"client_certificate = {leaf.path}", f"client_key = {deep.key}",
        f"ca_file = {authority.root.path}").startswith(
            f"{check_handler.config}:5: handler.client_key: {deep.key}: does "
            "not match")
    old = authority.make("old-root", issuer=None, ca=True,
                         start="20200101000000Z", end="20210101000000Z")
    assert ("handler.ca_file: " + str(old.path) + ": its certificate is not "
            "valid at this time") in check_handler(f"ca_file = {old.path}")


def test_a_system_without_roots_is_told(check_handler, tmp_path):
    empty = tmp_path / "roots.pem"
    empty.write_text("")
    err = check_handler(env={"SSL_CERT_FILE": str(empty)})
    assert err == (
        f"{check_handler.config}:3: handler.url: https needs trusted "
        f"certificates, of the system or a ca_file: {empty}: has no "
        "certificate that can be read\n")


# -- Watched while it serves --

DAY = datetime.timedelta(days=1)


def until(days):
    """An end, so many days from now."""
    end = datetime.datetime.now(datetime.timezone.utc) + days * DAY
    return end.strftime("%Y%m%d%H%M%SZ")


@pytest.fixture
def served(klikitd, tmp_path):
    """A server with a pair of its own, which can be replaced."""
    place = tmp_path / "tls"
    place.mkdir()
    config = (f"[http]\nlisten = 127.0.0.1:0\n[tls]\ncertificate = "
              f"{place}/cert.pem\nkey = {place}/key.pem\n")

    def put(cert):
        (place / "cert.pem").write_text(cert.text)
        (place / "key.pem").write_text(cert.key.read_text())
        (place / "key.pem").chmod(0o600)

    def start(cert):
        put(cert)
        return klikitd(config=config)

    start.put = put
    return start


def hup(server, line):
    """Reload, and wait for the end of it."""
    count = len(re.findall(line, server.log()))
    os.kill(server.pid, signal.SIGHUP)
    server.wait_log(line, count + 1)


def warned(server):
    return re.findall(r"certificate of server: .*", server.log())


def test_what_expires_soon_is_told_once_per_start_and_reload(served,
                                                             authority):
    server = served(authority.make("soon", end=until(5.5)))
    server.expect("certificate of server")
    server.wait_log(r"warn.*certificate of server: \S+/cert\.pem: expires in "
                    r"5 days, at 20\S+Z: replace it, then reload \(HUP\)")
    hup(server, "reload: done")
    server.wait_log("certificate of server", 2)
    served.put(authority.make("later"))
    hup(server, "reload: done")
    server.stop()
    assert len(warned(server)) == 2


def test_a_reload_to_an_expired_one_is_refused(served, authority, leaf):
    server = served(leaf)
    server.expect("reload: ")
    served.put(authority.make("gone", start="20200101000000Z",
                              end="20210101000000Z"))
    hup(server, "reload: refused")
    server.wait_log(r"reload: .*tls\.certificate: .*cert\.pem: the "
                    r"certificate of CN=gone expired at 2021")
    served.put(leaf)
    hup(server, "reload: done")
    server.stop()
    assert warned(server) == []


def test_an_expired_one_does_not_keep_it_from_starting(served, authority):
    """The clock may be what is wrong, and the kitchen must be served."""
    old = authority.make("over", start="20200101000000Z",
                         end="20210101000000Z")
    server = served(old)
    server.expect("certificate of server")
    server.wait_log(r"error.*certificate of server: .* expired at 2021")
    hup(server, "reload: done")  # it is no worse than before
    assert len(warned(server)) == 2


def test_what_is_odd_about_a_pair_is_told_at_the_start(served, authority):
    server = served(authority.make("weak2", kind="rsa1024"))
    server.expect("is weak")
    server.wait_log(r"warn.*cert\.pem: the key of CN=weak2 is weak")


def test_a_handlers_certificate_is_watched_as_well(klikitd, authority):
    cert = authority.make("shown", sans=None, usage="clientAuth",
                          end=until(0.5))
    server = klikitd(config=(
        "[handler pos]\ntype = forward\nurl = https://127.0.0.1:9/\n"
        f"ca_file = {authority.root.path}\nclient_certificate = {cert.path}\n"
        f"client_key = {cert.key}\n"))
    server.expect("certificate of handler pos")
    server.wait_log(r"warn.*certificate of handler pos: \S+shown\.pem: "
                    "expires in 1[12] hours, at")
