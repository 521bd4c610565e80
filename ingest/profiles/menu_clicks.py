"""Guests of a restaurant chain look at menus: appetizers, then perhaps entrees, then perhaps desserts."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from random import Random

from ingest.profile import Profile, Record

FEWEST_MENUS = 12
CLICKS_PER_MENU = 50
SECTIONS = {"appetizer": 6, "entree": 8, "dessert": 5}
IGNORED = {"appetizer_6", "entree_8", "dessert_5"}
_GOES_ON = {"appetizer": 0.75, "entree": 0.55}
_SKIPS_APPETIZERS = 0.1
_CYCLE = timedelta(minutes=80)
_SHORTEST_STAY_MINUTES, _LONGEST_STAY_MINUTES = 12, 25
_EPOCH = datetime(1970, 1, 1)
_LONGEST_VIEW_S = 240
_RENAMED_KEY_SHARE = 0.01
_DASHED_DATE_SHARE = 0.01


class Menus:
    """Copies of a menu, one a table; at each, guests come and go in cycles of their own.

    Parameters
    ----------
    clicks_per_day
        Decides how many tables there are, so that a visit always has some clicks.
    """

    def __init__(self, clicks_per_day: float) -> None:
        self._menus = max(FEWEST_MENUS, round(clicks_per_day / CLICKS_PER_MENU))

    def record(self, random: Random, happened_at: datetime, sent_at: datetime) -> Record | None:
        """Return the click of a guest at some table, or None if nobody sits there."""
        menu = random.randrange(self._menus)
        # Every table's cycles begin at another minute.
        cycle, into = divmod(happened_at.replace(tzinfo=None) - _EPOCH + menu * _CYCLE / self._menus, _CYCLE)
        if into >= timedelta(minutes=_LONGEST_STAY_MINUTES):
            return None
        plan, stay = visit(menu, cycle)
        if into >= stay:
            return None
        element = plan[int(into / stay * len(plan))]
        return {
            "element_clicked": element,
            "time_spent": _time_spent(random, element),
            "source_menu": f"menu_{menu + 1:03d}",
            "created_at": f"{happened_at:%Y-%m-%d %H:%M:%S}",
        }


@lru_cache(maxsize=65536)
def visit(menu: int, cycle: int) -> tuple[tuple[str, ...], timedelta]:
    """Return the elements that the guests of a cycle look at, in order, and how long they stay."""
    random = Random(f"{menu} {cycle}")  # noqa: S311 - must be repeatable
    sections = ["entree"] if random.random() < _SKIPS_APPETIZERS else ["appetizer"]
    while random.random() < _GOES_ON.get(sections[-1], 0):
        sections.append("entree" if sections[-1] == "appetizer" else "dessert")
    plan = [element for section in sections for element in _looks_at(random, section)]
    return tuple(plan), timedelta(minutes=random.uniform(_SHORTEST_STAY_MINUTES, _LONGEST_STAY_MINUTES))


def _looks_at(random: Random, section: str) -> list[str]:
    """Return the dishes of a section that somebody looks at; those listed first more often."""
    numbers = range(1, SECTIONS[section] + 1)
    chosen = random.choices(numbers, [1 / number for number in numbers], k=random.randrange(2, 5))
    return [f"{section}_{number}" for number in chosen]


def _time_spent(random: Random, element: str) -> int:
    """Return the seconds in view: a glimpse of what nobody wants to know more of."""
    if element in IGNORED or random.random() < 0.25:
        return random.randrange(3)
    return min(_LONGEST_VIEW_S, max(3, round(random.lognormvariate(2.6, 0.8))))


def drift(random: Random, record: Record) -> Record:
    """Write some records as an older page does, or as a phone that turns hyphens into dashes."""
    chance = random.random()
    if chance < _RENAMED_KEY_SHARE:
        return {"createdAt" if key == "created_at" else key: value for key, value in record.items()}
    if chance < _RENAMED_KEY_SHARE + _DASHED_DATE_SHARE:
        return {**record, "created_at": record["created_at"].replace("-", "\N{EN DASH}")}
    return record


PROFILE = Profile(
    dataset="menu_clicks",
    source=Menus,
    usual_delay=timedelta(seconds=45),
    required=("element_clicked", "source_menu", "created_at"),
    wrong_values=(("time_spent", "long"), ("created_at", "yesterday")),
    # Lunch and dinner.
    rhythm=(2, 1, 1, 1, 1, 1, 1, 2, 3, 3, 5, 14, 22, 18, 8, 4, 4, 8, 18, 26, 24, 16, 8, 4),
    drift=drift,
)
