"""Level *broker*: the caller writes to the destination itself, with a credential for just this release.

* The credential comes from STS, for the role that the destination names, under a session policy: put objects below the
  prefix of this version, each once (``If-None-Match``), until a moment; nothing else, and not the manifest.
* Each file also gets an address to PUT it to, signed with that credential over its length and its SHA-256.
* The manifest, without which there is no version, is the gate's to write, after it has looked at every object.

The store enforces this, not the gate: a store that does not know session policies or ``If-None-Match`` is none for it.
"""

from __future__ import annotations

import base64
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from maskgate.clock import timestamp
from maskgate.errors import DatasetError, Refused, UsageError
from maskgate.gate.locations import parse_location
from maskgate.gate.staged_names import MANIFEST
from maskgate.release.objects import ObjectPrefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from maskgate.gate.model import SealedFile
    from maskgate.gate.releaser import ReleaseOrder

# The shortest that STS gives; the session policy ends it sooner.
_SHORTEST_SECONDS = 900
_LARGEST_PUT = 5 << 30
_ACTIONS = ["s3:PutObject", "s3:AbortMultipartUpload"]


def lend(order: ReleaseOrder, now: datetime, until: datetime) -> dict[str, Any]:
    """Return a credential for the objects of one release, and an address to put each file to.

    Raises:
        UsageError: If the destination's role cannot be used, or the client is not installed.
        DatasetError: If STS does not give the credential.
    """
    place = parse_location(order.destination.uri)
    bucket, _, folder = place.path.partition("/")
    prefix = f"{folder}/{order.version}".lstrip("/")
    too_large = [file.path for file in order.sealed.files if file.size > _LARGEST_PUT]
    if too_large:
        raise Refused(f"{too_large[0]} is too large for one PUT. Stage smaller parts, or use the level release.")
    with _foreign_errors(order):
        _objects(order).announce(order)
        credential = _client("sts", order.destination.options).assume_role(
            RoleArn=order.destination.role,
            RoleSessionName=f"maskgate-{order.request}"[:64],
            DurationSeconds=_SHORTEST_SECONDS,
            Policy=json.dumps(session_policy(bucket, prefix, until), separators=(",", ":")),
        )["Credentials"]
        lent = {
            "key": credential["AccessKeyId"],
            "secret": credential["SecretAccessKey"],
            "token": credential["SessionToken"],
        }
        client = _client("s3", {**order.destination.options, **lent})
        seconds = max(1, int((until - now).total_seconds()))
        uploads = [
            _upload(client, bucket, f"{prefix}/{file.path}", file, seconds)
            for file in order.sealed.files
            if file.path != MANIFEST
        ]
    return {
        "fence": order.fence,
        "expires_at": timestamp(until),
        "bucket": bucket,
        "prefix": prefix,
        "credential": {
            "access_key_id": lent["key"],
            "secret_access_key": lent["secret"],
            "session_token": lent["token"],
        },
        "uploads": uploads,
    }


def check_uploads(order: ReleaseOrder) -> None:
    """Look at every object that the caller has put, by the store's own checksum or by reading it.

    Raises:
        Refused: If one is missing or is not what was signed.
        DatasetError: If the store does not answer.
    """
    place = parse_location(order.destination.uri)
    bucket, _, folder = place.path.partition("/")
    client = _client("s3", order.destination.options)
    objects = _objects(order)
    with _foreign_errors(order):
        objects.announce(order)  # whoever looks may be another attempt than the one that lent
    for file in order.sealed.files:
        if file.path == MANIFEST:
            continue
        key = f"{folder}/{order.version}/{file.path}".lstrip("/")
        with _foreign_errors(order):
            found = _head(client, bucket, key)
        if found is None:
            raise Refused(f"{file.path} is not at the destination. Put every file there, then send the receipt.")
        said = found.get("ChecksumSHA256") if found.get("ChecksumType", "FULL_OBJECT") == "FULL_OBJECT" else None
        is_equal = found.get("ContentLength") == file.size and (
            said == _in_base64(file.sha256) if said else objects.hash_of(order, file.path) == file.sha256
        )
        if not is_equal:
            raise Refused(f"{file.path} at the destination is not what was signed. Nothing was published; ask again.")


def session_policy(bucket: str, prefix: str, until: datetime) -> dict[str, Any]:
    """Return what the credential is cut down to."""
    below = f"arn:aws:s3:::{bucket}/{prefix}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": _ACTIONS,
                "Resource": f"{below}/*",
                "Condition": {
                    "DateLessThan": {"aws:CurrentTime": timestamp(until)},
                    "Null": {"s3:if-none-match": "false"},
                },
            },
            {"Effect": "Deny", "Action": "s3:*", "Resource": f"{below}/{MANIFEST}"},
        ],
    }


def _upload(client: Any, bucket: str, key: str, file: SealedFile, seconds: int) -> dict[str, Any]:
    checksum = _in_base64(file.sha256)
    asked = {
        "Bucket": bucket,
        "Key": key,
        "ContentLength": file.size,
        "ChecksumSHA256": checksum,
        "IfNoneMatch": "*",
    }
    url = client.generate_presigned_url("put_object", Params=asked, ExpiresIn=seconds, HttpMethod="PUT")
    headers = {"Content-Length": str(file.size), "x-amz-checksum-sha256": checksum, "If-None-Match": "*"}
    return {"path": file.path, "method": "PUT", "url": url, "headers": headers}


def _head(client: Any, bucket: str, key: str) -> Mapping[str, Any] | None:
    from botocore.exceptions import ClientError  # noqa: PLC0415  only who has such a destination has the client

    try:
        found: Mapping[str, Any] = client.head_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in {"404", "NoSuchKey", "NotFound"}:
            return None
        raise
    return found


def _client(service: str, options: Mapping[str, Any]) -> Any:
    try:
        import boto3  # noqa: PLC0415  likewise
        from botocore.config import Config  # noqa: PLC0415
    except ImportError:
        raise UsageError("the level broker needs AWS's client: pip install 'maskgate[aws]'.") from None
    more = dict(options.get("client_kwargs") or {})
    return boto3.client(
        service,
        aws_access_key_id=options.get("key"),
        aws_secret_access_key=options.get("secret"),
        aws_session_token=options.get("token"),
        endpoint_url=options.get("endpoint_url") or more.get("endpoint_url"),
        region_name=more.get("region_name") or "us-east-1",
        config=Config(signature_version="s3v4", retries={"max_attempts": 3}),
    )


def _objects(order: ReleaseOrder) -> ObjectPrefix:
    return ObjectPrefix(parse_location(order.destination.uri), order.destination.options)


def _in_base64(sha256: str) -> str:
    return base64.b64encode(bytes.fromhex(sha256)).decode()


@contextmanager
def _foreign_errors(order: ReleaseOrder) -> Iterator[None]:
    """Say what AWS said by its code alone: its words may quote a key."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  likewise

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))[:40]
        raise DatasetError(f'destination "{order.destination.id}": AWS did not do it ({code}).') from None
    except BotoCoreError as error:
        what = type(error).__name__
        raise DatasetError(f'destination "{order.destination.id}": AWS did not answer ({what}).') from None
