"""Keeping tables and buckets small without taking anything from a reader."""

from firelake.maintain.plan import Maintained, Maintenance

__all__ = ["Maintained", "Maintenance"]
