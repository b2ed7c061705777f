"""Object stores, by URI, through fsspec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maskgate.errors import DatasetError
from maskgate.google_store import google_store

if TYPE_CHECKING:
    from collections.abc import Mapping

_GOOGLE = ("gs", "gcs")
_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gs", "gcs": "gs", "az": "az", "abfs": "az", "abfss": "az"}


def connect(uri: str, options: Mapping[str, Any] | None = None) -> tuple[Any, str]:
    """Open the store that a URI names; return it and the path in it.

    Args:
        uri: Where.
        options: Storage options for fsspec, where others are needed than those of the environment.

    Raises:
        DatasetError: If there is no such kind of store, or its package is missing.
    """
    scheme = uri.partition("://")[0]
    failure = ""
    try:
        filesystem, path = _opened(scheme, uri, options or {})
        # What another process has written since must be seen.
        filesystem.invalidate_cache()
    except ImportError:
        extra = _EXTRAS.get(scheme)
        how = f"pip install 'maskgate[{extra}]'" if extra else "install what fsspec asks for"
        failure = f"{scheme}:// needs a package that is not installed: {how}."
    except Exception as error:  # noqa: BLE001  each store has its own errors, and they may hold credentials
        failure = f"it cannot be reached ({type(error).__name__}). Is `{scheme}://` spelled right?"
    if failure:
        raise DatasetError(f"{without_credentials(uri)}: {failure}")
    return filesystem, path


def _opened(scheme: str, uri: str, options: Mapping[str, Any]) -> tuple[Any, str]:
    import fsspec  # noqa: PLC0415  most data is local

    if scheme in _GOOGLE:
        filesystem = google_store(options)
        return filesystem, filesystem._strip_protocol(uri)  # noqa: SLF001  what fsspec itself asks of each store
    filesystem, path = fsspec.core.url_to_fs(uri, **options)
    return filesystem, path


def plain_path(uri: str) -> str:
    """Return the path that a URI of this machine's own files stands for; any other URI, and a path, as it is.

    Example:
        >>> plain_path("file:///srv/raw"), plain_path("s3://raw")
        ('/srv/raw', 's3://raw')
    """
    scheme, mark, path = uri.partition("://")
    return path if mark and scheme in {"file", "local"} else uri


def without_credentials(uri: str) -> str:
    """Return a URI as it may be shown: without user, password and query.

    Example:
        >>> without_credentials("s3://user:secret@bucket/key?token=secret")
        's3://bucket/key'
    """
    scheme, mark, rest = uri.partition("://")
    if not mark:
        return uri
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
