"""``make mwaa``: what Amazon MWAA is given, in dist/mwaa/; laid out like the environment's S3 bucket."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_HOME = "/usr/local/airflow"
# Runs and makes data on one's own machine, or in docker-compose.yaml: nothing that MWAA has.
_NOT_DEPLOYED = {"firelake_airflow/local", "firelake_airflow/deployed"}
_CONSTRAINTS = "constraints.txt"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def build(target: Path) -> None:
    """Write dags/, plugins.zip, requirements.txt and startup.sh into an empty folder."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(ROOT / "dags", target / "dags", ignore=shutil.ignore_patterns("__pycache__"))
    # MWAA installs requirements after it has fetched the DAGs folder: what is pinned goes there.
    shutil.copy(ROOT / "requirements.txt", target / "dags" / _CONSTRAINTS)
    (target / "requirements.txt").write_text(_requirements(), encoding="utf-8")
    shutil.copy(Path(__file__).with_name("startup.sh"), target)
    with zipfile.ZipFile(target / "plugins.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(_plugins()):
            # Equal content gives an equal file, whenever it was made.
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)


def _requirements() -> str:
    asked = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    # Airflow itself is there, in the environment's own version.
    wanted = [line for line in asked if line and not line.startswith(("#", "apache-airflow=="))]
    return "\n".join([f'--constraint "{_HOME}/dags/{_CONSTRAINTS}"', *wanted, ""])


def _plugins() -> Iterator[tuple[str, Path]]:
    for path in _files(ROOT / "plugins"):
        name = path.relative_to(ROOT / "plugins").as_posix()
        if not any(name.startswith(f"{folder}/") for folder in _NOT_DEPLOYED):
            yield name, path
    for folder in ("expectations", "include"):
        for path in _files(ROOT / folder):
            yield path.relative_to(ROOT).as_posix(), path


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


if __name__ == "__main__":
    folder = ROOT / "dist" / "mwaa"
    build(folder)
    print(f"{folder} holds {', '.join(sorted(path.name for path in folder.iterdir()))}")
