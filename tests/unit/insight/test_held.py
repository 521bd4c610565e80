"""What is held is made once for all who ask, is never older than it may be, and hides no failure."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from firelake.insight.held import Held, Patience, Shelf

PATIENCE = Patience(fresh_s=10, stale_s=60)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Maker:
    """Makes 1, 2, 3 …, as soon as it may."""

    def __init__(self) -> None:
        self.made = 0
        self.may = threading.Event()
        self.may.set()
        self.error: Exception | None = None

    def __call__(self) -> int:
        assert self.may.wait(30)
        if self.error is not None:
            raise self.error
        self.made += 1
        return self.made


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


@pytest.fixture
def clock() -> Clock:
    return Clock()


def settled(pool: ThreadPoolExecutor) -> None:
    """Wait until everything that was begun has ended."""
    barrier = threading.Barrier(2)
    for future in [pool.submit(barrier.wait, 30) for _ in range(2)]:
        future.result()


def test_it_is_made_once_for_all_who_ask_at_the_same_time(pool: ThreadPoolExecutor, clock: Clock) -> None:
    maker = Maker()
    maker.may.clear()
    held = Held(maker, pool, PATIENCE, clock)
    with ThreadPoolExecutor(8) as askers:
        answers = [askers.submit(held.get) for _ in range(8)]
        assert held.peek() is None
        maker.may.set()
        assert {answer.result() for answer in answers} == {1}


@pytest.mark.parametrize(("age", "given", "made_then"), [(9, 1, 1), (10, 1, 2), (59, 1, 2), (60, 2, 2)])
def test_its_age_decides_whether_it_is_renewed_and_whether_that_is_waited_for(
    pool: ThreadPoolExecutor, clock: Clock, age: float, given: int, made_then: int
) -> None:
    maker = Maker()
    held = Held(maker, pool, PATIENCE, clock)
    assert held.get() == 1
    clock.now = age
    assert held.get() == given
    settled(pool)
    assert maker.made == made_then
    assert held.get() == made_then


def test_a_failed_renewal_is_told_and_then_tried_again(pool: ThreadPoolExecutor, clock: Clock) -> None:
    maker = Maker()
    held = Held(maker, pool, PATIENCE, clock)
    held.get()
    clock.now, maker.error = 20.0, OSError("gone")
    assert held.get() == 1
    settled(pool)
    with pytest.raises(OSError, match="gone"):
        held.get()
    maker.error = None
    assert held.get() == 2


def test_a_shelf_drops_what_nobody_asked_for_longest(pool: ThreadPoolExecutor) -> None:
    made: list[str] = []

    def make(key: str) -> str:
        made.append(key)
        return key

    shelf = Shelf(make, pool, PATIENCE, most=2)
    for key in ("a", "b", "a", "c", "a", "b"):
        assert shelf.get(key) == key
    assert made == ["a", "b", "c", "b"]
