"""Running a campaign: deliver each step's records when their time has come, and count."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from itertools import groupby

from ingest.campaign import Campaign, deliveries
from ingest.pace import Pace
from ingest.sender import Sender
from ingest.sent import Sent, Tally

Progress = Callable[[datetime, int], None]


def simulate(campaign: Campaign, sender: Sender, pace: Pace, progress: Progress) -> Sent:
    """Send a whole campaign and say exactly what was sent.

    Parameters
    ----------
    campaign
        What to send.
    sender
        Where to.
    pace
        When.
    progress
        Told of each step's time and how many Firehose records were accepted so far.

    Returns
    -------
    Sent
        Counts by kind, and what the lake must make of them.
    """
    began = time.monotonic()
    tally = Tally()
    with pace:
        for step, group in groupby(
            deliveries(campaign), key=lambda delivery: (delivery.sent_at - campaign.start) // pace.step
        ):
            now = campaign.start + step * pace.step
            pace.reach(now)
            due = list(group)
            sender.send(delivery.payload for delivery in due)
            for delivery in due:
                tally.add(delivery, now)
            progress(due[-1].sent_at, sender.records)
        pace.reach(campaign.end)
    return Sent(
        dataset=campaign.dataset.name,
        stream=sender.stream,
        seed=campaign.seed,
        start=campaign.start,
        end=campaign.end,
        kinds={str(kind): count for kind, count in sorted(tally.kinds.items())},
        expected=tally.expected,
        days_sent=tally.days_sent,
        days_trusted=dict(sorted(tally.trusted_by_day.items())),
        firehose_records=sender.records,
        bytes_sent=sender.bytes_sent,
        batches=sender.batches,
        resends=sender.resends,
        seconds=round(time.monotonic() - began, 3),
    )
