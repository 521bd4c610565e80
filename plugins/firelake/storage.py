"""Objects in S3: list, read and write many of them at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from boto3.session import Session
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import (
    BaseError,
    InvalidPathError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from firelake import aws
from firelake.errors import FirelakeError, LakeUnreachable
from firelake.layout import split_uri, uri

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_CONCURRENCY = 16
_DELETE_AT_ONCE = 1000
# An answer may be cut short and yet look whole.
_DOWNLOAD_TRIES = 4
_RETRIES: RetryConfig = {"max_retries": 6, "retry_timeout": timedelta(seconds=120)}


@dataclass(frozen=True)
class ObjectInfo:
    """What a listing says of an object."""

    key: str
    size_bytes: int
    etag: str
    modified_at: datetime


class Bucket:
    """One S3 bucket.

    Every method raises :class:`LakeUnreachable` if the endpoint does not answer, access is denied,
    or the bucket or object does not exist; the message names the object.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._store = _store(
            name, os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        )

    def list(self, prefix: str) -> Iterator[ObjectInfo]:
        """Yield the objects whose keys begin with ``prefix``."""
        if prefix and not prefix.endswith("/"):
            # obstore lists whole folders only; it is an order of magnitude faster at them.
            for item in aws.list_objects(self.name, prefix):
                etag = item.get("ETag", "").strip('"')
                yield ObjectInfo(item["Key"], item["Size"], etag, item["LastModified"])
            return
        with _reaching(uri(self.name, prefix)):
            for page in obstore.list(self._store, prefix or None, chunk_size=1000):
                for meta in page:
                    yield ObjectInfo(
                        meta["path"], meta["size"], (meta["e_tag"] or "").strip('"'), meta["last_modified"]
                    )

    def folders(self, prefix: str) -> Iterator[str]:
        """Yield the folders whose paths begin with ``prefix`` and go one level deeper, slash included."""
        return aws.list_folders(self.name, prefix)

    def read(self, key: str) -> bytes:
        """Return an object's bytes, as stored."""
        with _reaching(uri(self.name, key)):
            return bytes(obstore.get(self._store, key).bytes())

    def read_all(self, keys: Iterable[str], concurrency: int = _CONCURRENCY) -> Iterator[bytes]:
        """Yield the bytes of many objects in the order of ``keys``, fetching some ahead."""
        with ThreadPoolExecutor(concurrency, thread_name_prefix="fetch") as pool:
            ahead = [pool.submit(self.read, key) for key in keys]
            for future in ahead:
                yield future.result()

    def write(self, key: str, body: bytes | Path) -> None:
        """Store an object; a path is read piece by piece."""
        with _reaching(uri(self.name, key)):
            obstore.put(self._store, key, body)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; those that do not exist are none the worse for it."""
        with _reaching(uri(self.name, "")):
            for batch in _batched(keys, _DELETE_AT_ONCE):
                obstore.delete(self._store, batch)

    def download(self, key: str, path: Path) -> None:
        """Store an object's bytes in a local file."""
        with _reaching(uri(self.name, key)), path.open("wb") as file:
            for piece in obstore.get(self._store, key).stream(min_chunk_size=4 << 20):
                file.write(piece)


def read_object(address: str) -> bytes:
    """Return the bytes of an ``s3://`` object; errors as of :class:`Bucket`."""
    bucket, key = split_uri(address)
    return Bucket(bucket).read(key)


def download_all(sizes: Mapping[str, int | None], directory: Path) -> dict[str, Path]:
    """Fetch many ``s3://`` objects into a folder; return the local path of each address.

    Parameters
    ----------
    sizes
        The size of each object by address; None where it is not known.

    Raises
    ------
    FirelakeError
        If an object keeps coming with another size.
    """
    paths = {address: directory / f"{number:05d}.parquet" for number, address in enumerate(sizes)}

    def fetch(address: str) -> None:
        bucket, key = split_uri(address)
        for _ in range(_DOWNLOAD_TRIES):
            Bucket(bucket).download(key, paths[address])
            if sizes[address] in (None, paths[address].stat().st_size):
                return
        came = paths[address].stat().st_size
        raise FirelakeError(f"{address}: {came} bytes came, but it has {sizes[address]}; run it again")

    with ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="fetch") as pool:
        list(pool.map(fetch, paths))
    return paths


def _batched(keys: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield keys in lists of at most ``size``."""
    remaining = iter(keys)
    while batch := list(islice(remaining, size)):
        yield batch


@lru_cache(maxsize=64)
def _store(bucket: str, endpoint: str | None) -> S3Store:
    session = Session()
    client: ClientConfig = {"timeout": timedelta(seconds=60), "connect_timeout": timedelta(seconds=5)}
    if endpoint is None:
        return S3Store(
            bucket,
            region=session.region_name,
            client_options=client,
            retry_config=_RETRIES,
            credential_provider=Boto3CredentialProvider(session),
        )
    return S3Store(
        bucket,
        endpoint=endpoint,
        region=session.region_name,
        virtual_hosted_style_request=False,
        client_options={**client, "allow_http": endpoint.startswith("http://")},
        retry_config=_RETRIES,
        credential_provider=Boto3CredentialProvider(session),
    )


@contextmanager
def _reaching(address: str) -> Iterator[None]:
    try:
        yield
    except NotFoundError as error:
        raise LakeUnreachable(
            f"{address} does not exist; create it, or correct FIRELAKE_NAME (which names the buckets)"
        ) from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise LakeUnreachable(f"{address}: access denied; check credentials and policies") from error
    except InvalidPathError as error:
        raise FirelakeError(f"{address}: a key here cannot be read: {str(error).splitlines()[0]}") from error
    except BaseError as error:
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "AWS")
        reason = str(error).splitlines()[0]
        raise LakeUnreachable(f"{address}: {endpoint} does not answer or failed: {reason}") from error
    except OSError as error:
        raise FirelakeError(f"{address}: {error}") from error
