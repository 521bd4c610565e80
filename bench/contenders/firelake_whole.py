"""Firelake: ``compact()`` as the DAGs run it, over a lake that is a folder."""

from __future__ import annotations

from pathlib import Path

from firelake.compact.engine import compact
from firelake.periods import Grain, Period
from firelake.spec.load import load_dataset

from bench.contenders.objects import folders
from bench.folder_lake import MemoryCatalog, folder_lake
from bench.telemetry import DAY

_SPEC = Path("include/datasets/iot_device_telemetry.yaml")


def main() -> None:
    """Run the job."""
    raw, out = folders()
    dataset = load_dataset(_SPEC)
    with folder_lake(raw, out, dataset, MemoryCatalog()) as lake:
        stage = compact(lake, dataset, Period(DAY, Grain.DAY), "bench")
    print(stage.accounting.model_dump_json())


if __name__ == "__main__":
    main()
