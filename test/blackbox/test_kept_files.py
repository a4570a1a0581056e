"""Files beside the store that hold customers' data outside of it."""

import json
import os
import time

import pytest

from conftest import payload, received

pytestmark = pytest.mark.sqlite("files beside the store")

BODY = payload("created-small.json")
OLD = time.time() - 40 * 86400
STAMP = "20260101-000000"
COPIES = ["before-v3", "before-v4.new", "before-v4.new-journal",
          "restoring.tmp", "restoring.tmp-journal"]
ASIDE = [f"damaged-{STAMP}", f"damaged-{STAMP}-wal", f"rescued-{STAMP}",
         f"rescued-{STAMP}.2", f"aside-{STAMP}-wal"]
OTHERS = ["before-v", "before-vacation", "damaged-", "damaged-by-hand",
          f"rescued-{STAMP}.txt", "backup", "aside"]


def make(server, names, at=OLD):
    for name in names:
        path = server.directory / f"klikitd.db.{name}"
        path.write_text("a customer")
        os.utime(path, (at, at))


def there(server, names):
    return [name for name in names
            if (server.directory / f"klikitd.db.{name}").exists()]


@pytest.fixture(params=["served", "alone"])
def store(request, klikitd):
    server = klikitd()
    received(server.post(BODY, "e1"))
    server.wait_processed()
    if request.param == "alone":
        server.stop()
    return server


def test_copies_go_by_age_and_with_an_order(store):
    make(store, COPIES)
    make(store, OTHERS)
    make(store, ["before-v5"], time.time())
    store.do("purge", "--older-than", "30d")
    assert there(store, COPIES) == []
    assert there(store, ["before-v5"]) and there(store, OTHERS) == OTHERS
    order, = store.query("SELECT order_id FROM event_orders")
    store.do("purge", "--order", order[0])
    assert there(store, ["before-v5"]) == []
    assert there(store, OTHERS) == OTHERS


def test_what_was_set_aside_goes_only_when_it_is_said(store):
    make(store, ASIDE + OTHERS)
    order, = store.query("SELECT order_id FROM event_orders")
    for flags in (("--older-than", "30d"), ("--order", order[0])):
        store.do("purge", *flags, expect=1)
        assert "5 files set aside beside the store may hold it" in store.said
        assert "klikitd purge --set-aside" in store.said
        assert there(store, ASIDE) == ASIDE
    found = [f for f in map(json.loads, store.do(
        "doctor", "--json", "--no-network", expect=None).splitlines())
        if "--set-aside" in (f["advice"] or "")]
    assert len(found) == 5
    assert all(any(f"klikitd.db.{name}:" in f["text"] for f in found)
               for name in ASIDE)
    assert "purged 5 files" in store.do("purge", "--set-aside")
    assert there(store, ASIDE) == [] and there(store, OTHERS) == OTHERS
    store.do("purge", "--order", order[0])


def test_young_ones_are_no_concern_of_an_age(store):
    make(store, ASIDE, time.time())
    store.do("purge", "--older-than", "30d")
    assert there(store, ASIDE) == ASIDE
