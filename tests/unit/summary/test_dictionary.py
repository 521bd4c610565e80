from firelake.spec.load import PROJECT_ROOT
from firelake.summary import load_summaries
from firelake.summary.dictionary import dictionary

WRITTEN = PROJECT_ROOT / "docs" / "summaries.md"


def test_the_dictionary_is_what_the_folders_say() -> None:
    assert WRITTEN.read_text(encoding="utf-8") == dictionary(load_summaries()), (
        "docs/summaries.md is out of date; run "
        "`.venv/bin/python -m firelake.summary.dictionary > docs/summaries.md`"
    )


def test_every_column_of_every_table_is_explained() -> None:
    text = dictionary(load_summaries())
    for summary in load_summaries():
        section = text.split(f"\n## {summary.table.name}\n")[1].split("\n## ")[0]
        for column in summary.table.columns:
            assert f"| `{column.name}` | {column.type} |" in section
            assert column.description.replace("|", "\\|") in section
