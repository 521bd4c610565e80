"""The commands and their options."""

from __future__ import annotations

import argparse
from datetime import timedelta
from pathlib import Path

from firelake.durations import parse_duration

_EPILOG = """\
exit codes:
  0    done
  1    failed; the message says what to do
  2    wrong usage
  3    the gate found a critical rule broken; nothing was published
  4    something does not balance, or readers see something else than was published
  130  interrupted

environment:
  FIRELAKE_NAME     prefix of the lake's buckets (default: firelake)
  AWS_ENDPOINT_URL  where AWS answers; unset for AWS itself
  AWS_*             region, credentials and profile, as for every AWS tool
"""


class _Commands:
    """Adds commands that share their style and options."""

    def __init__(self, parent: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        self._parent = parent

    def add(self, name: str, command: str, summary: str, *examples: str) -> argparse.ArgumentParser:
        parser = self._parent.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog="examples:\n" + "\n".join(f"  firelake {example}" for example in examples),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.add_argument("--json", action="store_true", help="print the outcome as JSON")
        parser.set_defaults(command=command)
        return parser


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="firelake",
        description="Raw Firehose objects in, a trusted, accounted-for lake out.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = _Commands(parser.add_subparsers(title="commands", required=True, metavar="COMMAND"))
    _declaring(commands)
    _running(commands)
    _looking(commands)
    _quarantine(commands)
    _errors(commands)
    _advising(commands)
    _maintaining(commands)
    _analysing(commands)
    _operating(commands)
    return parser


def _declaring(commands: _Commands) -> None:
    examples = ["validate", "validate --spec menu_clicks.yaml --json"]
    validate = commands.add("validate", "declaring:validate", "check specs, suites and summaries", *examples)
    validate.add_argument("--spec", type=Path, metavar="FILE", help="check this dataset only")
    examples = ["prepare", "prepare --spec menu_clicks.yaml"]
    prepare = commands.add(
        "prepare", "declaring:prepare", "make buckets, databases, tables, workgroup and crawlers", *examples
    )
    prepare.add_argument("--spec", type=Path, metavar="FILE", help="prepare for this dataset only")


def _running(commands: _Commands) -> None:
    examples = ["plan menu_clicks --period 2026-11-21"]
    plan = commands.add("plan", "running:plan", "say what a run would take in; change nothing", *examples)
    _dataset(plan)
    _period(plan)
    examples = [
        "run menu_clicks --period 2026-11-21",
        "run menu_clicks --since 2026-11-01 --until 2026-11-21 --json",
        "run --spec elsewhere/menu_clicks.yaml --period 2026-11-21T14 --dry-run",
    ]
    run = commands.add("run", "running:run", "compact, gate, publish and verify arrival periods", *examples)
    _dataset(run)
    _period(run)
    _dry_run(run)
    examples = ["rebuild menu_clicks --since 2026-11-01 --until 2026-11-07"]
    rebuild = commands.add(
        "rebuild", "running:rebuild", "make the rows of a range of event days anew from raw", *examples
    )
    _dataset(rebuild)
    _range(rebuild, "event day", required=True)
    _dry_run(rebuild)


def _looking(commands: _Commands) -> None:
    examples = ["status", "status menu_clicks --json", "status --alert"]
    status = commands.add("status", "looking:status", "say how fresh and how large datasets are", *examples)
    _dataset(status)
    status.add_argument(
        "--alert", action="store_true", help="tell people of stale datasets, as their `alerts` declare"
    )
    examples = ["reconcile", "reconcile menu_clicks --since 2026-11-01 --until 2026-11-21"]
    reconcile = commands.add(
        "reconcile",
        "reconciling:reconcile",
        "compare raw, the ledger and what readers see; all that ever arrived, unless said",
        *examples,
    )
    _dataset(reconcile)
    _range(reconcile, "arrival period", required=False)
    examples = ["check-catalog", "check-catalog --count-since 2026-11-14"]
    catalog = commands.add(
        "check-catalog",
        "reconciling:check_catalog",
        "compare the catalog and buckets with what is declared",
        *examples,
    )
    catalog.add_argument(
        "--count-since", metavar="DAY", help="count the partitions since this event day in Athena, too"
    )

    examples = ["cost", "cost menu_clicks --months 24", "cost --csv cost.csv"]
    cost = commands.add(
        "cost",
        "costing:cost",
        "say what datasets cost a month and a year, and what would be cheaper",
        *examples,
    )
    _dataset(cost)
    cost.add_argument(
        "--months", type=int, choices=range(1, 61), default=12, metavar="N", help="look so far ahead (12)"
    )
    cost.add_argument("--csv", type=Path, metavar="FILE", help="write what a month costs here as well")


def _quarantine(commands: _Commands) -> None:
    parser = commands.add(
        "quarantine", "quarantined:count", "look at refused records", "quarantine list menu_clicks"
    )
    below = _Commands(parser.add_subparsers(title="commands", required=True, metavar="COMMAND"))
    examples = ["quarantine list menu_clicks --since 2026-11-21 --until 2026-11-21"]
    _selection(
        below.add("list", "quarantined:count", "count refused records by period and reason", *examples)
    )
    examples = [
        "quarantine show menu_clicks --reason wrong_type --limit 5",
        "quarantine show menu_clicks --run ID",
    ]
    show = below.add("show", "quarantined:show", "print refused records with their place in raw", *examples)
    _selection(show)
    show.add_argument("--object", metavar="KEY", help="only those of this raw object")
    show.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    examples = ["quarantine replay menu_clicks --reason wrong_type"]
    replay = below.add(
        "replay", "quarantined:replay", "run the periods with refused records again, after a fix", *examples
    )
    _selection(replay)


def _errors(commands: _Commands) -> None:
    examples = ["errors list menu_clicks"]
    parser = commands.add(
        "errors", "undelivered:count", "look at records that Firehose could not deliver", *examples
    )
    below = _Commands(parser.add_subparsers(title="commands", required=True, metavar="COMMAND"))
    examples = ["errors list menu_clicks --since 2026-11-21 --until 2026-11-21"]
    listing = below.add("list", "undelivered:count", "count them by period and error", *examples)
    examples = ["errors show menu_clicks --limit 5"]
    show = below.add("show", "undelivered:show", "print them as they came", *examples)
    show.add_argument("--limit", type=int, default=20, metavar="N", help="at most so many (default: 20)")
    examples = ["errors replay menu_clicks", "errors replay menu_clicks --object errors/menu_clicks/…"]
    replay = below.add("replay", "undelivered:replay", "put them into raw and run their periods", *examples)
    for selecting in (listing, show, replay):
        _dataset(selecting)
        _range(selecting, "arrival period", required=False)
    for selecting in (show, replay):
        selecting.add_argument("--object", metavar="KEY", help="only those of this error object")


def _advising(commands: _Commands) -> None:
    examples = [
        "suggest-suite menu_clicks > expectations/menu_clicks.json",
        "suggest-suite menu_clicks --since 2026-11-01 --until 2026-11-07",
    ]
    suggest = commands.add(
        "suggest-suite",
        "advising:suggest_suite",
        "propose a suite from published rows, to be reviewed",
        *examples,
    )
    _dataset(suggest)
    _range(suggest, "event partition", required=False)
    examples = ["drift menu_clicks --period 2026-11-21"]
    drift = commands.add(
        "drift", "advising:drift", "compare the fields that arrived with the spec; propose changes", *examples
    )
    _dataset(drift)
    _period(drift)


def _maintaining(commands: _Commands) -> None:
    examples = ["maintain", "maintain --apply --grace 7d", "maintain menu_clicks --apply"]
    maintain = commands.add(
        "maintain", "maintaining:maintain", "expire snapshots, remove orphans, join small files", *examples
    )
    _dataset(maintain)
    _apply(maintain)
    maintain.add_argument(
        "--grace",
        type=_grace,
        default=timedelta(days=7),
        metavar="DURATION",
        help="what a reader or run may still need: nothing younger is removed (default: 7d)",
    )


def _analysing(commands: _Commands) -> None:
    examples = [
        "report menu_clicks --since 2026-11-01 --until 2026-11-07",
        "report menu_clicks --since 2026-11-01 --until 2026-11-07 --out week.html",
    ]
    report = commands.add(
        "report", "analysing:report", "show a range of event days as a table, charts or a file", *examples
    )
    _dataset(report)
    _range(report, "event day", required=True)
    report.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write FILE.html with charts, or rows to FILE.csv or .parquet",
    )
    examples = [
        "export menu_clicks --out clicks",
        "export iot_device_health_daily --format csv --out health --since 2026-11-01 --until 2026-11-07",
        "export trusted.iot_device_telemetry --sample 0.01 --format feather --out sample",
    ]
    export = commands.add(
        "export",
        "analysing:export",
        "write a trusted or summary table as files, one for each event partition; goes on where it stopped",
        *examples,
    )
    export.add_argument("table", metavar="TABLE", help="trusted.NAME, summary.NAME or NAME")
    export.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the files go")
    export.add_argument(
        "--format", choices=("parquet", "arrow", "feather", "csv"), default="parquet", help="default: parquet"
    )
    export.add_argument(
        "--sample", type=float, default=1.0, metavar="SHARE", help="take this share of the rows, 0 to 1"
    )
    _range(export, "event partition", required=False)


def _operating(commands: _Commands) -> None:
    examples = [
        "accept menu_clicks",
        'accept menu_clicks --run cli-20261121T001500Z-5d3f9a10 --by "J. Doe" --why "Holiday: few guests"',
    ]
    accept = commands.add(
        "accept", "operating:accept", "publish a batch that the gate refused, and say who and why", *examples
    )
    _dataset(accept)
    accept.add_argument("--run", metavar="RUN", help="the run that staged it; without it, list the refused")
    accept.add_argument("--by", metavar="NAME", help="who answers for it")
    accept.add_argument("--why", metavar="TEXT", help="why it may be published all the same")
    examples = ["rollback menu_clicks", "rollback menu_clicks --to 5012330718249611 --apply"]
    rollback = commands.add(
        "rollback", "operating:rollback", "let readers see an earlier snapshot of a trusted table", *examples
    )
    _dataset(rollback)
    rollback.add_argument("--to", type=int, metavar="SNAPSHOT", help="its id; without it, list the snapshots")
    _apply(rollback)
    examples = [
        "erase charging --column driver_email --values-from values.txt",
        "erase charging --column driver_email --values-from - --apply < values.txt",
    ]
    erase = commands.add(
        "erase", "operating:erase", "erase records by personal data from everywhere, with proof", *examples
    )
    _dataset(erase)
    erase.add_argument("--column", required=True, metavar="NAME", help="a column with `pii: true`")
    erase.add_argument(
        "--values-from",
        type=argparse.FileType(encoding="utf-8"),
        required=True,
        metavar="FILE",
        help="its values, one a line; - for the standard input, so that no process list shows them",
    )
    _apply(erase)


def _apply(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--apply", action="store_true", help="do it; without this, only say what would be done"
    )


def _dataset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", nargs="?", metavar="DATASET", help="a name in include/datasets")
    parser.add_argument("--spec", type=Path, metavar="FILE", help="a dataset's file elsewhere")


def _period(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--period", metavar="P", help="arrival period: 2026-11-21 or 2026-11-21T14")
    _range(parser, "arrival period", required=False)


def _range(parser: argparse.ArgumentParser, what: str, *, required: bool) -> None:
    parser.add_argument("--since", metavar="P", required=required, help=f"first {what}")
    parser.add_argument("--until", metavar="P", required=required, help=f"last {what}, included")


def _dry_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--dry-run", action="store_true", help="stage and judge, but publish nothing (maintain removes it)"
    )


def _selection(parser: argparse.ArgumentParser) -> None:
    _dataset(parser)
    _range(parser, "arrival period", required=False)
    parser.add_argument("--reason", metavar="CODE", help="only those refused for this reason")
    parser.add_argument(
        "--run",
        metavar="ID",
        help="only those that this run refused, even if the gate let it publish nothing",
    )


def _grace(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
