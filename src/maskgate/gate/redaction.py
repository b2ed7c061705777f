r"""The arguments of an action as people see them: without secrets, and without personal data that can be told.

* What a name or a form gives away as a secret is hidden whole; so is what follows ``--password`` in a command.
* What looks like personal data is replaced by its kind, as everywhere.
* What is hidden is still signed: the digest covers the arguments themselves.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from maskgate.gate.markdown import visible_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

HIDDEN = "(hidden: a secret)"
# Days, addresses of machines and pages say what an action is about; they are no reason to hide it from its reviewer.
_KINDS = ("email", "iban", "card", "ssn", "nino", "phone")
_LONGEST_WITHOUT_DIGIT_GROUPS = 9

_WORDS = (
    r"(?:pass(?:word|phrase|wd|code)?|pwd|secrets?|tokens?|api[-_ ]?keys?|(?:private|access|secret|signing|encryption)"
    r"[-_ ]?keys?|credentials?|authorization|cookies?|bearer|salt|otp|pin|cvv)"
)
_SECRET_NAME = re.compile(rf"(?:^|[^a-z]){_WORDS}(?:$|[^a-z])|password|secret|passwd", re.IGNORECASE)
_SECRET_OPTION = re.compile(rf"^--?[\w-]*{_WORDS}$", re.IGNORECASE)
_SECRET_VALUE = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"
    r"|\b(?:gh[pousr]_|github_pat_|xox[abprs]-|mg_|sk-|hvs\.|glpat-)[\w-]{8,}"
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"
    rf"|(?<![\w])(?:[\w-]*{_WORDS})(?:\s*[=:]\s*|=)(?:bearer\s+|basic\s+)?[^\s,;&'\"]+"
    r"|\b(?:bearer|basic)\s+[\w.~+/=-]{8,}",
    re.IGNORECASE,
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def redacted(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return arguments as they may be shown."""
    shown: dict[str, Any] = {}
    for name, value in arguments.items():
        safe, number = safe_text(name), 2
        while safe in shown:
            safe, number = f"{safe_text(name)} ({number})", number + 1
        shown[safe] = HIDDEN if is_secret_name(name) and value is not None else _shown(value)
    return shown


def is_secret_name(name: str) -> bool:
    """Whether what goes by this name is a secret.

    Example:
        >>> is_secret_name("dbPassword"), is_secret_name("API_KEY"), is_secret_name("key"), is_secret_name("passenger")
        (True, True, False, False)
    """
    return _SECRET_NAME.search(_CAMEL.sub("_", name).replace("_", " ")) is not None


def _shown(value: Any) -> Any:
    if isinstance(value, dict):
        return redacted(value)
    if isinstance(value, list):
        return _shown_list(value)
    if isinstance(value, str):
        return safe_text(value)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if is_number and len(str(value)) >= _LONGEST_WITHOUT_DIGIT_GROUPS:
        told = safe_text(str(value))
        return value if told == str(value) else told
    return value


def _shown_list(values: list[Any]) -> list[Any]:
    """Show a list; in a command, what stands behind the name of a secret is one."""
    shown, hides = [], False
    for value in values:
        is_text = isinstance(value, str)
        shown.append(HIDDEN if hides and is_text and not value.startswith("-") else _shown(value))
        hides = is_text and _SECRET_OPTION.match(value) is not None
    return shown


def safe_text(text: str) -> str:
    """Return a text without what looks like a secret, or like personal data."""
    import pyarrow as pa  # noqa: PLC0415  most of a gate's life is without

    from maskgate.detect import find  # noqa: PLC0415  likewise

    without_secrets = _SECRET_VALUE.sub(HIDDEN, text)
    pieces, end = [], 0
    for start, stop, kind in find(pa.array([without_secrets], pa.large_string()), _KINDS)[0]:
        pieces += [without_secrets[end:start], f"<{kind}>"]
        end = stop
    return visible_lines("".join([*pieces, without_secrets[end:]]))
