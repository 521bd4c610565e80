"""CSV that a crawler finds and Athena reads, and crawls of tables that are in the catalog already."""

from __future__ import annotations

import gzip

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.athena import AthenaLake
from tests.fixtures.crawler import CrawledLake, columns, keys
from tests.fixtures.local_aws import LocalAws

LOG = {"UpdateBehavior": "UPDATE_IN_DATABASE", "DeleteBehavior": "LOG"}


@pytest.fixture
def lake(local_aws: LocalAws) -> CrawledLake:
    return CrawledLake()


@pytest.fixture
def athena(local_aws: LocalAws, lake: CrawledLake) -> AthenaLake:
    return AthenaLake(lake.name, lake.name, local_aws.endpoint_url)


def put_text(lake: CrawledLake, key: str, text: str, *, compress: bool = False) -> None:
    body = text.encode()
    lake.s3.put_object(Bucket=lake.name, Key=key, Body=gzip.compress(body) if compress else body)


def catalog_targets(lake: CrawledLake, *tables: str) -> dict:
    return {"CatalogTargets": [{"DatabaseName": lake.name, "Tables": list(tables)}]}


@pytest.mark.parametrize(("delimiter", "compress"), [(",", False), ("|", True), ("\t", False), (";", True)])
def test_csv_with_a_header(lake: CrawledLake, athena: AthenaLake, delimiter: str, compress: bool) -> None:
    rows = [["Item Id", "price", "seen_on"], ["1", "2.5", "2026-11-20"], ["2", "", "never"]]
    text = "".join(f"{delimiter.join(row)}\n" for row in rows)
    put_text(lake, "raw/day=20/a.csv", text, compress=compress)
    put_text(lake, "raw/day=21/b.csv", text, compress=compress)
    lake.create("raw/")
    assert lake.crawl()["PARTITION"]["ADD"] == 2
    table = lake.tables()["raw"]
    assert columns(table) == {"item_id": "bigint", "price": "double", "seen_on": "string"}
    assert (keys(table), table["Parameters"]["classification"]) == (["day"], "csv")
    assert table["StorageDescriptor"]["SerdeInfo"]["Parameters"] == {"field.delim": delimiter}
    found = athena.rows("SELECT * FROM raw ORDER BY day, item_id")
    assert found == [
        ["1", "2.5", "2026-11-20", "20"],
        ["2", None, "never", "20"],
        ["1", "2.5", "2026-11-20", "21"],
        ["2", None, "never", "21"],
    ]


def test_csv_of_text_alone_has_no_header(lake: CrawledLake, athena: AthenaLake) -> None:
    put_text(lake, "raw/names.csv", "name,city\nada,london\n")
    lake.create("raw/")
    lake.crawl()
    assert columns(lake.tables()["raw"]) == {"col0": "string", "col1": "string"}
    assert athena.rows("SELECT col1 FROM raw ORDER BY 1") == [["city"], ["london"]]


@pytest.mark.parametrize("text", ["one line, of text\n", "1,2\n3\n", "a\nb\n", "\x00\x01,\x02\n\xff"])
def test_what_is_no_csv_is_left_out(lake: CrawledLake, text: str) -> None:
    put_text(lake, "raw/object", text)
    lake.create("raw/")
    assert lake.crawl()["TABLE"]["ADD"] == 0


def test_a_table_of_the_catalog_is_brought_up_to_date(lake: CrawledLake, athena: AthenaLake) -> None:
    lake.glue.create_database(DatabaseInput={"Name": lake.name})
    athena.create_json_table("events", {"id": "int"}, {"day": "string"}, owner_team="analytics")
    lake.put("events/2026-11-20/a", {"id": 1, "name": "x"})
    lake.create(Targets=catalog_targets(lake, "events"), SchemaChangePolicy=LOG)
    assert lake.crawl() == {
        "TABLE": {"ADD": 0, "UPDATE": 1, "DELETE": 0},
        "PARTITION": {"ADD": 1, "UPDATE": 0, "DELETE": 0},
    }
    table = lake.tables()["events"]
    assert (columns(table), keys(table)) == ({"id": "int", "name": "string"}, ["day"])
    assert table["Parameters"]["owner_team"] == "analytics"
    assert athena.rows("SELECT id, name, day FROM events") == [["1", "x", "2026-11-20"]]
    assert lake.crawl()["TABLE"]["UPDATE"] == 0


def test_a_table_whose_folders_do_not_fit_fails_by_name(lake: CrawledLake, athena: AthenaLake) -> None:
    lake.glue.create_database(DatabaseInput={"Name": lake.name})
    athena.create_json_table("events", {"id": "int"}, {"day": "string"})
    lake.put("events/2026/11/a", {"id": 1})
    lake.create(Targets=catalog_targets(lake, "events"), SchemaChangePolicy=LOG)
    with pytest.raises(AssertionError, match="table events says is not one table with its 1 partition keys"):
        lake.crawl()


def test_refusals_of_catalog_targets(lake: CrawledLake) -> None:
    targets = catalog_targets(lake, "t")
    s3 = {"S3Targets": [{"Path": f"s3://{lake.name}/"}]}
    for more, reason in (
        ({"Targets": targets}, "only LOG DeleteBehavior"),
        ({"Targets": {**targets, **s3}, "SchemaChangePolicy": LOG}, "cannot be combined"),
    ):
        with pytest.raises(ClientError, match=reason):
            lake.create(**more)


def test_delimited_text_made_by_athena(lake: CrawledLake, athena: AthenaLake) -> None:
    lake.glue.create_database(DatabaseInput={"Name": lake.name})
    put_text(lake, "plain/a", "1\tada\t\\N\n2\tbob\t2026-11-20\n\tx\tnever\n")
    athena.run(
        "CREATE EXTERNAL TABLE plain (id int, name string, seen date) ROW FORMAT DELIMITED "
        rf"FIELDS TERMINATED BY '\t' STORED AS TEXTFILE LOCATION 's3://{lake.name}/plain/'"
    )
    assert athena.rows("SELECT * FROM plain ORDER BY name") == [
        ["1", "ada", None],
        ["2", "bob", "2026-11-20"],
        [None, "x", None],
    ]
    assert "NOT_SUPPORTED: format TEXTFILE" in athena.failure("INSERT INTO plain VALUES (1, 'x', NULL)")


def test_quoted_csv_made_by_athena(lake: CrawledLake, athena: AthenaLake) -> None:
    lake.glue.create_database(DatabaseInput={"Name": lake.name})
    put_text(lake, "quoted/a.csv", 'id,text\n1,"a, ""b"""\n2,\n3\n')
    athena.run(
        "CREATE EXTERNAL TABLE quoted (id bigint, text string) "
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' "
        f"LOCATION 's3://{lake.name}/quoted/' TBLPROPERTIES ('skip.header.line.count' = '1')"
    )
    found = athena.rows("SELECT id, text, text IS NULL AS missing FROM quoted ORDER BY id")
    assert found == [["1", 'a, "b"', "false"], ["2", "", "false"], ["3", None, "true"]]
