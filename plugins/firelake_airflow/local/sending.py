"""The demo's data: two days through Firehose, sent once and remembered."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import SystemRandom

from firelake import aws
from firelake.layout import Lake
from firelake.spec import Dataset
from pydantic import TypeAdapter

from firelake_airflow.local.processes import Say, StackError
from ingest.campaign import Campaign, Mix
from ingest.pace import SteppedClock
from ingest.profiles import PROFILES
from ingest.sender import Sender
from ingest.sent import Sent
from ingest.simulate import simulate
from ingest.stream import declare

_SENT = TypeAdapter(dict[str, Sent])
_SEED = 20261121
# Late records change days before, whose summaries follow: one dataset shows that.
_MIXES = {"menu_clicks": Mix(late=0)}


@dataclass(frozen=True)
class Sending:
    """What the demo sends.

    Parameters
    ----------
    path
        Where it is written down what was sent, so that a second demo does not send it again.
    clock_url
        The clock that Firehose goes by.
    days, records
        How many days, and how many events each dataset's source sends in all.
    """

    path: Path
    clock_url: str
    days: int
    records: int

    def ensure(self, lake: Lake, datasets: tuple[Dataset, ...], say: Say) -> dict[str, Sent]:
        """Send the data of every dataset, unless that is done; return what was sent, by dataset.

        Raises
        ------
        StackError
            If an earlier sending was interrupted: how much of it arrived, nobody knows. Or if it sent
            other datasets.
        """
        if self.path.exists():
            say(f"Sent before; {self.path} says what")
            sent = _SENT.validate_json(self.path.read_bytes())
            if sent.keys() != {dataset.name for dataset in datasets}:
                raise StackError(f"An earlier demo sent {', '.join(sent)}; begin anew: make clean demo")
            return sent
        begun = self.path.with_suffix(".begun")
        if begun.exists():
            raise StackError(
                "An earlier demo was interrupted while it sent data; begin anew: make clean demo"
            )
        begun.touch()
        sent = {dataset.name: self._send(lake, dataset, say) for dataset in datasets}
        self.path.write_bytes(_SENT.dump_json(sent, indent=2))
        begun.unlink()
        return sent

    def _send(self, lake: Lake, dataset: Dataset, say: Say) -> Sent:
        stream = declare(lake, dataset)
        end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        start = end - timedelta(days=self.days)
        mix = _MIXES.get(dataset.name, Mix())
        campaign = Campaign(PROFILES[dataset.name], dataset, start, end, self.records, _SEED, mix)
        sender = Sender(stream, aws.client("firehose"), SystemRandom())
        sent = simulate(campaign, sender, SteppedClock(self.clock_url), lambda _, __: None)
        say(f"Sent {sent.expected.records_in:,} records of {dataset.name} through Firehose stream {stream}")
        return sent
