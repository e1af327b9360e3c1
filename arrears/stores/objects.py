"""Small objects in S3 (or in a local folder, for debugging by hand): facts, manifests, plots, locks.

The server is `S3Server`'s. Credentials come from the environment or the machine's role, as boto3 reads them.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import mimetypes
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlparse

from arrears.contracts.addresses import bucket_and_key
from arrears.contracts.errors import UpstreamNotReady
from arrears.contracts.locations import Location
from arrears.contracts.s3_server import S3Server
from arrears.stores.s3_errors import tell_causes

_CONFLICT_CODES = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_ABSENT_CODES = {"NoSuchKey", "404", "NotFound"}
_MEDIA_TYPES = mimetypes.MimeTypes()  # Python's own table: not that of the machine
_MEDIA_TYPES.add_type("application/yaml", ".yaml")


@dataclass(frozen=True)
class ObjectInfo:
    """Address, bytes, entity tag and last change (UTC) of one stored object."""

    uri: str
    size: int
    etag: str
    modified_at: datetime


def is_reachable(uri: str) -> bool:
    """Whether `Objects` can look there: at addresses such as ``hdfs://`` only Spark can."""
    return uri.startswith(("s3://", "s3a://", "file://"))


def media_type(name: str) -> str:
    """The media type of a file, by the end of its name."""
    kind, _ = _MEDIA_TYPES.guess_type(name)
    if kind is None:
        return "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


def uri_of(place: str) -> str:
    """The address of a local path or of an address as a person wrote it. BadConfiguration where it is none."""
    return Location.of(place).uri


class Objects:
    """Reads and writes whole small objects by address (``s3://`` or ``file://``)."""

    def prepare(self) -> None:
        """Makes the client of S3 before it is needed: the first one of a process takes half a second."""
        _ = self._s3

    def get(self, uri: str) -> bytes:
        """The object's bytes. UpstreamNotReady when it does not exist."""
        return self.get_with_etag(uri)[0]

    def get_with_etag(self, uri: str) -> tuple[bytes, str]:
        """The object's bytes and the entity tag that `replace` compares with."""
        if _is_file(uri):
            try:
                body = _path(uri).read_bytes()
            except FileNotFoundError:
                raise UpstreamNotReady(f"{uri} does not exist") from None
            return body, _file_etag(body)
        bucket, key = bucket_and_key(uri)
        try:
            response = self._s3.get_object(Bucket=bucket, Key=key)
        except self._s3.exceptions.ClientError as error:
            if _code(error) in _ABSENT_CODES:
                raise UpstreamNotReady(f"{uri} does not exist") from None
            raise
        return response["Body"].read(), response["ETag"]

    def get_json(self, uri: str) -> Any:
        """The object parsed as JSON."""
        return json.loads(self.get(uri))

    def beginning(self, uri: str, size: int) -> bytes:
        """The first bytes of the object, at most so many. UpstreamNotReady when it does not exist."""
        if _is_file(uri):
            with self.open(uri) as file:
                return file.read(size)
        if not self.size(uri):  # S3 has no range of what is empty
            return self.get(uri)
        bucket, key = bucket_and_key(uri)
        part: bytes = self._s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=0-{size - 1}")["Body"].read()
        return part

    def open(self, uri: str) -> IO[bytes]:
        """The object as a file that can be read from any place, however large: one of S3 is copied to disk first.

        Raises:
            UpstreamNotReady: it does not exist.
        """
        if _is_file(uri):
            try:
                return _path(uri).open("rb")
            except FileNotFoundError:
                raise UpstreamNotReady(f"{uri} does not exist") from None
        bucket, key = bucket_and_key(uri)
        copy = tempfile.TemporaryFile()  # noqa: SIM115  # the caller closes it
        try:
            self._s3.download_fileobj(bucket, key, copy)
        except self._s3.exceptions.ClientError as error:
            copy.close()
            if _code(error) in _ABSENT_CODES:
                raise UpstreamNotReady(f"{uri} does not exist") from None
            raise
        copy.seek(0)
        return copy

    def put(self, uri: str, body: bytes) -> None:
        """Writes the object whole, replacing any earlier one. The end of its name decides its media type."""
        if _is_file(uri):
            _write_atomically(_path(uri), body)
            return
        bucket, key = bucket_and_key(uri)
        self._s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=media_type(uri))

    def put_json(self, uri: str, content: Any) -> None:
        """Writes JSON that a person can read."""
        self.put(uri, json.dumps(content, indent=1, sort_keys=True).encode())

    def create(self, uri: str, body: bytes) -> bool:
        """Writes the object only if none is there. False when another writer was first."""
        if _is_file(uri):
            return _create_file(_path(uri), body)
        return self._put_if(uri, body, IfNoneMatch="*")

    def replace(self, uri: str, body: bytes, *, etag: str) -> bool:
        """Writes the object only if it is still the one with this entity tag. False when it has changed.

        On ``file://`` the comparison and the write are two steps: good for debugging by one person, not for locks.
        """
        if _is_file(uri):
            if self.get_with_etag(uri)[1] != etag:
                return False
            _write_atomically(_path(uri), body)
            return True
        return self._put_if(uri, body, IfMatch=etag)

    def exists(self, uri: str) -> bool:
        """Whether the object is there."""
        if _is_file(uri):
            return _path(uri).is_file()
        return self.size(uri) is not None

    def size(self, uri: str) -> int | None:
        """Bytes of the object, None when it is not there."""
        if _is_file(uri):
            return _path(uri).stat().st_size if _path(uri).is_file() else None
        bucket, key = bucket_and_key(uri)
        try:
            return int(self._s3.head_object(Bucket=bucket, Key=key)["ContentLength"])
        except self._s3.exceptions.ClientError as error:
            if _code(error) in _ABSENT_CODES:
                return None
            raise

    def list(self, prefix_uri: str) -> list[ObjectInfo]:
        """Every object below a folder address, by name."""
        if _is_file(prefix_uri):
            files = sorted(path for path in _path(prefix_uri).rglob("*") if path.is_file())
            return [_file_info(path) for path in files]
        bucket, prefix = bucket_and_key(prefix_uri)
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix.rstrip("/") + "/")
        return [
            ObjectInfo(f"s3://{bucket}/{item['Key']}", item["Size"], item["ETag"], item["LastModified"])
            for page in pages
            for item in page.get("Contents", ())
        ]

    def stored_bytes(self, uri: str) -> int:
        """Bytes of an object, or of all objects below a folder."""
        return sum(item.size for item in self.list(uri)) or self.size(uri) or 0

    def delete(self, uri: str) -> None:
        """Removes the object. Removing what is not there is no error."""
        if _is_file(uri):
            _path(uri).unlink(missing_ok=True)
            return
        bucket, key = bucket_and_key(uri)
        self._s3.delete_object(Bucket=bucket, Key=key)

    @property
    def _s3(self) -> Any:
        return _client(os.getpid(), tuple(sorted(os.environ.items())))

    def _put_if(self, uri: str, body: bytes, **condition: str) -> bool:
        bucket, key = bucket_and_key(uri)
        try:
            self._s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json", **condition)
        except self._s3.exceptions.ClientError as error:
            if _code(error) in _CONFLICT_CODES or ("IfMatch" in condition and _code(error) in _ABSENT_CODES):
                return False
            raise
        return True


@functools.lru_cache(maxsize=8)
def _client(process: int, environ: tuple[tuple[str, str], ...]) -> Any:
    """The client of a process in an environment: making one costs a tenth of a second, and half a second at first.

    Args:
        process: connections must not be shared with a forked child.
    """
    # boto3 takes a third of a second to import: only those who touch S3 pay for it.
    import boto3
    from botocore.config import Config

    logging.getLogger("botocore.credentials").setLevel(logging.WARNING)  # it says of each client where it looked
    server = S3Server.from_env(dict(environ))
    # A session of its own: the one boto3 shares would keep the first environment's credentials.
    client = boto3.session.Session().client(
        "s3",
        **server.for_boto3(),
        config=Config(
            signature_version="s3v4",
            retries={"mode": "standard", "total_max_attempts": 4},
            s3={"addressing_style": "path" if server.path_style else "auto"},
        ),
    )
    tell_causes(client)
    return client


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_file(uri: str) -> bool:
    return uri.startswith("file://")


def _path(uri: str) -> Path:
    return Path(unquote(urlparse(uri).path))


def _file_etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _file_info(path: Path) -> ObjectInfo:
    stat = path.stat()
    return ObjectInfo(path.as_uri(), stat.st_size, "", datetime.fromtimestamp(stat.st_mtime, UTC))


def _write_atomically(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as target:
        target.write(body)
    Path(temporary).replace(path)


def _create_file(path: Path, body: bytes) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("xb") as target:
            target.write(body)
    except FileExistsError:
        return False
    return True
