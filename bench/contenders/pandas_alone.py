"""pandas as awswrangler users write it: records decoded one by one, because lines are needed to read JSON.

awswrangler itself reads and writes S3 only; what it does with the data is this.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from bench.contenders.objects import contents, folders

_NAMES = {
    "id_device": "device_id",
    "timestamp": "measured_at",
    "temperature": "temperature_c",
    "cpu": "cpu_load",
    "ram": "ram_load",
    "hd": "disk_load",
    "timestamp_sent": "sent_at",
}
_TYPES = {"device_id": "int32", "temperature_c": "int32"}


def _records(text: str) -> Iterator[dict[str, Any]]:
    decoder = json.JSONDecoder()
    position = 0
    while position < len(text):
        record, position = decoder.raw_decode(text, position)
        yield record


def main() -> None:
    """Run the job."""
    raw, out = folders()
    frames = [pd.DataFrame(_records(body.decode())) for body in contents(raw)]
    rows = pd.concat(frames, ignore_index=True).rename(columns=_NAMES).astype(_TYPES)
    rows["measured_at"] = pd.to_datetime(rows["measured_at"], format="ISO8601")
    rows["sent_at"] = pd.to_datetime(rows["sent_at"], format="%Y-%m-%d %H")
    rows = rows.drop_duplicates().sort_values(["device_id", "measured_at"])
    rows.to_parquet(out / "rows.parquet", compression="zstd", index=False)


if __name__ == "__main__":
    main()
