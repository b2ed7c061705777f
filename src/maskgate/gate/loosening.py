"""Whether one version of rules lets more of the data through than another.

* Methods have no order as a whole: a token and a year say different things. So only this counts as *not looser*: the
  same rule, a method that leaves nothing (drop, nullify, redact), anything in place of ``keep``, and the same method
  with an option that is known to leave less.
* Everything else counts as looser. Who errs asks once too often.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from maskgate.methods.period_names import PERIODS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maskgate.methods.method import Domain
    from maskgate.rules import Rules, TableRules
    from maskgate.rules.rule import AnyRule, ColumnRule

# What of a table is compared part by part; the key of its columns stands with them.
_COMPARED = frozenset({"name", "columns", "entity", "key", "check"})
# What leaves nothing of a value, the strictest first.
_EMPTYING = ("drop", "nullify", "redact")
_UNLISTED = {"keep": 0, "nullify": 1, "drop": 2, "fail": 2}
# Options of which less leaves less; those of which more does.
_LESS: dict[str, tuple[str, ...]] = {
    "mask": ("keep_first", "keep_last"),
    "generalize": ("keep_first",),
    "truncate": ("length",),
    "noise": ("epsilon",),
}
_MORE: dict[str, tuple[str, ...]] = {"generalize": ("level",), "noise": ("scale",), "shift_date": ("days",)}
# Each period lies within the ones before it. A week does not lie within a month, so there is no order to it.
_COARSER = [period for period in PERIODS if period != "week"]


def loosened(before: Rules, after: Rules) -> tuple[str, ...]:
    """Say what rules let through that others did not; empty if nothing."""
    found = list(_whole(before, after))
    for name in after.tables:
        if name not in before.tables:
            found.append(f'table "{name}" is new')
        else:
            found += table_loosened(before, after, name)
    return tuple(found)


def table_loosened(before: Rules, after: Rules, name: str) -> tuple[str, ...]:
    """Say what rules let through of one table that others did not."""
    if before.tables.get(name) == after.tables.get(name) and before == after:
        return ()
    if name not in before.tables or name not in after.tables:
        return (f'table "{name}" is not in both',)
    return tuple(f"{name}.{problem}" for problem in _table(before, after, before.tables[name], after.tables[name]))


def _whole(before: Rules, after: Rules) -> Iterator[str]:
    if _UNLISTED[after.unlisted] < _UNLISTED[before.unlisted]:
        yield f"columns without a rule: `{after.unlisted}` instead of `{before.unlisted}`"


def _table(rules_before: Rules, rules_after: Rules, before: TableRules, after: TableRules) -> Iterator[str]:
    yield from _columns(rules_before, rules_after, before, after)
    for path in before.columns:
        if path not in after.columns and (_UNLISTED[rules_after.unlisted] < _UNLISTED["drop"] or _patterns(after)):
            yield f"{path}: has no rule any more"
    if more := _patterns(after) - _patterns(before):
        yield f"new patterns of columns: {', '.join(sorted(more))}"
    for name in (each.name for each in fields(after.check)):
        if gone := set(getattr(before.check, name)) - set(getattr(after.check, name)):
            yield f"check, {name}: {', '.join(sorted(gone))} is not checked any more"
    if before.entity != after.entity:
        yield f"entity: {after.entity} instead of {before.entity}"
    for each in fields(after):
        if each.name not in _COMPARED and getattr(before, each.name) != getattr(after, each.name):
            yield f"{each.name} is another"


def _columns(rules_before: Rules, rules_after: Rules, before: TableRules, after: TableRules) -> Iterator[str]:
    for path, rule in after.columns.items():
        earlier = before.columns.get(path)
        if earlier is None:
            if not _is_empty(rule) and (rules_before.unlisted != "keep" or _patterns(before)):
                yield f"{path}: {rule.describe()}; it had no rule"
        elif not _is_as_strict(earlier, rule) or _has_another_key(rules_before, rules_after, earlier, rule):
            yield f"{path}: {rule.describe()} instead of {earlier.describe()}"


def _patterns(table: TableRules) -> set[str]:
    return {path for path in table.columns if "*" in path or "?" in path}


def _is_empty(rule: AnyRule) -> bool:
    return all(each.method in {"drop", "nullify"} for each in rule.rules())


def _has_another_key(before: Rules, after: Rules, earlier: AnyRule, later: AnyRule) -> bool:
    """Whether a rule that stayed goes by another key: nobody can tell how good that is."""
    if _is_empty(later) or all(each.method == "keep" for each in earlier.rules()):
        return False
    return {name: before.keys.get(name) for name in earlier.key_names()} != {
        name: after.keys.get(name) for name in later.key_names()
    } and bool(later.key_names())


def _is_as_strict(before: AnyRule, after: AnyRule) -> bool:
    if before == after:
        return True
    earlier, later = before.as_json(), after.as_json()
    if "cases" in earlier and "cases" in later:
        conditions = [[case.get("when") for case in each["cases"]] for each in (earlier, later)]
        if conditions[0] == conditions[1]:
            return all(_method_is_as_strict(*pair) for pair in zip(before.rules(), after.rules(), strict=True))
    return all(_method_is_as_strict(one, other) for one in before.rules() for other in after.rules())


def _method_is_as_strict(before: ColumnRule, after: ColumnRule) -> bool:
    if before == after or after.method == "drop":
        return True
    if after.method in _EMPTYING:
        # A constant text could carry anything, but not a value; what it says is the author's.
        rank = _EMPTYING.index(after.method)
        return before.method not in _EMPTYING or rank <= _EMPTYING.index(before.method)
    if before.method == "keep":
        return not after.is_opaque
    if before.is_opaque or after.on_invalid not in {before.on_invalid, "fail"}:
        return False
    # Whatever else a rule says, now or later, has to be the same.
    if replace(after, domain=before.domain, options=before.options, on_invalid=before.on_invalid) != before:
        return False
    return _domain_is_as_strict(before.domain, after.domain) and _options_are_as_strict(
        before.method, before.options, after.options
    )


def _domain_is_as_strict(before: Domain | None, after: Domain | None) -> bool:
    if before is None or after is None or before == after:
        return before == after
    # Nobody inverts `hmac`, not even the holder of the key; everything else of the domain has to stay.
    return after.scheme == "hmac" and replace(after, scheme=before.scheme) == before


def _options_are_as_strict(method: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    for name in before.keys() | after.keys():
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        if not isinstance(one, str | int | float) or not isinstance(other, str | int | float):
            return False
        if name == "to" and one in _COARSER and other in _COARSER:
            if _COARSER.index(str(other)) > _COARSER.index(str(one)):
                return False
        elif (
            isinstance(one, str)
            or isinstance(other, str)
            or not ((name in _LESS.get(method, ()) and other < one) or (name in _MORE.get(method, ()) and other > one))
        ):
            return False
    return True
