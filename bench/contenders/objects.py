"""What the contenders share: their arguments, and reading raw objects where their library cannot."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path


def folders() -> tuple[Path, Path]:
    """Return the raw folder and the folder for output, from the command line."""
    raw, out = sys.argv[1:]
    return Path(raw), Path(out)


def pattern(raw: Path) -> str:
    """Return a glob pattern of all raw objects."""
    return str(raw / "iot_device_telemetry" / "**" / "*.gz")


def contents(raw: Path) -> Iterator[bytes]:
    """Yield each object's bytes, decompressed by the fastest there is in Python."""
    from isal import igzip_lib

    for path in sorted((raw / "iot_device_telemetry").rglob("*.gz")):
        yield bytes(igzip_lib.decompress(path.read_bytes(), flag=igzip_lib.DECOMP_GZIP))
