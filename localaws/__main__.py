"""Run Local AWS: ``python -m localaws``."""

from __future__ import annotations

import argparse
import fcntl
import logging
import socket
import sys
from pathlib import Path
from typing import IO

import uvloop

from localaws import base
from localaws.service import Context

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class StartError(Exception):
    """Why Local AWS cannot start, in one line."""


def main(arguments: list[str] | None = None) -> int:
    """Run until SIGTERM or SIGINT; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        listener = _listen(options.host, options.port)
        lock = _lock(options.data_dir)
    except StartError as error:
        print(f"localaws: {error}", file=sys.stderr)
        return 2
    with listener, lock:
        uvloop.run(_serve(listener, options))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="localaws", description="AWS for a lake, on this machine only.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument(
        "--port", type=int, default=4566, help="port, 0 for any free one (default: %(default)s)"
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path("var/localaws"),
        help="folder of all state (default: %(default)s)",
    )
    parser.add_argument(
        "--engine",
        choices=("duckdb", "trino"),
        default="duckdb",
        help="what runs Athena's queries; trino needs `make trino` (default: %(default)s)",
    )
    parser.add_argument(
        "--trino-url",
        help="a Trino that runs already, whose catalog awsdatacatalog is on this lake"
        " (default: start one with the first query)",
    )
    parser.add_argument("--log-level", choices=_LOG_LEVELS, default="WARNING", help="default: %(default)s")
    return parser


def _listen(host: str, port: int) -> socket.socket:
    # The protocol is named because asyncio sends small answers at once only where it is.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise StartError(
            f"cannot listen on {host}:{port} ({error.strerror}); stop what uses it or choose another --port"
        ) from error
    return listener


def _lock(data_dir: Path) -> IO[str]:
    """Hold the data folder, for two processes would overwrite each other's state."""
    data_dir.mkdir(parents=True, exist_ok=True)
    lock = (data_dir / ".lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise StartError(
            f"another Local AWS uses {data_dir}; stop it or choose another --data-dir"
        ) from error
    return lock


async def _serve(listener: socket.socket, options: argparse.Namespace) -> None:
    host, port = listener.getsockname()
    data_dir, log_level = options.data_dir.resolve(), options.log_level
    base.configure(data_dir, port, log_level)
    base.s3()
    # Imported only now: ministack reads its settings when it is imported.
    from localaws.admin import Admin
    from localaws.gateway import Gateway
    from localaws.server import serve
    from localaws.services import load_services

    context = Context(
        data_dir=data_dir,
        endpoint_url=f"http://{host}:{port}",
        athena_engine=options.engine,
        trino_url=options.trino_url,
    )
    services = load_services(context)
    gateway = Gateway(base.application().app, services, Admin(context, services))
    print(f"Local AWS on {context.endpoint_url}, state in {data_dir}", flush=True)
    await serve(gateway, listener)


if __name__ == "__main__":
    sys.exit(main())
