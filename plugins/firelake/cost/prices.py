"""What AWS charges: read from one file, which says where its figures come from."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field

from firelake.spec.declaration import Declaration
from firelake.spec.load import load_yaml_model

PRICES_FILE = Path(__file__).with_name("prices.yaml")

Price = Annotated[float, Field(ge=0)]


class StoragePrice(Declaration):
    """One S3 storage class."""

    gb_month: Price
    transition_per_1000: Price = 0.0
    retrieval_gb: Price = 0.0


class TieringPrice(Declaration):
    """S3 Intelligent-Tiering, whose tiers follow from when an object was last read."""

    frequent_gb_month: Price
    infrequent_gb_month: Price
    archive_instant_gb_month: Price
    monitoring_per_1000: Price


class RequestPrice(Declaration):
    """S3 requests."""

    put_per_1000: Price
    get_per_1000: Price


class AthenaPrice(Declaration):
    """Athena by bytes scanned."""

    scanned_tb: Price
    smallest_query_bytes: int


class CrawlerPrice(Declaration):
    """Glue crawlers."""

    dpu_hour: Price
    smallest_dpu_hours: Price


class FirehosePrice(Declaration):
    """Firehose, direct put."""

    gb: Price
    record_step_bytes: int


class Prices(Declaration):
    """One price list.

    Parameters
    ----------
    source, date, region, currency
        Where the figures come from, and what they are good for.
    storage
        By S3's name of the storage class.
    """

    source: str
    date: date
    region: str
    currency: str
    storage: dict[str, StoragePrice]
    intelligent_tiering: TieringPrice
    requests: RequestPrice
    athena: AthenaPrice
    crawler: CrawlerPrice
    firehose: FirehosePrice


def load_prices() -> Prices:
    """Return the prices of the file that ``FIRELAKE_PRICES`` names, or Firelake's own.

    Raises
    ------
    SpecError
        If the file cannot be read or lacks a price; file, line and key are named.
    """
    return load_yaml_model(Path(os.environ.get("FIRELAKE_PRICES", PRICES_FILE)), Prices)
