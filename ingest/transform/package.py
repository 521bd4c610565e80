"""``python -m ingest.transform.package``: the function's code as Lambda takes it, byte by byte the same."""

from __future__ import annotations

import argparse
import io
import sys
import zipfile
from pathlib import Path

HANDLER = "handler.handle"
"""What Lambda is told to call."""

_CODE = Path(__file__).with_name("handler.py")
# The earliest time that a ZIP can tell: equal code gives equal bytes, and no needless deployment.
_TIME = (1980, 1, 1, 0, 0, 0)


def package() -> bytes:
    """Return the ZIP that holds the function's code."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        entry = zipfile.ZipInfo(_CODE.name, _TIME)
        entry.external_attr = 0o644 << 16
        file.writestr(entry, _CODE.read_bytes(), zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def main() -> int:
    """Write the ZIP."""
    parser = argparse.ArgumentParser(prog="python -m ingest.transform.package", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("dist/lambda/firehose-transform.zip"))
    out: Path = parser.parse_args().out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(package())
    print(f"{out}: Python 3.11 or newer, handler {HANDLER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
