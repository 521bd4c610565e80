"""A Trino server in var/trino, from Maven: ``python -m localaws.athena.trino.installation``."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

VERSION: Final = "476"
JAVA_NEEDED: Final = 24
HOME: Final = Path(__file__).resolve().parents[3] / "var" / "trino"
PLUGINS: Final = ("hive", "iceberg")
_JVMS: Final = Path("/usr/lib/jvm")
_RELEASE: Final = re.compile(r'^JAVA_VERSION="(\d+)', re.MULTILINE)


class UnavailableError(Exception):
    """Why Trino cannot run here, and what would change that."""


def find_java() -> Path:
    """Return a ``java`` that is new enough: that of JAVA_HOME, of PATH, or the newest installed.

    Raises
    ------
    UnavailableError
        When there is none.
    """
    found = [(_java_version(home), home) for home in _java_homes()]
    for version, home in found:
        if version >= JAVA_NEEDED:
            return home / "bin" / "java"
    seen = ", ".join(f"{version} in {home}" for version, home in found) or "no Java at all"
    raise UnavailableError(
        f"Trino {VERSION} needs Java {JAVA_NEEDED} or newer, found {seen}; install one and set JAVA_HOME"
    )


def find_server(home: Path = HOME) -> Path:
    """Return the folder of the installed server.

    Raises
    ------
    UnavailableError
        When it is not installed.
    """
    server = home / f"trino-server-{VERSION}"
    if not server.is_dir():
        raise UnavailableError(f"no Trino server in {server}; run: make trino")
    return server


def install(home: Path = HOME) -> Path:
    """Download the server with Maven, unless it is there, and return its folder."""
    find_java()
    server = home / f"trino-server-{VERSION}"
    if not server.is_dir():
        home.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home) as folder:
            unpacked = _unpacked(_downloaded(Path(folder)))
            unpacked.rename(server)
    return server


def _java_homes() -> Iterator[Path]:
    if os.environ.get("JAVA_HOME"):
        yield Path(os.environ["JAVA_HOME"])
    on_path = shutil.which("java")
    if on_path is not None:
        yield Path(on_path).resolve().parents[1]
    installed = [home for home in _JVMS.glob("*") if (home / "bin" / "java").exists()]
    yield from sorted(installed, key=_java_version, reverse=True)


def _java_version(home: Path) -> int:
    release = home / "release"
    match = _RELEASE.search(release.read_text(encoding="utf-8")) if release.is_file() else None
    return int(match[1]) if match else 0


def _downloaded(folder: Path) -> Path:
    maven = shutil.which("mvn")
    if maven is None:
        raise UnavailableError("Trino comes from Maven, and there is no mvn on PATH; install Maven")
    command = [
        maven,
        "--batch-mode",
        "--quiet",
        "dependency:copy",
        f"-Dartifact=io.trino:trino-server:{VERSION}:tar.gz",
        f"-DoutputDirectory={folder}",
    ]
    # outside the project, for Maven reads settings of the folder that it runs in
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    if done.returncode != 0:
        reason = next((line for line in done.stdout.splitlines() if "ERROR" in line), "no reason given")
        raise UnavailableError(f"Maven did not get Trino {VERSION}: {reason}")
    return folder / f"trino-server-{VERSION}.tar.gz"


def _unpacked(archive: Path) -> Path:
    """Unpack the server and keep two of its fifty plugins, for each is loaded at every start."""
    with tarfile.open(archive) as tar:
        tar.extractall(archive.parent, filter="data")
    server = archive.parent / f"trino-server-{VERSION}"
    for plugin in (server / "plugin").iterdir():
        if plugin.name not in PLUGINS:
            shutil.rmtree(plugin)
    return server


if __name__ == "__main__":
    try:
        print(f"Trino {VERSION} in {install()}, run by {find_java()}")
    except UnavailableError as error:
        sys.exit(f"No Trino: {error}.")
