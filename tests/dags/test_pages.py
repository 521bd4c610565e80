"""The written pages say what the declarations say."""

from pathlib import Path

from airflow.dag_processing.dagbag import DagBag
from firelake.spec.pages import PAGES_DIR, write_pages
from firelake_airflow.pages import PAGE, dag_page


def test_the_page_of_dags_is_what_airflow_reads(dag_bag: DagBag) -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == dag_page(dag_bag.dags), (
        "docs/dags.md is out of date; run `.venv/bin/python -m firelake_airflow.pages`"
    )
    assert all(f"| `{dag_id}` |" in written for dag_id in dag_bag.dags)


def test_the_pages_of_datasets_are_what_their_files_declare(tmp_path: Path) -> None:
    (tmp_path / "gone.md").write_text("A dataset that is no more.")
    made = {path.name: path.read_text(encoding="utf-8") for path in write_pages(tmp_path)}
    written = {path.name: path.read_text(encoding="utf-8") for path in PAGES_DIR.glob("*.md")}
    assert written == made, "docs/datasets is out of date; run `.venv/bin/python -m firelake.spec.pages`"
    assert not (tmp_path / "gone.md").exists()
