"""Operations on the schedules of crawlers, which are kept and shown; nothing fires by them."""

from __future__ import annotations

from typing import Any

from localaws.crawler.records import Records
from localaws.service import AwsError, Payload

_ON = "SCHEDULED"
_OFF = "NOT_SCHEDULED"


def schedule_of(expression: str) -> dict[str, Any]:
    """Return the schedule that a cron expression makes; an empty one takes it away."""
    return {"ScheduleExpression": expression, "State": _ON if expression else _OFF}


class Schedules:
    """The schedules of crawlers.

    Parameters
    ----------
    records
        The crawlers.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self.operations = {
            "StartCrawlerSchedule": self.start,
            "StopCrawlerSchedule": self.stop,
            "UpdateCrawlerSchedule": self.update,
        }

    def start(self, payload: Payload) -> Payload:
        """StartCrawlerSchedule."""
        name = payload["CrawlerName"]
        schedule = self._records.crawler(name).get("Schedule", {})
        if not schedule.get("ScheduleExpression"):
            raise AwsError("NoScheduleException", f"crawler {name} has no schedule")
        if schedule["State"] == _ON:
            raise AwsError("SchedulerRunningException", f"the schedule of crawler {name} is on already")
        self._records.change(name, Schedule={**schedule, "State": _ON})
        return {}

    def stop(self, payload: Payload) -> Payload:
        """StopCrawlerSchedule."""
        name = payload["CrawlerName"]
        schedule = self._records.crawler(name).get("Schedule", {})
        if schedule.get("State") != _ON:
            raise AwsError("SchedulerNotRunningException", f"the schedule of crawler {name} is not on")
        self._records.change(name, Schedule={**schedule, "State": _OFF})
        return {}

    def update(self, payload: Payload) -> Payload:
        """UpdateCrawlerSchedule."""
        self._records.change(payload["CrawlerName"], Schedule=schedule_of(payload.get("Schedule", "")))
        return {}
