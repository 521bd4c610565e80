"""Running statements: a bounded number at a time, each able to be stopped, none longer than allowed."""

from __future__ import annotations

import logging
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from localaws.athena.engine import BytesLimitError, Cancellation, CancelledError, Engine
from localaws.athena.failure import QueryError
from localaws.athena.glue_access import Glue
from localaws.athena.requests import seconds
from localaws.athena.result_files import column_info, metadata_of
from localaws.athena.saved_queries import PreparedStatements
from localaws.athena.sql.parser import with_parameters
from localaws.athena.state import Document, State
from localaws.athena.statements.parse import parse_statement
from localaws.athena.statements.prepared import resolve_prepared
from localaws.athena.statements.statement import Environment, Kind, Outcome
from localaws.service import AwsError, Context
from localaws.storage import LakeStorage, split_uri

_log = logging.getLogger(__name__)
CONCURRENCY: Final = 4
TIMEOUT_S: Final = 30 * 60.0


@dataclass(frozen=True)
class Machinery:
    """What every run is made of."""

    context: Context
    state: State
    engine: Engine
    glue: Glue
    prepared: PreparedStatements


class Runner:
    """Runs executions in the order in which they come in."""

    def __init__(self, machinery: Machinery, timeout_s: float = TIMEOUT_S) -> None:
        self._machinery = machinery
        self._timeout_s = timeout_s
        self._pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="athena")
        self._live: dict[str, Cancellation] = {}
        self._lock = threading.Lock()

    def submit(self, document: Document) -> None:
        """Queue an execution."""
        cancellation = Cancellation()
        with self._lock:
            self._live[document["QueryExecutionId"]] = cancellation
        self._pool.submit(self._run, document, cancellation)

    def cancel(self, execution_id: str) -> None:
        """Stop an execution if it is waiting or running."""
        with self._lock:
            cancellation = self._live.get(execution_id)
        if cancellation is not None:
            cancellation.request()

    def close(self) -> None:
        """Stop everything and wait until it has stopped."""
        with self._lock:
            live = list(self._live.values())
        for cancellation in live:
            cancellation.request()
        self._pool.shutdown(wait=True)
        self._machinery.engine.close()

    def _run(self, document: Document, cancellation: Cancellation) -> None:
        run = _Run(self._machinery, document, cancellation)
        timer = threading.Timer(self._timeout_s, run.time_out)
        timer.daemon = True
        timer.start()
        try:
            run.execute()
        finally:
            timer.cancel()
            with self._lock:
                self._live.pop(document["QueryExecutionId"], None)


class _Run:
    """One execution, from QUEUED to its end."""

    def __init__(self, machinery: Machinery, document: Document, cancellation: Cancellation) -> None:
        self._machinery = machinery
        self._document = document
        self._cancellation = cancellation
        self._timed_out = False
        self._started = machinery.context.clock.now()

    def time_out(self) -> None:
        """Stop because of the time that it took."""
        self._timed_out = True
        self._cancellation.request()

    def execute(self) -> None:
        """Run the statement and record how it ended."""
        self._started = self._machinery.context.clock.now()
        try:
            self._cancellation.check()
            self._save("RUNNING")
            outcome = self._outcome()
            self._finish(outcome)
        except CancelledError:
            reason = "Query timeout" if self._timed_out else "Query was cancelled by the user"
            self._end("FAILED" if self._timed_out else "CANCELLED", reason)
        except BytesLimitError:
            self._end("CANCELLED", "CANCELLED: Query cancelled! : Bytes scanned limit was exceeded")
        except QueryError as error:
            self._end("FAILED", str(error), 2)
        except AwsError as error:
            self._end("FAILED", f"{error.code}: {error.message}", 2)
        except Exception as error:
            _log.exception("query %s failed", self._document["QueryExecutionId"])
            self._end("FAILED", f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}", 1)

    def _outcome(self) -> Outcome:
        sql = self._document["Query"]
        parameters = self._document.get("ExecutionParameters") or []
        statement = resolve_prepared(sql, parameters, self._machinery.prepared, self._document["WorkGroup"])
        if statement is None:
            statement = parse_statement(with_parameters(sql, parameters) if parameters else sql)
        self._classify(statement.kind)
        environment = self._environment()
        try:
            return statement.run(environment)
        finally:
            shutil.rmtree(environment.spool_dir, ignore_errors=True)

    def _classify(self, kind: Kind) -> None:
        self._document["StatementType"] = kind.type
        self._document["SubstatementType"] = kind.subtype
        self._save("RUNNING")

    def _environment(self) -> Environment:
        machinery, document = self._machinery, self._document
        context = machinery.context
        return Environment(
            engine=machinery.engine,
            glue=machinery.glue,
            storage=LakeStorage(context.account_id),
            database=_plain(document["QueryExecutionContext"].get("Database") or "default"),
            now=context.clock.now(),
            execution_id=document["QueryExecutionId"],
            output=document["_output"],
            spool_dir=Path(context.data_dir, "athena", "spool", document["QueryExecutionId"]),
            cancellation=self._cancellation,
            bytes_limit=document["_bytes_limit"],
            endpoint_url=context.endpoint_url,
            region=context.region,
            account_id=context.account_id,
        )

    def _finish(self, outcome: Outcome) -> None:
        """Put the result into S3 and record the success."""
        base = f"{self._document['_output']}{self._document['QueryExecutionId']}"
        infos = [column_info(column) for column in outcome.columns]
        bucket, key = split_uri(base)
        storage = LakeStorage(self._machinery.context.account_id)
        if outcome.manifest is not None:
            lines = "".join(f"{uri}\n" for uri in outcome.manifest)
            storage.put(bucket, f"{key}-manifest.csv", lines.encode())
            self._document["Statistics"]["DataManifestLocation"] = f"{base}-manifest.csv"
        else:
            storage.put(bucket, f"{key}{outcome.suffix}", outcome.body)
        storage.put(bucket, f"{key}{outcome.suffix}.metadata", metadata_of(infos))
        self._document["ResultConfiguration"]["OutputLocation"] = f"{base}{outcome.suffix}"
        self._document["_columns"] = infos
        self._document["_has_header"] = outcome.has_header
        self._document["_rows"] = outcome.rows
        self._document["_update_count"] = outcome.rows if outcome.is_update else 0
        self._document["Statistics"]["DataScannedInBytes"] = outcome.bytes_scanned
        self._end("SUCCEEDED")

    def _end(self, state: str, reason: str | None = None, category: int | None = None) -> None:
        status = self._document["Status"]
        if reason is not None:
            status["StateChangeReason"] = reason
        if category is not None:
            status["AthenaError"] = {
                "ErrorCategory": category,
                "ErrorType": 1 if category == 1 else 1001,
                "Retryable": False,
                "ErrorMessage": reason,
            }
        now = self._machinery.context.clock.now()
        status["CompletionDateTime"] = seconds(now)
        self._document["Statistics"].update(self._times(seconds(now)))
        self._save(state)

    def _times(self, ended: float) -> dict[str, Any]:
        submitted = self._document["Status"]["SubmissionDateTime"]
        queued = max(0, round((seconds(self._started) - submitted) * 1000))
        total = max(0, round((ended - submitted) * 1000))
        return {
            "EngineExecutionTimeInMillis": max(0, total - queued),
            "QueryQueueTimeInMillis": queued,
            "TotalExecutionTimeInMillis": total,
            "QueryPlanningTimeInMillis": 0,
            "ServiceProcessingTimeInMillis": 0,
        }

    def _save(self, state: str) -> None:
        self._document["Status"]["State"] = state
        self._machinery.state.save_execution(self._document)


def _plain(name: str) -> str:
    """Return a database's name without the quotes that some clients send it in."""
    return name.strip('`"').lower()
