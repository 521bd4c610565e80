"""Building the floor: C++ against the Arrow that the pyarrow wheel carries."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pyarrow as pa

_SOURCES = Path(__file__).parent / "floor"
_DEBIAN_PACKAGES = "g++ libisal-dev libsimdjson-dev"


def build(directory: Path) -> Path:
    """Compile the floor if it is older than its sources; return the program.

    Raises
    ------
    RuntimeError
        If it does not compile; the message carries the compiler's and names the packages needed.
    """
    program = directory / "floor"
    newest = max(source.stat().st_mtime for source in _SOURCES.iterdir())
    if program.exists() and program.stat().st_mtime > newest:
        return program
    pa.create_library_symlinks()
    libraries = pa.get_library_dirs()
    command = [
        *("g++", "-std=c++20", "-O3", "-march=native", "-DNDEBUG", "-o", str(program)),
        *("-isystem", pa.get_include(), str(_SOURCES / "floor.cpp")),
        *(f"-L{path}" for path in libraries),
        *(f"-Wl,-rpath,{path}" for path in libraries),
        *("-lparquet", "-larrow_compute", "-larrow", "-lsimdjson", "-lisal", "-lpthread"),
    ]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 (all ours)
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", "") or str(error)
        needed = f"The floor needs Debian's {_DEBIAN_PACKAGES}; install them with apt-get."
        raise RuntimeError(f"{shlex.join(command)}\n{said}\n{needed}") from error
    return program
