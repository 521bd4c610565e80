"""Erasing the records of a person: from raw, trusted, quarantine and summaries, with proof."""

from firelake.erase.erasure import Erasure, erase_by_name
from firelake.erase.report import ErasureReport
from firelake.erase.request import Request

__all__ = ["Erasure", "ErasureReport", "Request", "erase_by_name"]
