"""The documentation of the DAGs that people operate the lake with."""

from __future__ import annotations

from collections.abc import Iterable

from firelake.layout import Lake, Zone
from firelake.spec import Dataset

_REBUILD = """\
Makes the rows of `{trusted}` of a range of **event days** anew from raw: after the spec, the suite or the
identity in `include/datasets/{name}.yaml` has changed. Owner: {owner}.

*Trigger*, give both days, and leave **Dry run** on: the rows are staged and judged, nothing is published, and
the log of `compact` says where every record went. Trigger again with **Dry run** off to publish.

| task | does | when it fails |
| --- | --- | --- |
| plan | finds the arrival periods that may hold records of the days: {skew} before to {lateness} after | \
its error says which day is none |
| compact, gate, publish, verify | as in `{name}__pipeline`, for all periods at once | as there; nothing is \
published before the gate has passed |
| go_ahead | ends a dry run: what follows is skipped | - |
| announce | tells which event partitions changed, so that their summaries follow | clear the task |

Readers see the old rows until the commit. Rows whose raw objects are gone (expired) stay as they are.
From a shell: `firelake rebuild {name} --since 2026-11-01 --until 2026-11-07 --dry-run`.
"""

_ROLLBACK = """\
Lets readers of `{trusted}` see an **earlier snapshot** again, for when a bad batch has been published.
Owner: {owner}.

*Trigger* it. `list_snapshots` shows in its log what there is to go back to, and how many raw objects each
takes back. With **Dry run** on, that is all. With it off, `approve` waits for a person (*Required Actions*),
who chooses the snapshot from a list and approves or rejects. Nothing has been changed until then.

| task | does | when it fails |
| --- | --- | --- |
| list_snapshots | lists them, and says what going back to **Snapshot** would do if the form names one | no \
such snapshot: its log names those there are |
| approve | asks a person; a rejection skips what follows | nobody answered for a day: trigger again |
| roll_back | quarantine, then rows (one commit), then ledger; Athena counts | retried; done twice it is the \
same. What quarantine held then may be expired: rebuild the days instead |
| announce | tells which event partitions changed, so that their summaries follow | clear the task |

Raw is not touched. Objects that were taken back are **held**: no run sweeps them up by itself, and
`lake__reconcile` names them until their arrival periods are run again, once the cause is gone (*Backfill* of
`{name}__pipeline`, reprocessing what completed). From a shell: `firelake rollback {name}`.
"""

_ACCEPT = """\
Publishes a batch that broke **critical** rules, because a steward says that it is right all the same. Unless
somebody does, it stays refused. Owner: {owner}.

*Trigger* it. `list_refused` shows in its log the batches that are still staged, the rules that they broke and
their reports. With **Dry run** on, that is all. With it off, `approve` waits for a person (*Required
Actions*), who chooses the batch and writes why. Who it was and why is a row `gate.accepted` of the table
`ops.quality_results`, beside the rules that failed.

| task | does | when it fails |
| --- | --- | --- |
| list_refused | lists them; skipped if there are none | the lake does not answer |
| approve | asks a steward; a rejection skips what follows | nobody answered for a day: trigger again |
| accept | writes down who and why | no reason was given, or a check could not be made: correct the suite |
| publish | as in `{name}__pipeline` | another run changed the days: the batch is staged and judged \
anew, and if it is refused again, accepted again |
| verify, announce | as in `{name}__pipeline` | as there |

If such batches come often, the rule is wrong: change the suite. From a shell: `firelake accept {name}`.
"""

_ERASE = """\
Erases the records in which a column with personal data (`pii: true`: {columns}) has one of the given values:
from raw, trusted, quarantine and the summaries that read `{name}`. Owner: {owner}.

*Trigger*, choose the **Column**, write the **Values** one a line, and leave **Dry run** on: the log of
`count` says what would go. With **Dry run** off, `approve` asks a person (*Required Actions*) first; then
there is no way back.

| task | does | when it fails |
| --- | --- | --- |
| count | reads every version of every raw object, and both tables; changes nothing | **archived**: restore \
the object first. **damaged**, or packed as it cannot be again: delete the object, if all of it may go |
| approve | asks a person; a rejection skips what follows | nobody answered for a day: trigger again |
| erase | rewrites raw, quarantine, trusted, ledger and summaries, expires all earlier snapshots, reads \
everything again and writes the proof | a retry finishes what is left. **Not proven clean** names what still \
holds a record: pause `{name}__pipeline`, wait an hour, trigger again |

Other records keep their bytes, positions and offsets: an erased one leaves a tombstone of its own length. A
raw object that was rewritten is the same object to the ledger. Records that cannot be read go if they hold a
value as a JSON text. The report (`erasures/` in the ops bucket) does not hold the values; Airflow keeps
them with the run: delete the run when the report is filed.

From a shell: `firelake erase {name} --column … --values-from FILE`.
"""

RECONCILE = """\
Compares, daily, the parts of the lake with each other. It changes nothing.

| task | compares | when it fails |
| --- | --- | --- |
| `listing_<dataset>` | every raw object with the ledger, and the ledger with the rows of trusted and \
quarantine | **forgotten**: run the period that the key names again (*Backfill* of the \
pipeline). **held**: a rollback took the object's records back; run its period again once the cause is gone. \
**wrong**: run the period again; if it stays wrong, somebody else changed the table. **stray**: move the \
object, or declare its prefix under `raw.exclude` |
| `count_<dataset>` | rows by event partition as Iceberg has them with Athena's count, for the dataset and \
its summaries | compare the snapshot named with the table's; run again |
| `catalog` | tables, locations and crawlers in Glue, and folders in the buckets, with what is declared | \
the error says what to do with each |

What arrived in the last day is left out: runs still to come take in what Firehose delivers late.
*Trigger* with **Arrival period** to look at some periods only. From a shell: `firelake reconcile` and
`firelake check-catalog`.
"""

MAINTENANCE = """\
Keeps tables and buckets small, weekly: expires snapshots that were replaced longer ago than the **grace**,
removes objects that no snapshot names, and joins small files. No reader that began within the grace loses
anything.

*Trigger* with **Dry run** to see in the logs what would be done. A shorter grace frees more, and leaves fewer
snapshots to roll back to; one below an hour is refused.

If a task fails, run it again: each step can be done twice. From a shell: `firelake maintain --apply`.
"""


def rebuild_runbook(dataset: Dataset) -> str:
    """Say what a rebuild does and what to do when a task fails."""
    return _REBUILD.format(
        name=dataset.name,
        owner=dataset.owner,
        trusted=f"{Lake.from_environment().database(Zone.TRUSTED)}.{dataset.name}",
        skew=dataset.max_skew,
        lateness=dataset.max_lateness,
    )


def rollback_runbook(dataset: Dataset) -> str:
    """Say what a rollback does and what to do when a task fails."""
    return _ROLLBACK.format(
        name=dataset.name,
        owner=dataset.owner,
        trusted=f"{Lake.from_environment().database(Zone.TRUSTED)}.{dataset.name}",
    )


def erase_runbook(dataset: Dataset, columns: Iterable[str]) -> str:
    """Say what an erasure does and what to do when a task fails."""
    return _ERASE.format(name=dataset.name, owner=dataset.owner, columns=", ".join(columns))


def accept_runbook(dataset: Dataset) -> str:
    """Say how a refused batch is accepted and what to do when a task fails."""
    return _ACCEPT.format(name=dataset.name, owner=dataset.owner)
