"""How the columns of a masked table look, nested ones as trees, so that the gate can check them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from maskgate.methods.shape import Shape
from maskgate.rules.claims import claims_on, into_elements, into_field

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from maskgate.rules.claims import Claim
    from maskgate.rules.path import Step
    from maskgate.rules.rule import AnyRule

_ABSENT = Shape(absent=True)


def unlisted_shape(unlisted: str) -> Shape:
    """Say how a column looks that the rules do not list, by what they say about such columns."""
    if unlisted == "keep":
        return Shape(free=True)
    return Shape(all_null=True) if unlisted == "nullify" else _ABSENT


def shapes_of(columns: Mapping[str, AnyRule], names: Collection[str], unlisted: str) -> dict[str, Shape]:
    """Say how columns look.

    Args:
        columns: The rules of a table.
        names: The columns that are there.
        unlisted: What the rules say about columns that they do not list.

    Returns:
        A shape for each column that a rule is about, or something inside of it.
    """
    rest = unlisted_shape(unlisted)
    claims = {name: claims_on(columns, name, lambda other: other in names) for name in names}
    return {name: _shape(claimed, (), rest) for name, claimed in claims.items() if claimed}


def _shape(claims: tuple[Claim, ...], around: tuple[Claim, ...], unlisted: Shape) -> Shape:
    here = [claim for claim in claims if claim.is_here]
    exact = [claim for claim in here if not claim.is_pattern]
    if exact:
        return exact[0].rule.shape()
    patterns = (*(claim for claim in here if claim.is_pattern), *around)
    inside = tuple(claim for claim in claims if not claim.is_here)
    whole = _of_patterns(patterns, unlisted)
    if not inside:
        return whole
    fields = _fields(inside, patterns, unlisted)
    into = into_elements(inside)
    elements = _shape(into, patterns, unlisted) if into else None
    if (
        all(shape.absent for _, shape in fields)
        and (elements is None or elements.absent)
        and (whole.absent or not fields)
    ):
        return _ABSENT
    return Shape(fields=(*fields, ("*", whole)) if fields else (), elements=elements)


def _fields(
    inside: tuple[Claim, ...], patterns: tuple[Claim, ...], unlisted: Shape
) -> tuple[tuple[str, Shape], ...]:
    steps: Iterable[Step] = dict.fromkeys(claim.rest[0] for claim in inside if claim.rest[0].name is not None)
    named = [step for step in steps if not step.is_pattern]
    guessed = [step for step in steps if step.is_pattern]
    fields = [
        (_as_pattern(str(step.name)), _shape(into_field(inside, str(step.name)), patterns, unlisted)) for step in named
    ]
    for step in guessed:
        alike = tuple(claim for claim in inside if claim.rest[0] == step)
        fields.append((str(step.name), _shape(into_field(alike, str(step.name)), patterns, unlisted)))
    return tuple(fields)


def _of_patterns(patterns: tuple[Claim, ...], unlisted: Shape) -> Shape:
    if not patterns:
        return unlisted
    # Where two patterns meet, no plan is made: nothing can be there.
    return patterns[0].rule.shape() if len(patterns) == 1 else _ABSENT


def _as_pattern(name: str) -> str:
    """Write a name as a pattern of names; a sign that is one of theirs stands for any single character."""
    return name.replace("*", "?")
