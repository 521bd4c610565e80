import re

import pytest
from firelake.compact import casting
from firelake.raw import explode, records, salvage
from firelake.spec.dataset import Column, Dataset, Raw
from firelake.spec.load import PROJECT_ROOT
from firelake.spec.reference import dataset_reference
from pydantic import BaseModel

REFERENCE = PROJECT_ROOT / "docs" / "reference" / "dataset.md"


def test_the_reference_is_what_the_models_say() -> None:
    written = REFERENCE.read_text(encoding="utf-8")
    assert written == dataset_reference(), (
        "docs/reference/dataset.md is out of date; run "
        "`.venv/bin/python -m firelake.spec.reference > docs/reference/dataset.md`"
    )


@pytest.mark.parametrize("model", [Dataset, Raw, Column])
def test_every_key_is_explained(model: type[BaseModel]) -> None:
    reference = dataset_reference()
    for name in model.model_fields.keys() - {"name"}:
        assert re.search(rf"^\| `{name}` \| .+ \|", reference, re.MULTILINE), name


@pytest.mark.parametrize(
    "reason",
    [
        casting.WRONG_TYPE,
        casting.MISSING_REQUIRED,
        casting.TOO_LATE,
        casting.IN_FUTURE,
        salvage.MALFORMED,
        salvage.INVALID_UTF8,
        salvage.NOT_AN_OBJECT,
        records.RECORD_TOO_LARGE,
        explode.NOTHING_TO_EXPLODE,
    ],
)
def test_every_reason_is_explained(reason: str) -> None:
    assert f"| `{reason}` |" in dataset_reference()
