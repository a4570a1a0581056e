"""The recipes of the guides are run as they stand there: backup and restore,
the cookbook of handlers, HTTPS directly, the renewal of a certificate."""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time

import pytest

from certificates import Authority
from conftest import (BINARY, DEADLINE, ROOT, duplicate, own, payload,
                      received, run)
from https import client
from unpacked import free_port, listens

pytestmark = [pytest.mark.once, pytest.mark.sqlite("the guides are about it")]

DOCS = ROOT / "server" / "docs"
SMALL = payload("created-small.json")


def block(guide, language):
    """The one block of that language in a guide."""
    found, = re.findall(rf"^```{language}\n(.*?)^```$",
                        (DOCS / guide).read_text(), re.M | re.S)
    return found


def put(text, *changes):
    """What a guide says of its machine, said of this one."""
    for old, new in changes:
        assert text.count(old) == 1, f"the guide does not have: {old}"
        text = text.replace(old, str(new))
    return text


def script(path, text):
    path.write_text(text)
    path.chmod(0o755)
    return path


# -- operate.md --


@pytest.fixture
def shell(tmp_path):
    """Runs a block in a server's folder, with klikitd in PATH."""
    home = tmp_path / "bin"
    home.mkdir()
    script(home / "klikitd", f'#!/bin/sh\nexec "{BINARY}" "$@"\n')

    def do(server, text):
        env = {"PATH": f"{home}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-eu", "-c", text], cwd=server.directory,
                              env=env, capture_output=True, text=True)
        assert done.returncode == 0, done
        return done.stdout

    return do


def test_backup_and_restore_as_the_guide_has_them(klikitd, shell):
    server = klikitd()
    received(server.post(own(SMALL, "first-event"), "first-event"))
    server.wait_processed()
    shell(server, block("operate.md", "sh-backup"))
    received(server.post(own(SMALL, "second-event"), "second-event"))
    server.wait_processed()
    # It is looked at elsewhere, beside the server.
    listed = shell(server, block("operate.md", "sh-try"))
    assert "first-event" in listed and "second-event" not in listed
    server.stop()
    shell(server, block("operate.md", "sh-restore"))
    aside = list(server.directory.glob("klikitd.db.damaged-*"))
    assert len(aside) == 1
    server.expect("set aside", "damaged-")
    server.start()
    duplicate(server.post(own(SMALL, "first-event"), "first-event"))
    received(server.post(own(SMALL, "second-event"), "second-event"))
    server.wait_processed()
    shell(server, block("operate.md", "sh-aside"))
    assert list(server.directory.glob("klikitd.db.damaged-*")) == []
    shell(server, block("operate.md", "sh-purge"))
    assert server.query("SELECT count(*) FROM bodies") == [(0,)]


# -- handlers.md --


def test_the_pos_of_the_cookbook_takes_each_order_once(klikitd, tmp_path):
    (tmp_path / "pos.py").write_text(block("handlers.md", "python-pos"))
    port = free_port()
    pos = subprocess.Popen([sys.executable, "pos.py", str(port)], cwd=tmp_path,
                           stdout=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + DEADLINE
        while not listens(port):
            assert pos.poll() is None and time.monotonic() < end
            time.sleep(0.02)  # nothing else says so to another process
        server = klikitd(config=put(
            block("handlers.md", "ini-pos"), ("127.0.0.1:9000",
                                              f"127.0.0.1:{port}"),
            ("/usr/local/bin/ring", "/bin/true"), ("5s, 30s", "1s, 30s")))
        received(server.post(payload("created-batch-5.json"), "e1"))
        server.wait_processed()
        # Done again by hand it has the same keys, and nothing is new.
        server.do("replay", "e1", "--handler", "pos")
        server.wait_query("SELECT count(*) FROM jobs WHERE replay_of IS NOT "
                          "NULL AND state = 'done'", [(5,)])
    finally:
        pos.terminate()
        printed = pos.communicate()[0].splitlines()
    assert len(printed) == len(set(printed)) == 5
    assert all(re.fullmatch(r"new order \d+", line) for line in printed)


def test_the_printer_of_the_cookbook_prints(klikitd, tmp_path):
    """Without a printer it is tried again; what is no order is dead."""
    lp = script(tmp_path / "lp", "#!/bin/sh\nprintf '%s\\n' \"$@\" >>printed\n"
                "for paper; do :; done\ncat \"$paper\" >>printed\n")
    text = put(block("handlers.md", "sh-printer"), ("lp -d", f"{lp} -d"))
    program = script(tmp_path / "print-order", text)
    env = {**os.environ, "KLIKIT_EVENT_ID": "e1"}

    def printing(body):
        return subprocess.run([program], input=body, cwd=tmp_path, env=env,
                              capture_output=True).returncode

    assert printing(b"no order") == 65
    lp.chmod(0o644)
    assert printing(SMALL) == 75
    lp.chmod(0o755)
    server = klikitd(config=put(block("handlers.md", "ini-printer"),
                                ("/usr/local/bin/print-order", program)))
    received(server.post(SMALL, "e1"))
    server.wait_processed()
    server.stop()
    printed = (server.directory / "printed").read_text()
    assert "Order GF-1001\n1 x Es Teh Manis\n" in printed
    assert "kitchen\n-t\ne1\n" in printed


@pytest.mark.parametrize("language", ["ini-pos", "ini-printer", "ini-queue"])
def test_what_the_cookbook_configures_is_right(tmp_path, language):
    """But for programs that are not here."""
    text = put(block("handlers.md", language), *(
        [("/usr/local/bin/ring", "/bin/true")] if language == "ini-pos" else
        [("/usr/local/bin/print-order", "/bin/true")]
        if language == "ini-printer" else []))
    (tmp_path / "klikitd.ini").write_text(text)
    done = run("check-config", "-c", "klikitd.ini", cwd=tmp_path,
               env={"KLIKIT_WEBHOOK_SECRET": "s"})
    assert done.returncode == 0, done


# -- deploy.md, certificates.md --


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("recipes"))


def shown(server, context):
    """The certificate that the server shows."""
    with socket.create_connection(("127.0.0.1", server.port)) as sock, \
            context.wrap_socket(sock, server_hostname="localhost") as tls:
        return ssl.DER_cert_to_PEM_cert(tls.getpeercert(True)).strip()


def test_https_directly_and_a_renewal_by_the_hook(klikitd, authority,
                                                  tmp_path):
    """The hook of the guide, as certbot calls it: no connection is lost."""
    old, new = authority.make("old"), authority.make("new")
    lineage = tmp_path / "live"
    etc = tmp_path / "etc"
    lineage.mkdir()
    etc.mkdir()

    def issue(pair):
        (lineage / "fullchain.pem").write_text(pair.path.read_text())
        (lineage / "privkey.pem").write_text(pair.key.read_text())

    server = klikitd(start=False, config=put(
        block("deploy.md", "ini-direct"), ("*:443", "127.0.0.1:0"),
        ("/etc/klikitd/cert.pem", etc / "cert.pem"),
        ("/etc/klikitd/key.pem", etc / "key.pem")))
    tools = tmp_path / "tools"
    tools.mkdir()
    script(tools / "systemctl", "#!/bin/sh\ntest \"$*\" = 'reload klikitd'\n"
           f"test ! -e {tmp_path}/pid || kill -HUP $(cat {tmp_path}/pid)\n")
    hook = script(tmp_path / "hook", put(
        block("certificates.md", "sh-hook"), ("to=/etc/klikitd", f"to={etc}"),
        ("-g klikitd", f"-g {os.getgid()}")))

    def renewed():
        subprocess.run([hook], check=True, env={
            "PATH": f"{tools}:{os.environ['PATH']}",
            "RENEWED_LINEAGE": str(lineage)})

    issue(old)
    renewed()
    server.tls = client(authority)
    server.start()
    (tmp_path / "pid").write_text(str(server.pid))
    conn = server.connect()
    for name, body in (("created-large", payload("created-large.json")),
                       ("created-unicode", payload("created-unicode.json"))):
        received(server.post(body, name, connection=conn))
    assert shown(server, server.tls) == old.path.read_text().strip()
    issue(new)
    renewed()
    server.wait_log("reload: done")
    assert shown(server, server.tls) == new.path.read_text().strip()
    # The connection of before goes on.
    received(server.post(SMALL, "small", connection=conn))
    conn.close()
    # One that does not fit its key leaves the one that is in force.
    (lineage / "privkey.pem").write_text(old.key.read_text())
    server.expect("reload: refused", "reload: ")
    renewed()
    server.wait_log("reload: refused")
    assert shown(server, server.tls) == new.path.read_text().strip()
    received(server.post(payload("created-typical.json"), "typical"))
    assert json.loads(server.get("/healthz")[1])
