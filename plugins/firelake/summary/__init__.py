"""Summary tables: declared in include/sql/, computed by Athena, one event partition at a time."""

from firelake.summary.spec import Summary, SummaryTable, load_summaries, load_summary

__all__ = ["Summary", "SummaryTable", "load_summaries", "load_summary"]
