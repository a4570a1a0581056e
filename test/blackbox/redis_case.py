"""What the tests of the type redis share."""

import itertools

from conftest import received
from load import order_body

RETRY = "retry = 50ms, 100ms, 200ms"
SECRET_FILE = "redis-secret"
OK = b"+OK\r\n"
ORDERS = itertools.count(1000)


def section(url, more=""):
    return (f"[handler kitchen]\ntype = redis\nevents = *\nurl = {url}\n"
            f"stream = orders\n{RETRY}\n{more}\n")


def send(server, event_id, pad=0):
    """An order that nobody has seen before."""
    received(server.post(order_body(next(ORDERS), note=event_id, pad=pad),
                         event_id))


def outcomes(server):
    return [row[0] for row in server.query(
        "SELECT outcome FROM attempts ORDER BY job, number")]


def wait_outcome(server, text):
    """Until an attempt has ended so."""
    server.wait_query("SELECT count(*) > 0 FROM attempts WHERE "
                      f"outcome LIKE '%{text}%'", [(1,)])


def job_states(server):
    return server.query("SELECT DISTINCT state FROM jobs")


def wait_done(server, count):
    server.wait_query(
        "SELECT count(*) FROM jobs WHERE state = 'done'", [(count,)])
    assert job_states(server) == [("done",)]


def users(rules):
    return {"shy": ("hush-hush", rules)}


RIGHTS = ("~orders ~{orders}:d:* +xadd +get +set +evalsha +script|load "
          "+client|setname")


def login(redis, tmp_path, password="hush-hush"):
    (tmp_path / SECRET_FILE).write_text(password + "\n")
    return section(redis.url("shy"),
                   f"password_file = {tmp_path / SECRET_FILE}")


def via(between):
    return f"redis://127.0.0.1:{between.port}"
