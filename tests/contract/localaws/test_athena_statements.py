"""Statements that make, fill, change and show tables."""

from __future__ import annotations

import io

import pyarrow.parquet as pq
import pytest

from tests.fixtures.athena import AthenaLake


def objects(lake: AthenaLake, prefix: str) -> list[str]:
    found = lake.s3.list_objects_v2(Bucket=lake.bucket, Prefix=prefix)
    return [item["Key"] for item in found.get("Contents", [])]


def test_a_database_is_made_listed_and_dropped(athena_lake: AthenaLake) -> None:
    athena_lake.run("CREATE DATABASE IF NOT EXISTS made_by_sql COMMENT 'a comment'")
    assert "made_by_sql" in athena_lake.lines("SHOW DATABASES LIKE 'made*'")
    assert "already exists" in athena_lake.failure("CREATE DATABASE made_by_sql")
    athena_lake.run("DROP DATABASE made_by_sql")
    assert athena_lake.lines("SHOW DATABASES 'made*'") == []


def test_an_external_table_with_partitions(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    for day in ("2026-11-20", "2026-11-21"):
        lake.put_json(
            f"clicks/dt={day}/one", [{"Menu": "dinner", "seconds": 4}, {"menu": "lunch", "seconds": 2}]
        )
    lake.run(
        f"""CREATE EXTERNAL TABLE IF NOT EXISTS clicks (
          `menu` string COMMENT 'which menu',
          seconds int)
        PARTITIONED BY (dt string)
        ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
        WITH SERDEPROPERTIES ('ignore.malformed.json' = 'true')
        LOCATION 's3://{lake.bucket}/clicks/' TBLPROPERTIES ('classification' = 'json')"""
    )
    assert lake.rows("SELECT count(*) FROM clicks") == [["0"]]
    assert len(lake.lines("MSCK REPAIR TABLE clicks")) == 3
    assert lake.rows("SELECT dt, sum(seconds) FROM clicks GROUP BY dt ORDER BY dt") == [
        ["2026-11-20", "6"],
        ["2026-11-21", "6"],
    ]
    assert lake.lines("SHOW PARTITIONS clicks") == ["dt=2026-11-20", "dt=2026-11-21"]
    lake.run("ALTER TABLE clicks DROP PARTITION (dt = '2026-11-20')")
    assert lake.rows("SELECT DISTINCT dt FROM clicks") == [["2026-11-21"]]
    lake.run(
        f"ALTER TABLE clicks ADD PARTITION (dt = 'x') LOCATION 's3://{lake.bucket}/clicks/dt=2026-11-20/'"
    )
    assert lake.rows("SELECT count(*) FROM clicks WHERE dt = 'x'") == [["2"]]
    lake.run(f"ALTER TABLE clicks PARTITION (dt = 'x') SET LOCATION 's3://{lake.bucket}/nowhere/'")
    assert lake.rows("SELECT count(*) FROM clicks WHERE dt = 'x'") == [["0"]]
    lake.run("ALTER TABLE clicks ADD COLUMNS (note string)")
    assert lake.lines("SHOW COLUMNS IN clicks") == ["menu", "seconds", "note", "dt"]
    lake.run("ALTER TABLE clicks SET TBLPROPERTIES ('owner' = 'us')")
    assert "owner\tus" in lake.lines("SHOW TBLPROPERTIES clicks")
    assert lake.lines("DESCRIBE clicks")[0].split() == ["menu", "string", "which", "menu"]
    assert any("PARTITIONED BY" in line for line in lake.lines("SHOW CREATE TABLE clicks"))
    lake.run("DROP TABLE clicks")
    assert "clicks" not in lake.lines("SHOW TABLES")
    assert objects(lake, "clicks/"), "an external table's data stays"


def test_a_table_made_of_a_query(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    execution = lake.run(
        f"""CREATE TABLE made WITH (format = 'PARQUET', write_compression = 'SNAPPY',
              external_location = 's3://{lake.bucket}/made/', partitioned_by = ARRAY['day']) AS
        SELECT 1 AS n, CAST(1.5 AS decimal(5,2)) AS price, TIMESTAMP '2026-11-21 10:00:00.123' AS at,
               ARRAY[1, 2] AS xs, CAST(ROW('a', 2) AS ROW(s varchar, i integer)) AS r,
               MAP(ARRAY['k'], ARRAY[1]) AS m, DATE '2026-11-21' AS day
        UNION ALL SELECT NULL, NULL, NULL, NULL, NULL, NULL, DATE '2026-11-22'"""
    )
    assert execution["SubstatementType"] == "CREATE_TABLE_AS_SELECT"
    keys = objects(lake, "made/")
    assert sorted({key.split("/")[1] for key in keys}) == ["day=2026-11-21", "day=2026-11-22"]
    stored = pq.read_table(io.BytesIO(lake.s3.get_object(Bucket=lake.bucket, Key=keys[0])["Body"].read()))
    assert str(stored.schema.field("price").type) == "decimal128(5, 2)"
    assert lake.rows("SELECT * FROM made ORDER BY day") == [
        ["1", "1.50", "2026-11-21 10:00:00.123", "[1, 2]", "{s=a, i=2}", "{k=1}", "2026-11-21"],
        [None, None, None, None, None, None, "2026-11-22"],
    ]
    lake.run("INSERT INTO made SELECT 2, 2.5, NULL, NULL, NULL, NULL, DATE '2026-11-23'")
    assert lake.rows("SELECT n, price FROM made WHERE day = DATE '2026-11-23'") == [["2", "2.50"]]
    assert "TABLE_ALREADY_EXISTS" in lake.failure("CREATE TABLE made AS SELECT 1 x")
    assert "mismatched column types" in lake.failure(
        "INSERT INTO made SELECT 'a', 1, NULL, NULL, NULL, NULL, NULL"
    )


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ("1", "Column name not specified at position 1"),
        ("1 a, 2 a", "specified more than once"),
        ("now() a", "Unsupported Hive type: timestamp(3) with time zone"),
        ("TIMESTAMP '2026-01-01 00:00:00.123456' a", "Incorrect timestamp precision for timestamp(6)"),
        ("1 a, 2 b", "Partition keys must be the last columns"),
    ],
)
def test_what_hive_cannot_keep_is_refused(athena_lake: AthenaLake, columns: str, reason: str) -> None:
    by = ", partitioned_by = ARRAY['a']" if "2 b" in columns else ""
    location = f"s3://{athena_lake.bucket}/never/"
    sql = f"UNLOAD (SELECT {columns}) TO '{location}' WITH (format = 'PARQUET'{by})"
    assert reason in athena_lake.failure(sql)
    assert objects(athena_lake, "never/") == []


def test_no_more_than_100_partitions(athena_lake: AthenaLake) -> None:
    query = "SELECT 1 a, x p FROM UNNEST(SEQUENCE(1, {})) t(x)"
    sql = f"CREATE TABLE wide WITH (partitioned_by = ARRAY['p']) AS {query}"
    assert "Exceeded limit of 100 open writers" in athena_lake.failure(sql.format(101))
    athena_lake.run(sql.format(100))
    assert len(athena_lake.lines("SHOW PARTITIONS wide")) == 100


def test_unload_writes_what_the_query_gives_once(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    sql = f"""UNLOAD (SELECT x AS id, CAST(x AS double) / ? AS half, CAST(? AS varchar) AS name
               FROM UNNEST(SEQUENCE(1, 3)) t(x)) TO 's3://{lake.bucket}/unloaded/'
              WITH (format = 'PARQUET', compression = 'ZSTD')"""  # noqa: S608 - made of quoted names and compiled text
    execution = lake.run(sql, ExecutionParameters=["2", "'it''s'"])
    (key,) = objects(lake, "unloaded/")
    table = pq.read_table(io.BytesIO(lake.s3.get_object(Bucket=lake.bucket, Key=key)["Body"].read()))
    assert table.to_pydict() == {"id": [1, 2, 3], "half": [0.5, 1.0, 1.5], "name": ["it's"] * 3}
    manifest = execution["Statistics"]["DataManifestLocation"].removeprefix(f"s3://{lake.bucket}/")
    listed = lake.s3.get_object(Bucket=lake.bucket, Key=manifest)["Body"].read().decode()
    assert listed == f"s3://{lake.bucket}/{key}\n"
    assert "HIVE_PATH_ALREADY_EXISTS" in lake.failure(sql, ExecutionParameters=["2", "'x'"])
    assert objects(lake, "unloaded/") == [key]


def test_unload_as_json(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    query = "SELECT 1 a, CAST(NULL AS integer) b, DATE '2026-01-01' d"
    lake.run(f"UNLOAD ({query}) TO 's3://{lake.bucket}/lines/' WITH (format = 'JSON')")
    (key,) = objects(lake, "lines/")
    lake.create_json_table("lines", {"a": "int", "b": "int", "d": "date"}, {})
    assert key.endswith(".gz")
    assert lake.rows("SELECT a, b, d FROM lines") == [["1", None, "2026-01-01"]]


def test_a_view_is_kept_as_athena_keeps_it(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    lake.run("CREATE VIEW small AS SELECT x, x * 2 AS twice FROM (VALUES 1, 2) t(x)")
    described = lake.glue.get_table(DatabaseName=lake.database, Name="small")["Table"]
    assert described["TableType"] == "VIRTUAL_VIEW"
    assert described["ViewOriginalText"].startswith("/* Presto View: ")
    assert lake.rows("SELECT twice FROM small WHERE x = 2") == [["4"]]
    assert "View already exists" in lake.failure("CREATE VIEW small AS SELECT 1 a")
    lake.run("CREATE OR REPLACE VIEW small AS SELECT 1 AS only")
    assert lake.rows("SELECT * FROM small") == [["1"]]
    assert lake.lines("SHOW VIEWS") == ["small"]
    lake.run("DROP VIEW small")
    assert lake.lines("SHOW VIEWS") == []


def test_an_iceberg_table_made_and_filled_by_sql(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    lake.run(
        f"""CREATE TABLE ice (id bigint, name string, at timestamp, d date) PARTITIONED BY (day(at))
        LOCATION 's3://{lake.bucket}/ice/' TBLPROPERTIES ('table_type' = 'ICEBERG')"""
    )
    lake.run(
        "INSERT INTO ice (id, at) VALUES (1, TIMESTAMP '2026-11-21 10:00:00'), "
        "(2, TIMESTAMP '2026-11-22 10:00:00')"
    )
    assert lake.rows("SELECT id, name, at FROM ice ORDER BY id") == [
        ["1", None, "2026-11-21 10:00:00.000000"],
        ["2", None, "2026-11-22 10:00:00.000000"],
    ]
    lake.run("ALTER TABLE ice ADD COLUMNS (price double)")
    assert lake.rows("SELECT count(price), count(*) FROM ice") == [["0", "2"]]
    snapshots = lake.rows('SELECT snapshot_id FROM "ice$snapshots" ORDER BY committed_at')
    lake.run("INSERT INTO ice SELECT 3, 'c', TIMESTAMP '2026-11-22 11:00:00', NULL, 1.5e0")
    assert lake.rows(f"SELECT count(*) FROM ice FOR VERSION AS OF {snapshots[-1][0]}") == [["2"]]  # noqa: S608 - made of quoted names and compiled text
    assert lake.rows("SELECT count(*) FROM ice FOR TIMESTAMP AS OF now()") == [["3"]]
    assert "No version history" in lake.failure(
        "SELECT * FROM ice FOR TIMESTAMP AS OF TIMESTAMP '2000-01-01 00:00:00 UTC'"
    )
    assert "NOT_SUPPORTED: statement DELETE" in lake.failure("DELETE FROM ice WHERE id = 1")
    lake.run("DROP TABLE ice")
    assert objects(lake, "ice/") == []


def test_an_iceberg_table_made_of_a_query(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    properties = f"table_type = 'ICEBERG', is_external = false, location = 's3://{lake.bucket}/ice2/'"
    query = (
        "SELECT x AS id, CAST(TIMESTAMP '2026-11-21 00:00:00' AS timestamp({})) AS at FROM (VALUES 1, 2) t(x)"
    )
    assert "Timestamp precision (3) not supported for Iceberg" in lake.failure(
        f"CREATE TABLE ice2 WITH ({properties}) AS {query.format(3)}"
    )
    lake.run(f"CREATE TABLE ice2 WITH ({properties}) AS {query.format(6)}")
    assert lake.rows("SELECT sum(id) FROM ice2") == [["3"]]
    assert lake.rows('SELECT sum(record_count) FROM "ice2$partitions"') == [["2"]]


def test_prepared_statements(athena_lake: AthenaLake) -> None:
    lake = athena_lake
    lake.run("PREPARE adder FROM SELECT ? + ?")
    assert lake.rows("EXECUTE adder USING 1, 2") == [["3"]]
    assert lake.rows("EXECUTE adder", ExecutionParameters=["4", "5"]) == [["9"]]
    assert "expected 2 but found 1" in lake.failure("EXECUTE adder USING 1")
    lake.run("DEALLOCATE PREPARE adder")
    assert "Prepared statement not found" in lake.failure("EXECUTE adder USING 1, 2")


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("COPY (SELECT 1) TO '/tmp/x'", "COPY"),
        ("ATTACH '/tmp/x' AS y", "ATTACH"),
        ("PRAGMA database_list", "PRAGMA"),
        ("INSTALL httpfs", "INSTALL"),
        ("SET threads = 1", "SET"),
        ("MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE", "MERGE"),
        ("OPTIMIZE t REWRITE DATA USING BIN_PACK", "OPTIMIZE"),
        ("VACUUM t", "VACUUM"),
        ("SELECT * FROM read_text('/etc/passwd')", "READ_TEXT"),
        ("SELECT read_text('/etc/passwd')", "read_text"),
        ("SELECT 1; SELECT 2", "SYNTAX_ERROR"),
        ("SHOW FUNCTIONS", "FUNCTIONS"),
    ],
)
def test_what_is_not_supported_fails_by_name(athena_lake: AthenaLake, sql: str, names: str) -> None:
    assert names.lower() in athena_lake.failure(sql).lower()
