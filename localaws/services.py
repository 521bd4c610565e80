"""The table of services that Local AWS answers itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from localaws.service import Context, Service

SERVICES = (
    "localaws.s3.service:S3Service",
    "localaws.glue.service:GlueCatalogService",
    "localaws.crawler.service:CrawlerService",
    "localaws.firehose.service:FirehoseService",
    "localaws.athena.service:AthenaService",
)
"""``module:class`` of each service, in the order in which they start; they stop in reverse."""


def load_services(context: Context) -> list[Service]:
    """Make every service of the table."""
    return [_factory(path)(context) for path in SERVICES]


def _factory(path: str) -> Callable[[Context], Service]:
    module, _, name = path.partition(":")
    factory: Callable[[Context], Service] = getattr(import_module(module), name)
    return factory
