"""Errors of libraries in terms of Arrears: what is wrong, where, who must act, and whether trying again helps.

Spark reads when rows are asked for, so a refusal of a source may come out of any line of a job. That is why causes are
told here, of whatever error arrives, and not where each library is called. Of an error's text only names of files,
buckets, hosts and types are taken: the rest may quote a borrower's row.

See docs/adr/0058.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterator, Sequence

from arrears.contracts import errors
from arrears.contracts.errors import ArrearsError, BadConfiguration, BadInput, Unreachable, UpstreamNotReady
from arrears.stores.s3_errors import no_bucket, no_permission, no_space, outage

# Of their texts the rules below are true. Another library's words must not be taken for them.
_FOREIGN = ("pyspark", "py4j", "pyarrow", "botocore", "boto3", "s3transfer", "requests", "urllib3")
_PLACE = re.compile(
    r"(?:s3a?|file|hdfs|gs|abfss?|wasbs?)://?[^\s'\"`,;()<>]*[^\s'\"`,;()<>:.\]]"
    r"|(?<=bucket ')[\w.-]+(?=')|(?<=not exist ')[^']+(?=')"
)
_OURS = re.compile(r"^arrears\.contracts\.errors\.(\w+): (.+)$", re.MULTILINE)
_AGAIN = "run again when it is back"

Rule = tuple[re.Pattern[str], Callable[[re.Match[str], str], ArrearsError]]


def cause_of(error: BaseException) -> ArrearsError | None:
    """The error in terms of Arrears. None where it is none of a library that we know: a bug."""
    if isinstance(error, ArrearsError):
        return error
    told = (cause for each in _chain(error) for cause in _told(each))
    return next(told, None)


def _told(error: BaseException) -> Iterator[ArrearsError]:
    module = type(error).__module__.partition(".")[0]
    if isinstance(error, ArrearsError):
        yield error
    if isinstance(error, (OSError, MemoryError)):
        yield from filter(None, (_of_system(error),))
    if module == "botocore" and isinstance(error, Exception):
        yield from filter(None, (outage(error, "the S3 server"),))
    if module == "mlflow":
        yield from _of_text(str(error), _OF_MLFLOW)
    # A data exception of SQL quotes the value that did not fit: nothing in it names a cause.
    if (module in _FOREIGN or isinstance(error, OSError)) and "SQLSTATE: 22" not in str(error):
        yield from _of_text(str(error), _RULES)


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__


def _of_system(error: OSError | MemoryError) -> ArrearsError | None:
    if isinstance(error, MemoryError):
        return _no_memory()
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return no_space(f"the disk of {error.filename}" if error.filename else "this machine's disk")
    if error.errno in (errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP):
        return BadConfiguration(f"{error.filename} is no file that can be read: {error.strerror}")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and error.filename:
        return _forbidden(f"file://{error.filename}")
    return None


def _of_text(text: str, rules: Sequence[Rule]) -> Iterator[ArrearsError]:
    for rule, told in rules:
        match = rule.search(text)
        if match is not None:
            place = _PLACE.search(text, match.start()) or _PLACE.search(text)
            yield told(match, place[0].replace("s3a://", "s3://") if place else "")


def _told_in_worker(match: re.Match[str], place: str) -> ArrearsError:
    kind = getattr(errors, match[1], ArrearsError)
    told: ArrearsError = kind(match[2])
    return told


def _bucket(place: str) -> str:
    return place.partition("://")[2].partition("/")[0] or place or "of the address"


def _forbidden(place: str) -> BadConfiguration:
    if place.startswith(("file:", "hdfs:")):
        return BadConfiguration(f"no permission to use {place}: give it to the user of this process")
    return no_permission("use", place or "a place of the source", "its server")


def _no_memory() -> BadConfiguration:
    return BadConfiguration(
        "the job ran out of memory: give its driver and executors more (include/cluster_sizes.py), or fewer columns"
    )


def _host(match: re.Match[str], place: str) -> ArrearsError:
    named = next((group for group in match.groups() if group), "")
    return Unreachable(f"{named or place or 'a server'} does not answer: check its address, or {_AGAIN}")


_RULES: tuple[Rule, ...] = (
    (_OURS, _told_in_worker),
    (
        re.compile(r"UnknownStoreException|NoSuchBucket|NO_SUCH_BUCKET"),
        lambda _, place: no_bucket(_bucket(place)),
    ),
    (
        re.compile(r"No FileSystem for scheme \"?([\w.+-]+)|UNSUPPORTED_FILE_SYSTEM|Class [\w.]*FileSystem not found"),
        lambda match, place: BadConfiguration(
            f"Spark has no connector for {match[1] + '://' if match[1] else place or 'this address'}: copy the data to"
            " s3://, or put its connector into ARREARS_SPARK_JARS"
        ),
    ),
    (
        re.compile(r"InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|NoAuthWithAWS|Unable to load credentials"),
        lambda match, place: BadConfiguration(
            f"the S3 server does not accept the keys of this process, which asked for {place or 'a bucket'}: see"
            " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile or the machine's role"
        ),
    ),
    (
        re.compile(r"AccessDenied|ACCESS_DENIED|AccessControlException|Permission denied|[Ss]tatus [Cc]ode: 403"),
        lambda _, place: _forbidden(place),
    ),
    (
        re.compile(r"bucket is null/empty"),
        lambda _, place: BadConfiguration(f"{place or 'the address'} names no bucket that Spark can address"),
    ),
    (
        re.compile(r"No space left on device|Disk quota exceeded|QuotaExceeded|XMinioStorageFull"),
        lambda _, place: no_space("a disk of Spark's driver or executors, or on the S3 server"),
    ),
    (
        re.compile(r"OutOfMemoryError|MemoryError|bad_alloc|beyond physical memory limits|maxResultSize"),
        lambda _, place: _no_memory(),
    ),
    (
        re.compile(
            r"All masters are unresponsive|Master removed our application|SparkContext was shut down"
            r"|Cannot call methods on a stopped SparkContext"
        ),
        lambda _, place: Unreachable(f"Spark's master does not answer or has ended the job: {_AGAIN}"),
    ),
    (
        re.compile(r"JAVA_GATEWAY_EXITED"),
        lambda _, place: BadConfiguration(
            "Java, in which Spark runs, did not start: JAVA_HOME must name a Java 17 or 21"
        ),
    ),
    (
        re.compile(
            r"Answer from Java side is empty|Error while sending or receiving|An error occurred while trying to conn"
        ),
        lambda _, place: Unreachable(
            "Java, in which Spark runs, has ended by itself, as it does where the machine has no memory left: run again"
        ),
    ),
    (
        re.compile(r"ExecutorLostFailure|Remote RPC client disassociated|FetchFailed|heartbeat timed out"),
        lambda _, place: Unreachable("Spark has lost executors again and again: see the workers' logs, and run again"),
    ),
    (
        re.compile(
            r"UnknownHostException: ([\w.-]+)|(?:ConnectException|HttpHostConnectException): [^\n]*?([\w.-]+:\d+)"
            r"|Connection refused|SocketTimeoutException|NoRouteToHost|Could not connect to the endpoint"
            r"|NETWORK_CONNECTION"
        ),
        _host,
    ),
    (
        re.compile(r"FILE_NOT_EXIST|Path does not exist|FileNotFoundException|DELTA_FILE_NOT_FOUND|DELTA_TRUNCATED"),
        lambda _, place: UpstreamNotReady(
            f"{place or 'a file'} went away while it was read: another run or somebody removed it, or Spark's"
            " workers do not see this machine's path; run again"
        ),
    ),
    (
        re.compile(r"DELTA_PATH_DOES_NOT_EXIST|DELTA_TABLE_NOT_FOUND"),
        lambda _, place: UpstreamNotReady(f"there is no Delta table at {place or 'the address'} yet"),
    ),
    (
        re.compile(r"DELTA_UNSUPPORTED_FEATURES\w*|DELTA_INVALID_PROTOCOL_VERSION|DELTA_UNSUPPORTED_READER\w*"),
        lambda match, place: BadInput(
            f"the Delta table {place} uses a feature that Delta here does not read ({match[0]}): write it without, or"
            " as Parquet"
        ),
    ),
    (
        re.compile(
            r"UNSUPPORTED_TIME_TYPE|PARQUET_TYPE_(?:ILLEGAL|NOT_SUPPORTED|NOT_RECOGNIZED)"
            r"|Illegal Parquet type: (\w+ ?\([^\n]*?\)+)"
        ),
        lambda match, place: BadInput(
            f"a column of {place or 'the Parquet files'} has a type that Spark does not read"
            f"{': ' + match[1] if match[1] else ''}; write it as a timestamp or a number"
        ),
    ),
    (
        re.compile(
            r"is not a Parquet file|Parquet magic bytes not found|ChecksumException"
            r"|CANNOT_READ_FILE_FOOTER|Could not read footer|PARQUET_CONVERSION"
        ),
        lambda _, place: BadInput(f"{place or 'a file of the source'} is not whole or is no Parquet: deliver it again"),
    ),
    (
        re.compile(r"PARQUET_COLUMN_DATA_TYPE_MISMATCH|SchemaColumnConvertNotSupported|FAILED_MERGING_SCHEMA"),
        lambda _, place: BadInput(
            f"the files of the source do not have the same types: {place or 'one'} differs; write all with one schema"
        ),
    ),
)
_OF_MLFLOW: tuple[Rule, ...] = (
    (
        re.compile(r"Cannot set a deleted experiment|must be in the 'active' (?:lifecycle_stage|state)"),
        lambda _, place: BadConfiguration(
            "the MLflow experiment or run was deleted: restore it (mlflow experiments restore, mlflow runs restore)"
        ),
    ),
    (
        re.compile(r"error code (?:401|403)|PERMISSION_DENIED|UNAUTHENTICATED|not authenticated|Permission denied"),
        lambda _, place: BadConfiguration(
            "MLflow does not let this process in: see MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
        ),
    ),
    (
        re.compile(r"error code 404|not in a valid JSON format|got unsupported URI|unsupported URI '"),
        lambda _, place: BadConfiguration("MLFLOW_TRACKING_URI names no MLflow server, by its answer"),
    ),
    (
        re.compile(r"error code (?:413|50\d)|failed with (?:timeout )?exception|RequestLimitExceeded|TEMPORARILY"),
        lambda _, place: Unreachable(f"MLflow, or a proxy before it, did not take the request: {_AGAIN}"),
    ),
)
