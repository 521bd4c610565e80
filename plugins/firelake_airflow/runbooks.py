"""The documentation of DAGs, from the declarations they are built of."""

from __future__ import annotations

from firelake.layout import Lake, Zone
from firelake.spec import Dataset
from firelake.summary.spec import Summary, SummaryPartition

_PIPELINE = """\
{description}

Declared in `include/datasets/{name}.yaml`; owner: {owner}.
One run takes one arrival {grain} (its partition key, such as `{example}`) from
`{raw}` to `{trusted}`.

| task | does | when it fails |
| --- | --- | --- |
| compact | reads the {grain}'s raw objects, casts, deduplicates, merges, stages Parquet nobody sees yet | \
its error names the object or the address; nothing was published |
| gate | evaluates `{suite}` over the staged files and writes the report | read the report, correct the \
source or the suite, run the {grain} again; a failed gate is not retried |
| publish | makes the staged files visible in one Iceberg commit | retried; readers see whole snapshots |
| announce | tells which event partitions changed, so that their summaries follow | clear the task |
| crawl | brings the Glue catalog's raw table up to date | retried; look at the crawler's log |
| verify | counts through Athena what was published | compare the error's snapshot with the table's |

**Records** older than {lateness} on arrival, or more than {skew} ahead of it, go to `{quarantine}`, as
does everything that cannot be read. `records in = trusted + duplicates + quarantined` is checked before
anything is published. More than {rate:.1%} in quarantine stops the run.

**Run it again** for days that have passed, from *Trigger, Backfill* or

```
airflow backfill create --dag-id {name}__pipeline --from-date 2026-11-20 --to-date 2026-11-21 \
--reprocess-behavior completed
```

Both dates are included. Running a {grain} again, in any order, gives the same rows.
"""

LIFECYCLE = """\
Writes the `lifecycle:` steps of every file in `include/datasets/` into the lifecycle rules of the lake's
buckets, daily. Rules that Firelake did not make stay as they are. What was written is read back and compared.

*Trigger* with **Dry run** to see in the log of `tier` what would change, without changing it.

If `tier` fails, its error names the file and line of the wrong declaration, or the bucket and rule that
differ. Nothing is lost by running it again.
"""

DRIFT = """\
Compares, daily and for every dataset, what arrived on the day before with the spec in
`include/datasets/`: the columns that the raw crawler inferred, and a sample of the records themselves.

Fields that are new, missing, of another type or under another name are in the log of `detect`, with a
proposal for the YAML, and rows of `{table}`. Nothing is changed by itself: review the proposal,
merge what is right into the dataset's file, and run the days again that need it.

*Trigger* with **Arrival period** to look at other days, such as `2026-11-20/2026-11-21`.
"""

_SUMMARY = """\
{description}

Declared in `include/sql/{name}_v{version}/`; owner: {owner}.
One run rebuilds one {grain} of `{database}.{name}`. Airflow starts it when {sources} has changed for
{reads}.

| task | does | when it fails |
| --- | --- | --- |
| stage | Athena runs `query.sql` and writes Parquet nobody sees yet | its error carries Athena's reason |
| gate | evaluates `{checks}` over the staged files and writes the report | read the report, correct the \
query or the source, run the {grain} again |
| publish | replaces the {grain} in one Iceberg commit | retried; readers see whole snapshots |
| announce | tells which partitions changed, so that what reads this table follows | clear the task |
| verify | counts through Athena what was published | compare the error's snapshot with the table's |

**Rebuild** a {grain} by *Trigger* with its partition key, or by running its sources again.
"""


def pipeline_runbook(dataset: Dataset) -> str:
    """Say what a dataset's pipeline does and what to do when a task fails."""
    lake = Lake.from_environment()
    grain = dataset.raw.arrival_period
    return _PIPELINE.format(
        description=dataset.description,
        name=dataset.name,
        owner=dataset.owner,
        grain=grain,
        example="2026-11-21T14" if grain.value == "hour" else "2026-11-21",
        raw=lake.table_location(Zone.RAW, dataset.raw.prefix),
        trusted=f"{lake.database(Zone.TRUSTED)}.{dataset.name}",
        quarantine=f"{lake.database(Zone.QUARANTINE)}.{dataset.name}",
        suite=dataset.quality.suite,
        lateness=dataset.max_lateness,
        skew=dataset.max_skew,
        rate=dataset.quality.max_quarantine_rate,
    )


def summary_runbook(summary: Summary) -> str:
    """Say what a summary's DAG does and what to do when a task fails."""
    table = summary.table
    return _SUMMARY.format(
        description=table.description,
        name=table.name,
        version=table.version,
        owner=table.owner,
        grain=table.partition.grain,
        database=Lake.from_environment().database(Zone.SUMMARY),
        reads=_reads(table.partition),
        sources=" or ".join(f"`trusted.{name}`" for name in table.sources),
        checks=table.checks,
    )


def _reads(partition: SummaryPartition) -> str:
    """Say of which periods a partition is made."""
    others = [f"{abs(place)} {'before' if place < 0 else 'after'}" for place in partition.reads if place]
    return f"that {partition.grain}" + (f", or one of those {' and '.join(others)} it" if others else "")
