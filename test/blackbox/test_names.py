"""Name servers and addresses that are dead, slow, refuse, truncate or hang."""

import json

import pytest

import names
from root import needs

pytestmark = [pytest.mark.once, needs("--mount", "--net")]


@pytest.mark.parametrize("first", names.ACTS)
def test_every_pair_of_name_servers(tmp_path, first):
    """AAAA is never answered, the first address hangs, timeout = 3s.

    Delivered by the first call or the next one, once; where both servers are
    of no use, by a try after one has come back. curl, which asks libc, is the
    reference for what can be reached (and takes some 25 s, in which it waits
    for an AAAA, so that it is asked once)."""
    report = names.look(tmp_path, first, hangs=True)
    for second in names.ACTS:
        outcomes = [outcome for (outcome,) in report[second]]
        assert outcomes[-1] == "done", (second, outcomes)
        if {first, second} & set(names.SERVE):
            assert len(outcomes) <= 2, (second, outcomes)
        assert not any("unknown" in o for o in outcomes), (second, outcomes)
    assert sorted(report["keys"]) == sorted(f"{first}-{second}"
                                            for second in names.ACTS)
    assert report.get("curl", 0) == 0
    (found,) = [json.loads(line) for line in report["doctor"].splitlines()
                if "pos.test" in line]
    assert found["level"] == "ok", found
