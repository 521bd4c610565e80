"""The functions that Athena's SQL may call, and what DuckDB computes for each."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

from localaws.athena.sql.signatures import Signature, read_signature

Kind = Literal["scalar", "aggregate", "window"]


@cache
def functions(kind: Kind) -> dict[str, tuple[Signature, ...]]:
    """Return the overloads of every function of a kind, by name in lower case."""
    text = files(__name__).joinpath(f"{kind}.yaml").read_text(encoding="utf-8")
    table: dict[str, dict[str, str]] = yaml.safe_load(text)
    return {
        name: tuple(read_signature(signature, template) for signature, template in overloads.items())
        for name, overloads in table.items()
    }


@cache
def unavailable() -> frozenset[str]:
    """Return the names of Trino's functions that are refused here."""
    text = files(__name__).joinpath("unavailable.yaml").read_text(encoding="utf-8")
    return frozenset(name for names in yaml.safe_load(text).values() for name in names)
