"""Asking a person before what cannot simply be done again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import Param
from airflow.sdk.definitions.param import ParamsDict

_ANSWER_WITHIN = timedelta(days=1)

Offer = Callable[[Any], dict[str, Param]]


class AskFirst(ApprovalOperator):
    """Wait for a person to approve or reject, and let them choose from what an earlier task has found.

    Who does not answer within a day has neither approved nor rejected: the task fails, nothing follows.

    Parameters
    ----------
    offer
        Returns the fields of the approval's form from the context of the run; None for no form.
    """

    def __init__(self, *, offer: Offer | None = None, **options: Any) -> None:
        super().__init__(response_timeout=_ANSWER_WITHIN, **options)
        self._offer = offer

    def execute(self, context: Any) -> Any:
        """Put what there is to choose from into the form, and wait."""
        if self._offer is not None:
            self.params = ParamsDict(self._offer(context))
        return super().execute(context)
