"""Values back from named tokens, into a file that only its owner can read.

* Only the tokens that were named: one that is no token of the domain is a refusal, and nothing is written.
* A value goes into the file, and nowhere else: no error, no log line, no answer and no digest holds one.
* The file appears whole, and takes no other's place.
"""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from maskgate.errors import MaskgateError, Refused, UsageError
from maskgate.keys import KeyRing
from maskgate.methods.detokenize import detokenize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from maskgate.rules import Rules

REVERSIBLE = frozenset({"encrypt", "fpe"})
TOKENS = "tokens"


def check_tokens(arguments: Mapping[str, Any], at_most: int) -> list[str] | list[int]:
    """Return the named tokens.

    Raises:
        UsageError: If the arguments are another thing than a list of so many tokens at most.
    """
    tokens = arguments.get(TOKENS)
    if set(arguments) != {TOKENS} or not isinstance(tokens, list) or not tokens:
        raise UsageError(f"name the tokens, and nothing else: {{{TOKENS!r}: [...]}}")
    kinds = {type(token) for token in tokens}
    if kinds not in ({str}, {int}):
        raise UsageError("tokens are all texts, or all whole numbers")
    if len(tokens) > at_most or len(set(tokens)) != len(tokens):
        raise UsageError(f"name at most {at_most} tokens, each once")
    return tokens


def must_be_of_kind(rules: Rules, domain: str, tokens: Sequence[str] | Sequence[int]) -> None:
    """See that tokens are of the kind that the domain makes.

    Raises:
        UsageError: If they are numbers, and its tokens are texts.
    """
    space = rules.domains[domain]
    if space.scheme == "encrypt" and space.format != "integer" and not isinstance(tokens[0], str):
        raise UsageError(f"tokens of the domain {domain} are texts. Name them as texts")


def must_be_reversible(rules: Rules, domain: str) -> None:
    """See that values of a domain can be had back at all.

    Raises:
        UsageError: If there is no such domain, or its tokens are one-way.
    """
    known = rules.domains.get(domain)
    if known is None or known.scheme not in REVERSIBLE:
        able = ", ".join(sorted(each for each, one in rules.domains.items() if one.scheme in REVERSIBLE)) or "none"
        raise UsageError(f"the rules have no domain of this name whose tokens can be turned back. There are: {able}.")


def values_of(
    rules: Rules, domain: str, tokens: Sequence[str] | Sequence[int], keys: KeyRing | None = None
) -> pa.Table:
    """Turn tokens back.

    Args:
        rules: The rules that made them.
        domain: The domain that they are of.
        tokens: The tokens.
        keys: The keys; None fetches those that the rules refer to.

    Returns:
        The columns ``token`` and ``value``, in the order of the tokens.

    Raises:
        Refused: If one of them is no token of the domain.
        KeyReferenceError: If the key cannot be had.
    """
    must_be_reversible(rules, domain)
    space = rules.domains[domain]
    base = None if rules.path is None else rules.path.parent
    ring = keys or KeyRing.resolve({space.key: rules.keys[space.key]}, base=base)
    key = ring.get(space.key)
    try:
        column = pa.array(tokens)
        values = detokenize(column, space, key)
    except (MaskgateError, ValueError, TypeError, OverflowError, pa.ArrowException):
        # No more than that: what a token stands for is nobody's business here.
        raise Refused(f"some tokens are none of the domain {domain}. Nothing was done.") from None
    return pa.table({"token": column, "value": values})


def write_privately(table: pa.Table, target: Path) -> None:
    """Write a table as Parquet or CSV, by the file's name, for its owner's eyes alone.

    Raises:
        Refused: If there is such a file already, or it cannot be written.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                if target.suffix == ".csv":
                    pyarrow.csv.write_csv(table, file)
                else:
                    pyarrow.parquet.write_table(table, file)
                file.flush()
                os.fsync(file.fileno())
            os.link(temporary, target)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        raise Refused(f"{target} is there already. Name another file.") from None
    except OSError as error:
        raise Refused(f"{target} cannot be written: {error.strerror}.") from None
