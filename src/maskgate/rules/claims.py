"""Which rules have a say about a column, and about what is inside of it.

* A path beats a pattern of paths.
* Two patterns never share a column: the plan refuses, whatever they say.
* What is inside of a nested column follows the rule on the whole, or has rules of its own; not both.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Generic, TypeVar

from maskgate.rules.path import ELEMENTS, Path

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from maskgate.rules.path import Step

R = TypeVar("R")


@dataclass(frozen=True)
class Claim(Generic[R]):
    """A rule that concerns a column, or something inside of it.

    Attributes:
        written: The path as the rules write it.
        rule: What they say: a rule, or what somebody made of it.
        is_pattern: Whether the path is a pattern.
        rest: The steps from here to what the rule is about; empty if it is here.
    """

    written: str
    rule: R
    is_pattern: bool
    rest: tuple[Step, ...]

    @property
    def is_here(self) -> bool:
        """Whether the rule is about this very column."""
        return not self.rest


def flat_names(names: Iterable[str], is_nested: Callable[[str], bool]) -> frozenset[str]:
    """Return the names of columns that rules mean as they are written, although they read as paths.

    A flat table may have names with dots in them, and no column that the path could lead into.

    Args:
        names: The columns of the table.
        is_nested: Says of a name whether there is a column of it that has something inside.
    """
    found = []
    for name in names:
        try:
            first, *rest = Path.parse(name).steps
        except ValueError:
            continue
        if rest and not is_nested(first.name or ""):
            found.append(name)
    return frozenset(found)


class Claims(Generic[R]):
    """The rules of a table, found by the column that they concern, so that wide tables cost no more a column.

    Args:
        columns: The rules of the table.
        flat: Names of columns that are meant as they are written: :func:`flat_names`.
    """

    def __init__(self, columns: Mapping[str, R], flat: Collection[str] = ()) -> None:
        self._named: dict[str, list[tuple[int, Claim[R]]]] = defaultdict(list)
        self._patterns: list[tuple[int, Step, Claim[R]]] = []
        for at, (written, rule) in enumerate(columns.items()):
            path = Path.parse(written)
            head, rest = path.steps[0], path.steps[1:]
            if written in flat:
                self._named[written].append((at, Claim(written, rule, is_pattern=False, rest=())))
            elif head.is_pattern:
                self._patterns.append((at, head, Claim(written, rule, is_pattern=True, rest=rest)))
            else:
                self._named[head.name or ""].append((at, Claim(written, rule, path.is_pattern, rest)))

    def on(self, name: str) -> tuple[Claim[R], ...]:
        """Return the rules that concern a column of the table, in the order of the file."""
        found = [*self._named.get(name, ()), *((at, claim) for at, head, claim in self._patterns if head.fits(name))]
        return tuple(claim for _, claim in sorted(found, key=itemgetter(0)))

    def on_leaf(self, path: Path) -> Claim[R] | None:
        """Return the rule on a column that has nothing inside, or on something around it.

        Args:
            path: The column, without patterns.

        Returns:
            The claim; None if there is none, or if two patterns share the column.
        """
        claims = self.on(path.steps[0].name or "")
        found = [claim for claim in claims if claim.is_here]
        for step in path.steps[1:]:
            claims = into_elements(claims) if step == ELEMENTS else into_field(claims, step.name or "")
            found += [claim for claim in claims if claim.is_here]
        exact = [claim for claim in found if not claim.is_pattern]
        if exact:
            return exact[0]
        return found[0] if len(found) == 1 else None


def into_field(claims: Iterable[Claim[R]], name: str) -> tuple[Claim[R], ...]:
    """Return the claims that go on into a field of a struct."""
    return tuple(replace(each, rest=each.rest[1:]) for each in claims if each.rest and each.rest[0].fits(name))


def into_elements(claims: Iterable[Claim[R]]) -> tuple[Claim[R], ...]:
    """Return the claims that go on into the elements of a list, or the entries of a map."""
    return tuple(replace(each, rest=each.rest[1:]) for each in claims if each.rest and each.rest[0] == ELEMENTS)
