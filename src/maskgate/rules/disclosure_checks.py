"""What still shows after masking, and to whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from maskgate.detect import DIRECT_IDENTIFIERS
from maskgate.methods.method import ReversibleBy
from maskgate.methods.noise import Noise
from maskgate.rules.findings import Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from maskgate.rules.model import ColumnRule
    from maskgate.rules.subjects import Looked, Subject

# Whatever a column of these types is called, it is no address, name or number of a person.
_NEVER_IDENTIFYING = (pa.types.is_boolean, pa.types.is_temporal, pa.types.is_floating, pa.types.is_decimal)
_ALL_STILL_THERE = frozenset({"shuffle", "swap"})
_HOW = {
    "cmac": "by inverting AES, if they have up to 16 bytes",
    "encrypt": "by decrypting them",
    "fpe": "by decrypting them",
    "noise": "by computing the noise and taking it away",
    "pram": "by computing what each category was changed to",
    "shift_date": "by computing how far each entity's dates were moved",
}


def reversible(looked: Looked) -> Iterator[Finding]:
    """Warn where the holder of a key can get values back."""
    for subject in looked.subjects:
        for rule in _reversible_rules(subject):
            is_cmac = rule.domain is not None and rule.domain.scheme == "cmac"
            how = _HOW.get(rule.domain.scheme if rule.domain is not None else rule.method, "by undoing the masking")
            yield subject.finding(
                "cmac-invertible" if is_cmac else "reversible-by-key-holder",
                Severity.WARNING,
                f"whoever holds the key '{rule.key}' can get values back, {how}.",
                "Keep the key from everyone who gets the output"
                + (", or use `hmac`, which is one-way." if rule.domain is not None else "."),
            )


def identifier_kept(looked: Looked) -> Iterator[Finding]:
    """Warn where a column that probably identifies people stays as it is."""
    for subject in looked.subjects:
        kinds = sorted(subject.kinds & DIRECT_IDENTIFIERS)
        if not kinds or any(is_(_inner(subject.input)) for is_ in _NEVER_IDENTIFYING if subject.input is not None):
            continue
        kind = f"going by its name it holds a direct identifier ({kinds[0].replace('_', ' ')})"
        if any(method.reversible_by is ReversibleBy.EVERYBODY for method in subject.methods):
            message = f"{kind}, and it stays as it is."
        elif moved := [rule.method for rule in subject.rules if rule.method in _ALL_STILL_THERE]:
            message = f"{kind}, and '{moved[0]}' leaves all of them in the output, in other rows."
        else:
            continue
        suggestion = "Drop it, or give it a token or a fake value."
        yield subject.finding("direct-identifier-kept", Severity.WARNING, message, suggestion)


def unlisted_kept(looked: Looked) -> Iterator[Finding]:
    """Warn where a column that nobody thought of would leave unmasked."""
    if looked.rules.unlisted == "keep":
        yield Finding(
            "unlisted-kept",
            Severity.WARNING,
            "`unlisted: keep` lets out every column that somebody adds to the data later.",
            "Write `unlisted: fail`, and `keep` at the columns that may leave.",
            line=looked.lines.line("unlisted"),
        )
    for name, table in looked.rules.tables.items():
        entry = table.columns.get("*")
        if entry is not None and any(rule.method == "keep" for rule in entry.rules()):
            yield Finding(
                "unlisted-kept",
                Severity.WARNING,
                "this pattern lets out every column that somebody adds to the data later.",
                "Write `keep` at the columns that may leave.",
                name,
                "*",
                looked.lines.column(name, "*"),
            )


def noise_without_bounds(looked: Looked) -> Iterator[Finding]:
    """Warn where noise says nothing of how far it goes, and outliers stick out."""
    for subject in looked.subjects:
        for rule, method in subject.pairs:
            names = {each.name for each in method.declaration.parameters}
            missing = [each for each in ("min", "max") if each in names and rule.options.get(each) is None]
            if rule.method == "noise" and missing:
                yield subject.finding(
                    "noise-without-bounds",
                    Severity.WARNING,
                    f"the noise has no {' and no '.join(f'`{each}:`' for each in missing)}: the largest and smallest "
                    "values still stand out, and nothing can be said of what one person's value gives away.",
                    "Give both bounds; values beyond them are clamped.",
                )


def noise_too_small(looked: Looked) -> Iterator[Finding]:
    """Warn where most values come out as they went in, since noise is rounded away."""
    for subject in looked.subjects:
        for _, method in subject.pairs:
            if isinstance(method, Noise) and method.is_too_small(subject.input):
                yield subject.finding(
                    "noise-rounded-away",
                    Severity.WARNING,
                    "the noise is smaller than half a step of the results: most values come out as they went in.",
                    "Give a larger `scale:`, or a finer `round_to:` if the type has one.",
                )


def shift_revealed(looked: Looked) -> Iterator[Finding]:
    """Note that one known date gives all others of its entity away."""
    for subject in looked.subjects:
        if any(rule.method == "shift_date" for rule in subject.rules):
            yield subject.finding(
                "known-date-reveals-shift",
                Severity.NOTE,
                "whoever knows one true date of an entity knows all others of it.",
                "Where single dates may be known, generalize them.",
            )


def noise_is_no_promise(looked: Looked) -> Iterator[Finding]:
    """Note what noise is worth in terms of differential privacy: an epsilon, or nothing."""
    for subject in looked.subjects:
        for rule, method in subject.pairs:
            # A privacy budget is somebody's; facts of other methods may take long to find out.
            epsilon = method.facts().get("epsilon") if method.declaration.needs_entity else None
            if epsilon is not None:
                yield subject.finding(
                    "local-dp",
                    Severity.NOTE,
                    f"each cell spends an epsilon of {epsilon:g}: local differential privacy, against whoever does not "
                    "hold the key.",
                    "Epsilons add up over the columns, rows and releases of one entity; the report has the sum.",
                )
            elif rule.method == "noise":
                yield subject.finding(
                    "noise-is-not-dp",
                    Severity.NOTE,
                    "this noise is a perturbation; it carries no promise of differential privacy.",
                )


def length_shows(looked: Looked) -> Iterator[Finding]:
    """Note where the length of a value can be read from what stands for it."""
    for subject in looked.subjects:
        for rule in subject.rules:
            domain = rule.domain
            is_as_long = domain is not None and domain.scheme in ("encrypt", "fpe") and domain.digits is None
            if is_as_long or (rule.method == "mask" and rule.options.get("length") is None):
                yield subject.finding(
                    "length-shows", Severity.NOTE, "how long each value is can be seen from what stands for it."
                )
                break


def _reversible_rules(subject: Subject) -> list[ColumnRule]:
    """Return the rules whose output a key undoes, one for each key."""
    found = {rule.key: rule for rule, method in subject.pairs if method.reversible_by is ReversibleBy.KEY_HOLDER}
    return list(found.values())


def _inner(kind: pa.DataType | None) -> pa.DataType | None:
    return kind.value_type if kind is not None and pa.types.is_dictionary(kind) else kind


DISCLOSURE: tuple[Callable[[Looked], Iterator[Finding]], ...] = (
    reversible,
    identifier_kept,
    unlisted_kept,
    noise_without_bounds,
    noise_too_small,
    noise_is_no_promise,
    shift_revealed,
    length_shows,
)
