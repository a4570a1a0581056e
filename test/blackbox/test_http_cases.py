"""The table of requests that servers disagree on."""

import re

import pytest

from http_cases import OWN, PROBE
from wire import Wire


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    """One server for all of them."""
    from conftest import Klikitd
    server = Klikitd(tmp_path_factory.mktemp("cases")).start()
    yield server
    server.stop()
    server.check_log()


def answers(wire):
    return [int(status) for status in
            re.findall(rb"HTTP/1\.[01] (\d+) ", wire.left)]


@pytest.mark.parametrize("case", PROBE + OWN, ids=lambda case: case[0])
def test_answer(one, case):
    name, raw, statuses, section, why = case
    assert section.startswith("RFC ")
    with Wire(one) as wire:
        wire.send(raw.encode("latin-1"))
        while len(answers(wire)) < len(statuses) and wire.more():
            pass
        wire.half_close().closed()  # nor does another answer come
        said = wire.left.decode("latin-1")
        got = answers(wire)
    assert got == statuses, (section, why)
    if statuses[-1] >= 400 and statuses[-1] not in (404, 405):
        assert "Connection: close" in said
    assert statuses[-1] != 405 or "Allow: GET, HEAD" in said


def test_as_many_are_our_own():
    assert len(OWN) >= len(PROBE)
    assert len({case[0] for case in PROBE + OWN}) == len(PROBE + OWN)
