"""S3's part of Local AWS: lifecycle configurations are answered here, and acted on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from localaws import base
from localaws.s3.configurations import DEFAULT_MINIMUM, Configurations
from localaws.s3.runner import MoveLog, Runner
from localaws.service import AwsError, Context, Handler, HttpRequest
from localaws.storage import LakeStorage
from localaws.wire import Answer

_log = logging.getLogger(__name__)

_MINIMUM_HEADER = "x-amz-transition-default-minimum-object-size"
_RUN_EVERY_S = 3600.0


class S3Service:
    """Lifecycle of S3 objects, by the clock of Local AWS."""

    target_prefix = "S3"
    operations: Mapping[str, Handler] = {}

    def __init__(self, context: Context) -> None:
        self._context = context
        self._storage = LakeStorage(context.account_id)
        folder = context.data_dir / "lifecycle"
        self._configurations = Configurations(folder / "rules.sqlite", context.account_id)
        self._moves = MoveLog(folder / "log.sqlite")
        self._running = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run_hourly, name="s3-lifecycle", daemon=True)
        self.pages = {("GET", "lifecycle/log"): self.show_log}

    def start(self) -> None:
        """Act on rules whenever the clock is set, and every hour."""
        base.use_clock(self._context.clock)
        self._context.clock.subscribe(self.run)
        self._thread.start()

    def stop(self) -> None:
        """Stop acting."""
        self._stopped.set()
        self._thread.join()
        with self._running:
            self._configurations.close()
            self._moves.close()

    def answers(self, request: HttpRequest) -> bool:
        """Tell whether a request is for a lifecycle configuration."""
        return request.service == "s3" and "lifecycle" in request.query

    def answer(self, request: HttpRequest, body: bytes) -> Answer:
        """Put, get or delete a bucket's lifecycle configuration."""
        bucket, _ = base.bucket_and_key(request.path, request.headers.get("host", ""))
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

    def _run_hourly(self) -> None:
        while not self._stopped.wait(_RUN_EVERY_S):
            try:
                self.run(self._context.clock.now())
            except Exception:
                # The thread must outlive whatever one run meets.
                _log.exception("lifecycle rules failed and are tried again in an hour")
