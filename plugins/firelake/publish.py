"""Publishing: one commit makes staged files visible; the ledger then says so."""

from __future__ import annotations

from firelake import iceberg
from firelake.layout import Lake, Zone, stage_key, uri
from firelake.ledger import Ledger, sequence_number_of
from firelake.outcome import Published, Stage
from firelake.periods import Grain
from firelake.spec import Dataset
from firelake.storage import Bucket
from firelake.tables import quarantine, trusted


def save_stage(lake: Lake, stage: Stage) -> str:
    """Write a run's stage into the lake, for the gate and the commit; return its address."""
    bucket, key = lake.bucket(Zone.OPS), stage_key(stage.dataset, stage.run_id)
    Bucket(bucket).write(key, stage.model_dump_json().encode())
    return uri(bucket, key)


def publish(lake: Lake, dataset: Dataset, stage: Stage, stage_uri: str) -> Published:
    """Make a stage visible. Doing it again changes nothing.

    Refused records become visible first, so that no row is trusted whose neighbours are nowhere.

    Raises
    ------
    firelake.iceberg.StaleBase
        If another run changed a partition since staging; the run must stage again.
    """
    properties = {iceberg.COMMIT_PROPERTY: stage.run_id, iceberg.STAGE_PROPERTY: stage_uri}
    refused = quarantine(dataset)
    iceberg.replace_partitions(
        refused.load(lake), stage.quarantine, refused.partition_column, Grain.DAY, properties
    )
    declaration = trusted(dataset)
    table = declaration.load(lake)
    snapshot = iceberg.replace_partitions(
        table, stage.trusted, declaration.partition_column, declaration.grain, properties
    )
    ledger = Ledger(lake, dataset)
    if stage.run_id not in ledger.catch_up():
        ledger.record(stage, sequence_number_of(table))
    rows = dict.fromkeys(stage.trusted.partitions, 0)
    for file in stage.trusted.files:
        rows[file.partition] += file.rows
    return Published(
        dataset=stage.dataset,
        period=stage.period,
        run_id=stage.run_id,
        snapshot_id=snapshot.snapshot_id if snapshot else None,
        rows=rows,
        accounting=stage.accounting,
    )
