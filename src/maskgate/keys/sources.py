"""Where keys come from: the environment, a file, a key management service, or a source that a package adds.

The functions here return a problem rather than raise one, so that no frame of a traceback has a key among its local
variables.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from maskgate.errors import KeyReferenceError
from maskgate.keys.entry_points import entry_points
from maskgate.keys.envelope import unwrap_file
from maskgate.keys.key_text import ADVICE, Found, decoded
from maskgate.keys.protected_file import read_protected
from maskgate.keys.source import ENTRY_POINT_GROUP
from maskgate.keys.wrappers import WRAPPERS, split_wrapped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from maskgate.keys.source import KeySource

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ELSEWHERE = {"airflow-connection": "airflow-provider-maskgate", "prefect-secret": "prefect-maskgate"}


def find_key(reference: str, base: Path | None) -> Found:
    """Look up a reference such as ``env:NAME`` or ``file:PATH``.

    Args:
        reference: The scheme, a colon, and what the scheme calls the key.
        base: The folder that relative paths start from; the working folder if None.
    """
    scheme, colon, name = reference.partition(":")
    if not colon or not scheme or not name:
        return Found(
            problem="a reference is written env:NAME or file:PATH; the secret itself never stands in the rules"
        )
    if scheme in _BUILT_IN:
        return _BUILT_IN[scheme](name, base)
    return _from_entry_point(scheme, name)


def known_schemes() -> tuple[str, ...]:
    """Return what a reference may begin with here."""
    return tuple(sorted({*_BUILT_IN, *entry_points(group=ENTRY_POINT_GROUP).names}))


def is_known_scheme(scheme: str) -> bool:
    """Tell whether a reference may begin like this, here or where a host is installed."""
    return scheme in _ELSEWHERE or scheme in _BUILT_IN or scheme in entry_points(group=ENTRY_POINT_GROUP).names


def may_be_shown(reference: str) -> bool:
    """Tell whether a reference can be one: what names neither a source nor a variable may be the secret itself."""
    scheme, _, name = reference.partition(":")
    return is_known_scheme(scheme) and (scheme != "env" or _VARIABLE.fullmatch(name) is not None)


def _from_environment(name: str, _base: Path | None) -> Found:
    if not _VARIABLE.fullmatch(name):
        # It may be the secret itself, so it is not repeated.
        return Found(problem="what stands after env: can be no environment variable")
    text = os.environ.get(name)
    if text is None:
        return Found(problem=f"the environment variable {name} is not set. Set it to {ADVICE}")
    return decoded(text, f"the environment variable {name}")


def _from_file(name: str, base: Path | None) -> Found:
    read = read_protected(name, base)
    return (
        Found(problem=f"{read.problem}. It must hold {ADVICE}")
        if read.problem
        else decoded(read.text, f"the file {name}")
    )


def _unwrapped(scheme: str) -> Callable[[str, Path | None], Found]:
    def find(name: str, base: Path | None) -> Found:
        try:
            wrapper, path = split_wrapped(scheme, name)
        except KeyReferenceError as error:
            return Found(problem=str(error))
        return unwrap_file(path, base, wrapper)

    return find


_BUILT_IN: dict[str, Callable[[str, Path | None], Found]] = {
    "env": _from_environment,
    "file": _from_file,
    **{scheme: _unwrapped(scheme) for scheme in WRAPPERS},
}


def _from_entry_point(scheme: str, name: str) -> Found:
    entries = list(entry_points(group=ENTRY_POINT_GROUP, name=scheme))
    if len({entry.value for entry in entries}) != 1:
        return Found(problem=_several(scheme) if entries else _unknown(scheme))
    try:
        source: KeySource = entries[0].load()
        text = source(name)
    except KeyReferenceError as error:
        return Found(problem=f"{scheme}:{name}: {error}")
    except Exception as error:  # noqa: BLE001  whatever a foreign source raises may hold the secret
        return Found(problem=f"the source {scheme!r} failed with {type(error).__name__}")
    if not isinstance(text, str):
        return Found(problem=f"the source {scheme!r} returned {type(text).__name__} where the text of a key belongs")
    return decoded(text, f"{scheme}:{name}")


def _several(scheme: str) -> str:
    return f"several packages offer a key source {scheme!r}. Uninstall all but one"


def _unknown(scheme: str) -> str:
    if scheme in _ELSEWHERE:
        return f"the key source {scheme!r} comes with {_ELSEWHERE[scheme]}, which is not installed here"
    return f"there is no key source {scheme!r}. Known are {', '.join(f'{each}:' for each in known_schemes())}"
