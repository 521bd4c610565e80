"""Values that take long to make: made once for all who ask, kept a while, renewed behind their backs."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True)
class Patience:
    """How old a value may be.

    Parameters
    ----------
    fresh_s
        Seconds for which it is given out as it is.
    stale_s
        Seconds for which it is still given out, while a newer one is being made.
    """

    fresh_s: float
    stale_s: float


@dataclass(frozen=True)
class _Made(Generic[Value]):
    value: Value
    at: float


class Held(Generic[Value]):
    """One value.

    Parameters
    ----------
    make
        Makes it. What it raises is raised to all who wait, and forgotten: the next one asks again.
    pool
        Where it is made; must not be the pool of those who ask, who wait for it.
    """

    def __init__(
        self,
        make: Callable[[], Value],
        pool: Executor,
        patience: Patience,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make = make
        self._pool = pool
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._made: _Made[Value] | None = None
        self._making: Future[Value] | None = None

    def get(self) -> Value:
        """Return the value; wait for it if there is none, or only one that is too old."""
        made, making = self._look()
        if made is not None:
            return made.value
        # Nothing usable was there, so something is being made.
        return making.result() if making is not None else self.get()

    def peek(self) -> Value | None:
        """Return the value if there is one; do not wait, but have it made."""
        made, _ = self._look()
        return None if made is None else made.value

    def _look(self) -> tuple[_Made[Value] | None, Future[Value] | None]:
        with self._lock:
            age = self._clock() - self._made.at if self._made else 0.0
            if self._making is None and (self._made is None or age >= self._patience.fresh_s):
                self._making = self._pool.submit(self._remake)
            return self._made if age < self._patience.stale_s else None, self._making

    def _remake(self) -> Value:
        began = self._clock()
        try:
            value = self._make()
        except BaseException:
            with self._lock:
                # An old value would hide from readers that the lake does not answer any more.
                self._made = self._making = None
            raise
        with self._lock:
            self._made, self._making = _Made(value, began), None
        return value


class Shelf(Generic[Key, Value]):
    """Values by key; those that nobody asked for longest are dropped.

    Parameters
    ----------
    make
        Makes the value of a key.
    """

    def __init__(
        self, make: Callable[[Key], Value], pool: Executor, patience: Patience, most: int = 64
    ) -> None:
        self._make = make
        self._pool = pool
        self._patience = patience
        self._most = most
        self._lock = threading.Lock()
        self._held: OrderedDict[Key, Held[Value]] = OrderedDict()

    def get(self, key: Key) -> Value:
        """Return a key's value, as :meth:`Held.get`."""
        return self._held_of(key).get()

    def peek(self, key: Key) -> Value | None:
        """Return a key's value, as :meth:`Held.peek`."""
        return self._held_of(key).peek()

    def _held_of(self, key: Key) -> Held[Value]:
        with self._lock:
            held = self._held.pop(key, None) or Held(lambda: self._make(key), self._pool, self._patience)
            self._held[key] = held
            if len(self._held) > self._most:
                self._held.popitem(last=False)
        return held
