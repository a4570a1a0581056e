"""How often a secret lies in the memory of a server: no more often than it is
needed, and not where it was only read."""

import base64
import os
import pathlib
import re

import pytest

from conftest import payload, sign
from https import client, pki  # noqa: F401 (a fixture)
from root import needs_root

pytestmark = [needs_root, pytest.mark.sqlite("memory of the server alone")]
BODY = payload("created-small.json")
PAGE = 4096


def memory(pid):
    """What is written and present, region by region: (where, bytes)."""
    with open(f"/proc/{pid}/mem", "rb", 0) as mem, \
            open(f"/proc/{pid}/pagemap", "rb", 0) as pages:
        for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, _, _, _, *name = line.split(maxsplit=5)
            if not rights.startswith("rw") or name[:1] == ["[vvar]"]:
                continue
            start, end = (int(number, 16) for number in span.split("-"))
            yield from present(mem, pages, start, end, name)


def present(mem, pages, start, end, name):
    """Its runs of pages that are there: a sanitizer maps terabytes."""
    if end - start > 1 << 36:
        return  # a sanitizer's own notes
    run = None
    for at in range(start, end, PAGE << 12):
        count = min((end - at) // PAGE, 1 << 12)
        flags = os.pread(pages.fileno(), count * 8, at // PAGE * 8)
        for i in range(count):
            here = flags[i * 8 + 7] & 0xc0 if len(flags) > i * 8 + 7 else 0
            place = at + i * PAGE
            if here and run is None:
                run = place
            elif not here and run is not None:
                yield name, read(mem, run, place)
                run = None
    if run is not None:
        yield name, read(mem, run, end)


def read(mem, start, end):
    mem.seek(start)
    return mem.read(end - start)


def copies(pid, secret):
    return sum(len(re.findall(re.escape(secret), data))
               for _, data in memory(pid))


def put(folder, name, data):
    path = folder / name
    path.write_bytes(data)
    path.chmod(0o600)
    return path


def test_a_secret_of_klikit_lies_only_where_it_is_used(klikitd, tmp_path):
    """In the configuration, which a reload compares; among the secrets; among
    the keys of the diagnosis. Not where it was read from the file, and a
    reload, which reads it anew, leaves none behind."""
    secret = b"k9-Tz0q-secret-that-is-nowhere-else-4711"
    file = put(tmp_path, "secret", secret + b"\n")
    server = klikitd(secret=None, config=f"[klikit]\nsecret_file = {file}\n")
    server.secret = secret
    server.expect("delivery ", "rejection", "does not match")
    assert server.deliver(BODY)[0] == 200
    assert server.deliver(BODY, signature=sign(b"other", secret))[0] == 401
    server.wait_log("delivery ")
    first = copies(server.pid, secret)
    assert 1 <= first <= 3
    for _ in range(3):
        server.reload()
    assert copies(server.pid, secret) <= first
    os.rename(file, tmp_path / "aside")
    put(tmp_path, "secret", b"another secret of klikit, after a while")
    server.reload()
    assert copies(server.pid, secret) == 0


def test_a_secret_of_the_environment_is_kept_once_more(klikitd):
    """For the next reload, in place of the environment."""
    secret = b"k9-Tz0q-secret-of-the-environment-4711"
    server = klikitd(secret=secret)
    assert server.deliver(BODY)[0] == 200
    assert 1 <= copies(server.pid, secret) <= 4


def test_the_token_of_the_operator(klikitd, tmp_path):
    token = b"t0-Tz0q-token-that-is-nowhere-else-4711"
    file = put(tmp_path, "token", token)
    server = klikitd(config=(f"[admin]\nlisten = 127.0.0.1:0\n"
                             f"token_file = {file}\n"))
    for _ in range(3):
        server.reload()
    assert 1 <= copies(server.pid, token) <= 2


def test_the_key_of_the_certificate_is_not_kept_as_text(klikitd, pki,
                                                        tmp_path):
    chain = put(tmp_path, "chain.pem", (pki.directory / "ec.chain").read_bytes())
    text = (pki.directory / "ec.key").read_bytes()
    key = put(tmp_path, "key.pem", text)
    server = klikitd(config=f"[tls]\ncertificate = {chain}\nkey = {key}\n")
    server.tls = client(pki)
    assert server.deliver(BODY)[0] == 200
    for _ in range(2):
        server.reload()
    lines = [line for line in text.splitlines() if b"-----" not in line]
    assert copies(server.pid, lines[0]) == 0
    # Nor as what the text stands for; the parsed number has its own form.
    der = base64.b64decode(b"".join(
        text[text.index(b"-----BEGIN EC PRIVATE"):].splitlines()[1:-1]))
    assert copies(server.pid, der[:40]) == 0


def test_a_secret_that_a_handler_signs_with(klikitd, tmp_path):
    secret = b"h3-Tz0q-secret-of-a-handler-4711-4711-4711"
    file = put(tmp_path, "pos-secret", secret)
    server = klikitd(config=(
        "[handler pos]\ntype = forward\nurl = http://127.0.0.1:9/\n"
        f"sign_secret_file = {file}\nevents = klikit.none\n"))
    for _ in range(3):
        server.reload()
    assert 1 <= copies(server.pid, secret) <= 3
