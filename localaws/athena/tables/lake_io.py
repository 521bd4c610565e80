"""pyiceberg's file access to the lake's objects on disk, past HTTP; reading only."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile
from pyiceberg.typedef import EMPTY_DICT, Properties

from localaws.service import AwsError
from localaws.storage import LakeStorage, split_uri


class _LakeInput(InputFile):
    def __init__(self, location: str, storage: LakeStorage) -> None:
        super().__init__(location)
        self._storage = storage

    def _path(self) -> Path:
        bucket, key = split_uri(self.location)
        try:
            return self._storage.path(bucket, key)
        except AwsError as error:
            raise FileNotFoundError(f"{self.location}: {error.message}") from error

    def __len__(self) -> int:
        return self._path().stat().st_size

    def exists(self) -> bool:
        bucket, key = split_uri(self.location)
        return self._storage.has_bucket(bucket) and self._storage.get(bucket, key) is not None

    def open(self, seekable: bool = True) -> InputStream:
        return cast(InputStream, self._path().open("rb"))


class LakeFileIO(FileIO):
    """Opens ``s3://`` addresses as the files that hold their bytes."""

    def __init__(self, properties: Properties = EMPTY_DICT) -> None:
        super().__init__(properties)
        self._storage = LakeStorage(properties["lake.account-id"])

    def new_input(self, location: str) -> InputFile:
        """Return a file to read."""
        return _LakeInput(location, self._storage)

    def new_output(self, location: str) -> OutputFile:
        """Refuse to write: tables are written through the catalog."""
        raise PermissionError(f"{location}: a query reads tables and writes none this way")

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Refuse to delete."""
        raise PermissionError(f"{location}: a query reads tables and deletes nothing")
