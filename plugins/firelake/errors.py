"""What can go wrong, named so that a caller can tell a retry from a decision."""

from __future__ import annotations

from pathlib import Path


class FirelakeError(Exception):
    """Base of every error that Firelake raises on purpose. The message says what to do."""


class UsageError(FirelakeError):
    """Options of a command are missing or contradict each other."""


class SpecError(FirelakeError):
    """A dataset, suite or table file is wrong.

    Parameters
    ----------
    path
        The file.
    line
        Line of the offending key, counted from 1.
    problem
        What is wrong, naming the key.
    """

    def __init__(self, path: Path, line: int, problem: str) -> None:
        super().__init__(f"{path}:{line}: {problem}")
        self.path = path
        self.line = line
        self.problem = problem


class PeriodError(FirelakeError):
    """A partition key is not an arrival period or event partition."""


class LakeUnreachable(FirelakeError):
    """The endpoint does not answer, or a bucket or table that should exist does not."""


class AccountingError(FirelakeError):
    """Records or bytes that came in are not all accounted for; nothing was published."""


class GateFailed(FirelakeError):
    """A critical expectation failed; nothing was published."""


class CommitConflict(FirelakeError):
    """Other runs kept winning the commit; the run can be tried again."""


class VerificationFailed(FirelakeError):
    """What a reader sees differs from what was published or declared."""
