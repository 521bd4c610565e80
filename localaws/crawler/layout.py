"""Which tables and partitions a set of objects makes: pure decisions, no reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from localaws.crawler.classify import Content
from localaws.crawler.types import HiveType, merge_fields

_SIMILAR = 0.7


@dataclass(frozen=True)
class CrawledObject:
    """An object and what it holds.

    Parameters
    ----------
    folders
        The folders between the crawled prefix and the object.
    name
        The last part of its key.
    bytes_stored
        Its size.
    content
        What was found in it.
    """

    folders: tuple[str, ...]
    name: str
    bytes_stored: int
    content: Content


@dataclass(frozen=True)
class FoundPartition:
    """A partition of a found table: its values and its objects."""

    values: tuple[str, ...]
    folders: tuple[str, ...]
    objects: tuple[CrawledObject, ...]


@dataclass(frozen=True)
class FoundTable:
    """A table that the objects make.

    Parameters
    ----------
    folders
        Where it lies below the crawled prefix; for a table of one object among others, with its name.
    partition_keys
        The names of its partition keys, from the top folder down.
    objects
        Its objects, which agree in format.
    """

    folders: tuple[str, ...]
    partition_keys: tuple[str, ...]
    objects: tuple[CrawledObject, ...]

    @property
    def columns(self) -> dict[str, HiveType]:
        """Return all columns of its objects, less those that are partition keys."""
        merged = merge_fields(each.content.columns for each in self.objects)
        return {name: each for name, each in merged.items() if name not in self.partition_keys}

    def partitions(self) -> list[FoundPartition]:
        """Return its partitions, in the order of their folders."""
        groups: dict[tuple[str, ...], list[CrawledObject]] = {}
        for each in self.objects:
            groups.setdefault(each.folders, []).append(each)
        depth = len(self.folders)
        return [
            FoundPartition(tuple(map(_value, folders[depth:])), folders, tuple(groups[folders]))
            for folders in sorted(groups)
        ]


def find_tables(objects: Sequence[CrawledObject], *, combine: bool) -> list[FoundTable]:
    """Group objects into tables.

    Folders become partitions of one table when what lies in them is alike; otherwise each makes tables
    of its own.

    Parameters
    ----------
    objects
        All objects below the crawled prefix.
    combine
        Whether schemas that differ still make one table, as TableGroupingPolicy
        ``CombineCompatibleSchemas`` asks.
    """
    return _tables_below((), list(objects), combine)


def _tables_below(folder: tuple[str, ...], objects: list[CrawledObject], combine: bool) -> list[FoundTable]:
    if not objects:
        return []
    depth = len(folder)
    children: dict[str, list[CrawledObject]] = {}
    for each in objects:
        if len(each.folders) > depth:
            children.setdefault(each.folders[depth], []).append(each)
    if _is_one_table(depth, objects, children, combine):
        return [FoundTable(folder, _partition_keys(depth, objects), tuple(objects))]
    tables = [FoundTable((*folder, each.name), (), (each,)) for each in objects if len(each.folders) == depth]
    for name in sorted(children):
        tables += _tables_below((*folder, name), children[name], combine)
    return tables


def _is_one_table(
    depth: int, objects: list[CrawledObject], children: dict[str, list[CrawledObject]], combine: bool
) -> bool:
    if len({each.content.classification for each in objects}) > 1:
        return False
    if not children:
        return combine or _alike([[each] for each in objects])
    if len({len(each.folders) for each in objects}) > 1:
        return False
    return combine or _alike(list(children.values()))


def _alike(groups: list[list[CrawledObject]]) -> bool:
    """Tell whether most groups share most of the columns of all."""
    schemas = [frozenset(merge_fields(each.content.columns for each in group)) for group in groups]
    everything = frozenset[str]().union(*schemas)
    if not everything:
        return True
    similar = sum(len(schema) >= _SIMILAR * len(everything) for schema in schemas)
    return similar >= _SIMILAR * len(schemas)


def _partition_keys(depth: int, objects: Iterable[CrawledObject]) -> tuple[str, ...]:
    levels = zip(*(each.folders[depth:] for each in objects), strict=True)
    return tuple(_key(position, frozenset(names)) for position, names in enumerate(levels))


def _key(position: int, names: frozenset[str]) -> str:
    keys = {name.partition("=")[0].lower() if "=" in name else "" for name in names}
    only = keys.pop() if len(keys) == 1 else ""
    return only or f"partition_{position}"


def _value(folder: str) -> str:
    key, separator, value = folder.partition("=")
    return value if separator and key else folder
