"""S3's part of Local AWS: lifecycle configurations and restores are answered here, and acted on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from localaws import base
from localaws.s3.configurations import DEFAULT_MINIMUM, Configurations
from localaws.s3.restore import RestoreRequest, Restores
from localaws.s3.runner import MoveLog, Runner
from localaws.service import AwsError, Context, Handler, HttpRequest
from localaws.storage import LakeStorage
from localaws.wire import Answer

_log = logging.getLogger(__name__)

_MINIMUM_HEADER = "x-amz-transition-default-minimum-object-size"
_COPY_SOURCE = "x-amz-copy-source"
_TICK_S = 60.0
_TICKS_A_RUN = 60


class S3Service:
    """Lifecycle and restores of S3 objects, by the clock of Local AWS."""

    target_prefix = "S3"
    operations: Mapping[str, Handler] = {}

    def __init__(self, context: Context) -> None:
        self._context = context
        self._storage = LakeStorage(context.account_id)
        folder = context.data_dir / "lifecycle"
        self._configurations = Configurations(folder / "rules.sqlite", context.account_id)
        self._moves = MoveLog(folder / "log.sqlite")
        self._restores = Restores(folder / "restores.sqlite", context.account_id, context.clock)
        self._running = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run_now_and_then, name="s3-lifecycle", daemon=True)
        self.pages = {("GET", "lifecycle/log"): self.show_log}

    def start(self) -> None:
        """Act on restores and rules whenever the clock is set, and every minute and hour."""
        base.use_clock(self._context.clock)
        base.use_standard_copies()
        self._restores.start()
        self._context.clock.subscribe(self._restores.run)
        self._context.clock.subscribe(self.run)
        self._thread.start()

    def stop(self) -> None:
        """Stop acting."""
        self._stopped.set()
        self._thread.join()
        with self._running:
            self._configurations.close()
            self._moves.close()
            self._restores.close()

    def answers(self, request: HttpRequest) -> bool:
        """Tell whether a request is for a lifecycle configuration, a restore, or a copy that cannot be."""
        if request.service != "s3":
            return False
        is_restore = request.method == "POST" and "restore" in request.query
        return "lifecycle" in request.query or is_restore or self._refusal(request) is not None

    def answer(self, request: HttpRequest, body: bytes) -> Answer:
        """Put, get or delete a bucket's lifecycle configuration, or restore an object."""
        bucket, key = base.bucket_and_key(request.path, request.headers.get("host", ""))
        if (refusal := self._refusal(request)) is not None:
            raise refusal
        if "restore" in request.query:
            return self._restore(bucket, key, request, body)
        if request.method == "PUT":
            minimum = request.headers.get(_MINIMUM_HEADER, DEFAULT_MINIMUM)
            self._configurations.put(bucket, body, minimum)
            return Answer(200, b"", headers={_MINIMUM_HEADER: minimum})
        if request.method == "DELETE":
            self._configurations.delete(bucket)
            return Answer(204, b"")
        found = self._configurations.get(bucket)
        return Answer(
            200, found.xml.encode(), "application/xml", headers={_MINIMUM_HEADER: found.minimum_size}
        )

    def _restore(self, bucket: str, key: str, request: HttpRequest, body: bytes) -> Answer:
        if "versionId" in request.query:
            message = "Local AWS does not do ?versionId of RestoreObject; see docs/local-aws.md"
            raise AwsError("NotImplemented", message, 501)
        return Answer(self._restores.restore(bucket, key, RestoreRequest.read(body)), b"")

    def _refusal(self, request: HttpRequest) -> AwsError | None:
        """Return why an object cannot be copied, if it is archived."""
        source = request.headers.get(_COPY_SOURCE)
        if source is None or request.method != "PUT":
            return None
        bucket, _, key = unquote(source.partition("?")[0]).removeprefix("/").partition("/")
        try:
            self._restores.check_readable(bucket, key)
        except AwsError as error:
            # A bucket that is not there is ministack's to refuse.
            return error if error.status == 403 else None
        return None

    def run(self, now: datetime) -> None:
        """Do everything that is due, in every bucket."""
        with self._running:
            for bucket in self._storage.buckets():
                try:
                    configuration = self._configurations.get(bucket)
                except AwsError as error:
                    if error.code in ("NoSuchLifecycleConfiguration", "NoSuchBucket"):
                        continue
                    raise
                Runner(self._context.account_id, bucket, self._moves).run(configuration, now)

    def show_log(self, _: dict[str, Any]) -> object:
        """Return the log of what moved."""
        return {"moves": self._moves.all()}

    def _run_now_and_then(self) -> None:
        ticks = 0
        while not self._stopped.wait(_TICK_S):
            ticks += 1
            try:
                self._restores.run(self._context.clock.now())
                if ticks % _TICKS_A_RUN == 0:
                    self.run(self._context.clock.now())
            except Exception:
                # The thread must outlive whatever one run meets.
                _log.exception("lifecycle rules or restores failed and are tried again")
