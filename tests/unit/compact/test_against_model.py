"""Any objects, in any order and grouping of runs, end in the rows that the plain model says."""

from __future__ import annotations

import itertools
import json
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.compact.lake import NOON, SUITES, MemoryBucket, MemoryLake, dataset, gzipped, key_of
from tests.unit.compact.model import expected

IDENTITIES = {"content": "content", "position": "position", "device": ("device",)}

# Few values, so that equal records are common: in one object, across objects, across runs.
records = st.fixed_dictionaries(
    {
        "d": st.sampled_from([1, 2, None, "x"]),
        "v": st.sampled_from([0.5, 1.5, None]),
        "t": st.sampled_from(
            [
                "2026-11-21T11:00:00",
                "2026-11-21T11:00:00.5",
                "2026-11-20T23:00:00",
                "2026-11-18T00:00:00",
                "2026-11-22T10:00:00",
                None,
            ]
        ),
        "l": st.sampled_from(["a", "}{", 'é"\\n', None]),
    }
)
# What stands between records and is none; each is one fragment, whatever its neighbours.
FRAGMENTS = {
    b'{"d": 1, "v': "malformed_json",
    b'{"d": tru}': "malformed_json",
    b'{"l": "\xff"}': "invalid_utf8",
    b" 42 ": "not_an_object",
    b"[1, 2]": "not_an_object",
}
items = st.lists(st.one_of(records, records, records, st.sampled_from(sorted(FRAGMENTS))), max_size=8).filter(
    lambda found: not any(isinstance(a, bytes) and isinstance(b, bytes) for a, b in itertools.pairwise(found))
)
objects = st.dictionaries(
    st.integers(0, 5),
    st.tuples(items, st.sampled_from([b"", b"\n", b"\r\n", b" \n"])),
    min_size=1,
    max_size=5,
)


def body_of(found: list[Any], separator: bytes) -> bytes:
    return separator.join(
        item if isinstance(item, bytes) else json.dumps(item, ensure_ascii=False).encode() for item in found
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(objects, st.sampled_from(sorted(IDENTITIES)), st.booleans(), st.data())
def test_runs_in_any_order_and_grouping_end_in_the_same_rows(
    found: dict[int, tuple[list[Any], bytes]], identity: str, quarantining: bool, data: st.DataObject
) -> None:
    keys = {number: key_of(number) for number in found}
    bucket = MemoryBucket(gzipped({keys[n]: body_of(*found[n]) for n in found}))
    groups = data.draw(st.lists(st.sets(st.sampled_from(sorted(found)), min_size=1), max_size=4))
    # Whatever runs did or did not take in before, in the end every object was processed.
    groups += [set(found) - set().union(*groups)]
    model = expected(
        [
            (
                keys[n],
                NOON - timedelta(hours=n),
                [FRAGMENTS.get(i, i) if isinstance(i, bytes) else i for i in found[n][0]],
            )
            for n in found
        ],
        identity,
        quarantining=quarantining,
    )
    suite = SUITES / ("readings_quarantining.json" if quarantining else "readings.json")
    spec = dataset(identity=IDENTITIES[identity], quality={"suite": str(suite)})
    with tempfile.TemporaryDirectory() as directory:
        lake = MemoryLake(spec, Path(directory), bucket)
        for group in groups:
            assert lake.run(keys[n] for n in group).balanced
        assert lake.rows() == model.rows
        rebuilt = MemoryLake(lake.spec, Path(directory) / "rebuilt", bucket)
        rebuilt.directory.mkdir()
        accounting = rebuilt.run(keys.values())
        assert rebuilt.rows() == model.rows
        assert accounting.duplicates == model.duplicates
        assert accounting.quarantined == dict(model.quarantined)
        assert accounting.records_in == sum(len(found[n][0]) for n in found)
