"""What tokens give away, or mix up: few different values, small token spaces, values that become one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.methods.families import family_of
from maskgate.methods.method import Family, Uniqueness
from maskgate.rules.findings import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.rules.findings import Finding
    from maskgate.rules.model import ColumnRule
    from maskgate.rules.subjects import Looked, Subject

# One chance in so many that any two values of a column get one token is as good as none.
MOST_LIKELY_COLLISION = 1e-6
_SMALL_SPACE = 10**8
_BITS_OF_FEW = 8
_LAST_OF_KEY = frozenset({"id", "uuid", "guid", "key", "pk", "no", "nr"})
_FEW_VALUE_NAMES = (
    "age gender sex country nationality citizenship state province region title salutation language currency religion "
    "race ethnicity status type kind category class level grade rank flag year quarter month weekday day department "
    "city county district zip marital married smoker blood"
)
_FEW_VALUES = frozenset(_FEW_VALUE_NAMES.split())
# So many values there are of these that each token can be tried, and no more.
_GUESSABLE = {
    "phone": "phone numbers",
    "national_id": "national ids",
    "card": "card numbers",
    "ip_address": "addresses",
}
_KINDS_OF_FEW = frozenset({"birth_date", "gender", "postcode"})
# These leave nothing of a value: whoever writes them does not expect it to stay unique.
_NOTHING_LEFT = frozenset({"drop", "nullify", "redact"})


def uniqueness_lost(looked: Looked) -> Iterator[Finding]:
    """Warn where a column that tells rows apart no longer does."""
    for subject in looked.subjects:
        losing = [rule.method for rule, method in subject.pairs if method.uniqueness is Uniqueness.LOST]
        if losing and subject.must_be_unique:
            yield subject.finding(
                "uniqueness-lost",
                Severity.WARNING,
                f"'{losing[0]}' makes different values equal, and `check: unique` wants this column unique.",
                "Give it a token, or take it out of `check:`; otherwise a run fails as soon as two values become one.",
            )
        elif [each for each in losing if each not in _NOTHING_LEFT] and _is_key(subject):
            yield subject.finding(
                "uniqueness-lost",
                Severity.WARNING,
                f"'{losing[0]}' makes different values equal, and this column looks as if it told rows apart.",
                "Give it a token, or drop it: rows of different people would look like those of one.",
            )


def low_entropy_token(looked: Looked) -> Iterator[Finding]:
    """Warn where a column of few different values keeps telling them apart."""
    for subject in looked.subjects:
        reason = _why_few(subject)
        for rule in _tokenizing(subject):
            if reason:
                yield subject.finding(
                    "low-entropy-token",
                    Severity.WARNING,
                    f"{reason}, and '{rule.method}' gives each the same replacement every time: how often each occurs, "
                    "or one row that somebody knows, gives it away.",
                    "Generalize, redact or drop it, or keep it if it may be known.",
                )
                break


def collisions(looked: Looked) -> Iterator[Finding]:
    """Warn where so many rows get tokens that two values may well get the same."""
    for subject in looked.subjects:
        rows = looked.rows.get(subject.table)
        probability = None if rows is None else subject.collision_probability(rows)
        if probability is not None and probability > MOST_LIKELY_COLLISION:
            yield subject.finding(
                "token-collisions",
                Severity.WARNING,
                f"among {rows:,} different values, two get the same token with a probability of {probability:.2g}.",
                "Make the tokens longer: `length:` of the domain.",
            )


def small_space(looked: Looked) -> Iterator[Finding]:
    """Warn where format-preserving encryption has few values to choose from."""
    for subject in looked.subjects:
        for rule in subject.rules:
            digits = rule.domain.digits if rule.domain is not None and rule.domain.scheme == "fpe" else None
            if digits is not None and 10**digits < _SMALL_SPACE:
                yield subject.finding(
                    "small-token-space",
                    Severity.WARNING,
                    f"there are only {10**digits:,} tokens of {digits} digits: whoever can have values tokenized "
                    "makes a list of them all.",
                    f"Use `hmac`, or {len(str(_SMALL_SPACE)) - 1} digits and more.",
                )


def guessable(looked: Looked) -> Iterator[Finding]:
    """Note where one-way tokens can be gone back from by trying every value there can be."""
    for subject in looked.subjects:
        kinds = sorted(subject.kinds & _GUESSABLE.keys())
        rules = [each for each in _tokenizing(subject) if each.domain is not None and each.domain.scheme == "hmac"]
        if kinds and rules:
            yield subject.finding(
                "guessable-token",
                Severity.NOTE,
                f"going by its name it holds {_GUESSABLE[kinds[0]]}, and of these there are not so many: whoever holds "
                f"the key '{rules[0].key}' can try them all.",
                "Keep the key from everyone who gets the output.",
            )


def _is_key(subject: Subject) -> bool:
    return subject.is_entity or (bool(subject.words) and subject.words[-1] in _LAST_OF_KEY)


def _tokenizing(subject: Subject) -> list[ColumnRule]:
    """Return the rules that replace a whole value by one that is always the same."""
    return [rule for rule, method in subject.pairs if rule.method == "fake" or method.declaration.needs_domain]


def _why_few(subject: Subject) -> str:
    """Say why a column probably has few different values; empty if nothing speaks for it."""
    kind = subject.input
    if kind is not None:
        inner = kind.value_type if pa.types.is_dictionary(kind) else kind
        if pa.types.is_dictionary(kind) and kind.index_type.bit_width <= _BITS_OF_FEW:
            return f"its dictionary ({kind.index_type}) has few different values"
        if pa.types.is_boolean(inner) or pa.types.is_int8(inner) or pa.types.is_uint8(inner):
            return f"{inner} has few different values"
        if family_of(kind) is Family.DATE:
            return "there are few different dates"
    words = subject.words
    if subject.kinds & _KINDS_OF_FEW or (words and (words[-1] in _FEW_VALUES or words[0] in {"is", "has"})):
        return "a column of this name has few different values"
    return ""


TOKENS: tuple[Callable[[Looked], Iterator[Finding]], ...] = (
    uniqueness_lost,
    low_entropy_token,
    collisions,
    small_space,
    guessable,
)
