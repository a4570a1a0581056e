"""A handler of type redis set up: TLS, what doctor and check-config say."""

import pytest

from brokers import redis_server  # noqa: F401 (fixtures)
from certificates import Authority
from conftest import SECRET, run
from redis_case import RIGHTS, login, section, send, users, wait_done


# -- TLS --

def test_tls(klikitd, redis_server, tmp_path):  # noqa: F811
    authority = Authority(tmp_path / "pki")
    redis = redis_server(tls=authority.make("redis"))
    trusts = f"ca_file = {authority.root.path}"
    server = klikitd(config=section(redis.url(), trusts))
    send(server, "e4")
    wait_done(server, 1)
    assert redis("XLEN", "orders") == 1


def test_tls_with_another_name(klikitd, redis_server, tmp_path):  # noqa: F811
    authority = Authority(tmp_path / "pki")
    redis = redis_server(start=False, tls=authority.make(
        "redis", sans="DNS:other.example"))
    redis.tls.check_hostname = False
    redis.start()
    server = klikitd(config=section(redis.url(),
                                    f"ca_file = {authority.root.path}"))
    server.expect("retry in", "failed in a row")
    send(server, "e5")
    server.wait_log("retry in.*the certificate is for another name")
    assert redis("XLEN", "orders") == 0


def test_tls_where_there_is_none(klikitd, redis_server):  # noqa: F811
    redis = redis_server()
    url = redis.url().replace("redis:", "rediss:")
    server = klikitd(config=section(url, "timeout = 300ms"))
    server.expect("retry in", "failed in a row")
    send(server, "e6")
    server.wait_log("retry in.*TLS")


# -- What doctor says --

def tried(config, tmp_path, *args):
    """check-config: its exit code, what is fine, what it says of the rest."""
    (tmp_path / "k.ini").write_text(config)
    done = run("check-config", "-c", tmp_path / "k.ini", *args,
               env={"KLIKIT_WEBHOOK_SECRET": SECRET.decode()})
    assert b"Sanitizer" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_doctor_is_content(redis_server, tmp_path):  # noqa: F811
    redis = redis_server()
    code, fine, wrong = tried(section(redis.url()), tmp_path, "--network")
    assert code == 0 and "kitchen" not in wrong
    for line in ("connected and logged in", "it is a master",
                 "stream orders is not there yet; the first entry makes it",
                 "entries may be added", "it throws nothing away",
                 "it keeps an append-only file",
                 "a power failure takes the last second or two"):
        assert f"tried       kitchen: {line}" in fine
    assert redis("KEYS", "*") == []  # it only looked
    redis.restart()
    assert redis("KEYS", "*") == []


def test_doctor_warns(redis_server, tmp_path):  # noqa: F811
    redis = redis_server(appendonly="no", maxmemory="100mb",
                         maxmemory_policy="allkeys-lru")
    code, fine, wrong = tried(section(redis.url(), "maxlen = 1000"), tmp_path,
                              "--network")
    assert code == 0
    for text in ("with maxlen the oldest entries are dropped",
                 "it may delete the stream (maxmemory-policy allkeys-lru); "
                 "set maxmemory-policy noeviction",
                 "it keeps no append-only file"):
        assert text in wrong
    assert "appendfsync" not in fine + wrong


def test_doctor_finds_what_is_wrong(redis_server, tmp_path):  # noqa: F811
    redis = redis_server(users=users(RIGHTS.replace("+xadd ", "")))

    def finds(config, text):
        code, fine, wrong = tried(config, tmp_path, "--network")
        assert code == 1 and text in wrong, wrong
        assert "hush-hush" not in fine + wrong
        return fine

    fine = finds(login(redis, tmp_path),
                 "no right to add; its user needs +xadd")
    assert "maxmemory-policy: not for this user to see" in fine
    finds(login(redis, tmp_path, "wrong"),
          "it answered WRONGPASS: wrong user or password")
    redis("SET", "orders", "mine")
    finds(section(redis.url()), "the key orders is there and is no stream")
    redis("DEL", "orders")
    redis("REPLICAOF", "127.0.0.1", "1")
    finds(section(redis.url()),
          "it is a replica, and takes no entries; name the master in url")
    redis.kill()
    finds(section(redis.url()), "refused")


@pytest.mark.parametrize("keys, wrong", [
    ("url = http://h/0\nstream = s", "handler.url: "),
    ("url = redis://user:pw@h/0\nstream = s", "handler.url: "),
    ("url = redis://h/one\nstream = s",
     "handler.url: ends in a database that is no number"),
    ("url = redis://h/0\nstream = a{",
     "handler.stream: has braces that are not around a part of it"),
    ("url = redis://h/0", "handler.stream: is missing"),
    ("stream = s", "handler.url: is missing"),
    ("url = redis://h/0\nstream = s\nca_file = /x", "handler.ca_file: "),
])
def test_what_the_configuration_refuses(tmp_path, keys, wrong):
    code, _, said = tried(f"[handler kitchen]\ntype = redis\n{keys}\n",
                          tmp_path)
    assert code == 1 and wrong in said and "pw" not in said, said
