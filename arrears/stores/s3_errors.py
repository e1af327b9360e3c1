"""What an S3 server's refusals mean: which bucket, who must act, and whether trying again helps.

One place tells the causes of every request that a client of boto3 makes, whoever makes it.

See docs/adr/0058.
"""

from __future__ import annotations

from typing import Any

from arrears.contracts.errors import ArrearsError, BadConfiguration, Unreachable

_NO_BUCKET = {"NoSuchBucket", "InvalidBucketName"}
_FORBIDDEN = {"AccessDenied", "AllAccessDisabled", "AccountProblem", "Forbidden", "403", "MethodNotAllowed"}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "507"}
_BUSY = {"SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "Throttling", "TooManyRequests"}
_NO_KEYS = {
    "NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "TokenRetrievalError",
    "UnauthorizedSSOTokenError", "SSOTokenLoadError", "NoAuthTokenError", "ProfileNotFound",
}  # fmt: skip
_KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile or the machine's role"
_NOT_KNOWN = f"{{host}} does not accept the keys of this process ({{code}}): {_KEYS} must be of it"
_ELSEWHERE = "bucket {bucket} lies in another region than {host} ({code}): set AWS_REGION"
_SAID = {
    **dict.fromkeys(
        (
            "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "ExpiredTokenException", "InvalidToken",
            "TokenRefreshRequired", "UnrecognizedClientException", "AuthFailure", "InvalidClientTokenId", "401",
        ),
        _NOT_KNOWN,
    ),
    **dict.fromkeys(
        (
            "PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed", "301", "307",
            "IllegalLocationConstraintException",
        ),
        _ELSEWHERE,
    ),
    "RequestTimeTooSkewed": "the clock of this machine differs from that of {host} by more than 15 minutes",
    # An answer to HEAD has no words.
    "400": "{host} refuses {place} (400): the keys' token has expired, or AWS_REGION is not the bucket's",
    "NotImplemented": "{host} does not offer what Arrears needs of an S3 server ({action})",
}  # fmt: skip
_PLACE = "arrears.place"


def tell_causes(client: Any) -> None:
    """Lets every request of this client that its server refuses raise an error that says what to do."""
    host = client.meta.endpoint_url
    events = client.meta.events

    def asked(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[_PLACE] = (params.get("Bucket", ""), params.get("Key", params.get("Prefix", "")))

    def answered(parsed: dict[str, Any], http_response: Any, model: Any, context: dict[str, Any], **_: Any) -> None:
        if http_response.status_code < 300:
            return
        code = str(parsed.get("Error", {}).get("Code", ""))
        cause = refusal(code, http_response.status_code, model.name, *context.get(_PLACE, ("", "")), host=host)
        if cause is not None:
            raise cause

    def failed(exception: Exception, **_: Any) -> None:
        cause = outage(exception, host)
        if cause is not None:
            raise cause from exception

    events.register("before-parameter-build.s3", asked)
    events.register("after-call.s3", answered)
    events.register("after-call-error.s3", failed)


def refusal(code: str, status: int, action: str, bucket: str, key: str, *, host: str) -> ArrearsError | None:
    """What an answer of the server means. None where it is an answer to go by, as that there is no such object.

    Args:
        action: the request's name, such as GetObject.
        host: the server's address.
    """
    place = f"s3://{bucket}/{key}" if key else f"bucket {bucket}"
    if code in _NO_BUCKET:
        return no_bucket(bucket, host)
    if code == "404" and action.startswith("List"):  # S3 would say what is not there
        return BadConfiguration(f"{host} is no S3 server, by its answer: see AWS_ENDPOINT_URL")
    if code in _FORBIDDEN:
        return no_permission(_verb(action), place, host)
    if code in _FULL:
        return no_space(host)
    if code in _SAID:
        return BadConfiguration(_SAID[code].format(host=host, place=place, bucket=bucket, code=code, action=action))
    if code in _BUSY or status >= 500:
        return Unreachable(f"{host} is overloaded, out of order or no S3 server ({code or status}): run again later")
    return None


def outage(error: Exception, host: str) -> ArrearsError | None:
    """What it means that no answer came. None where it is no error of the connection or the keys."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds & _NO_KEYS:
        return BadConfiguration(f"this process has no keys of {host}: it takes {_KEYS}")
    if "SSLError" in kinds:
        return BadConfiguration(f"the certificate of {host} is not trusted: name its authority in AWS_CA_BUNDLE")
    if "ProxyConnectionError" in kinds:
        return Unreachable(f"the proxy before {host} does not answer: see HTTPS_PROXY, and name the host in NO_PROXY")
    if kinds & {"HTTPClientError", "ConnectionError"}:
        return Unreachable(f"{host} does not answer: see AWS_ENDPOINT_URL, and run again when it is back")
    return None


def no_bucket(bucket: str, host: str = "the S3 server") -> BadConfiguration:
    """What to tell of a bucket that is not there."""
    return BadConfiguration(f"bucket {bucket} does not exist on {host}: check its name, or make it")


def no_permission(verb: str, place: str, host: str = "the S3 server") -> BadConfiguration:
    """What to tell of a place that the process may not use."""
    return BadConfiguration(
        f"no permission to {verb} {place}: {host} must allow it to the keys of this process ({_KEYS})"
    )


def no_space(where: str) -> BadConfiguration:
    """What to tell where nothing more can be written."""
    return BadConfiguration(f"no space is left on {where}: free some, then run again")


def _verb(action: str) -> str:
    verbs = {"Get": "read", "Head": "read", "List": "list", "Put": "write", "Delete": "delete", "Create": "write"}
    return next((verb for start, verb in verbs.items() if action.startswith(start)), "use")
