"""The page about quality lists what is supported, and its pictures are there."""

from __future__ import annotations

import re

from firelake.quality.predicates import QUARANTINABLE
from firelake.quality.supported import SUPPORTED
from firelake.spec.load import PROJECT_ROOT

PAGE = PROJECT_ROOT / "docs" / "quality.md"


def test_the_table_of_expectations_is_complete() -> None:
    rows = re.findall(
        r"^\| `(expect_\w+)` \| .* \| (yes|no) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert dict(rows) == {name: "yes" if name in QUARANTINABLE else "no" for name in SUPPORTED}


def test_every_picture_is_there_and_small() -> None:
    pictures = re.findall(r"!\[[^\]]+\]\((images/[^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert pictures
    assert all((PAGE.parent / picture).stat().st_size < 200_000 for picture in pictures)
