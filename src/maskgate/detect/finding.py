"""Find personal data inside of texts: where, and of which kind.

Scrubbing, discovery, floors and leak scans all look with these. What is found is a reason to act; what is not found
is no promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.escapes import unescaped
from maskgate.detect.folding import fold
from maskgate.detect.kinds import FINDERS, KINDS
from maskgate.detect.spans import Spans
from maskgate.detect.text import Text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pyarrow as pa
    from numpy.typing import NDArray


# A number beside another can be told for what it is when that one is out of the way.
_PASSES = 4
# What a number may be that has the form of another kind: told apart also where nobody asks for it.
_ALIKE = {"card": ("iban",), "date": ("ip", "ssn"), "phone": ("iban", "card", "ip", "ssn")}


@dataclass(frozen=True)
class Findings:
    """What was found in a text, from left to right; no two overlap.

    Attributes:
        spans: Where, in bytes of the text.
        kinds: Of which kind each is, as a place in `names`.
        names: The kinds.
    """

    spans: Spans
    kinds: NDArray[np.int64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, by_kind: list[tuple[str, Spans]]) -> Findings:
        """Put findings of several kinds into one order."""
        names = tuple(dict.fromkeys(kind for kind, _ in by_kind))
        spans = Spans.all_of(found for _, found in by_kind)
        parts = [np.full(len(found), names.index(kind), np.int64) for kind, found in by_kind]
        kinds = np.concatenate([np.zeros(0, np.int64), *parts])
        order = np.argsort(spans.starts, kind="stable")
        return cls(spans.where(order), kinds[order], names)

    def __len__(self) -> int:
        return len(self.spans)

    def by_kind(self) -> Iterator[tuple[str, NDArray[np.int64]]]:
        """Go through the kinds that were found, with the places of their findings."""
        for number, name in enumerate(self.names):
            places = np.flatnonzero(self.kinds == number)
            if len(places):
                yield name, places


def find_in_text(text: Text, kinds: Collection[str]) -> Findings:
    """Find everything of some kinds in a text.

    Args:
        text: The text.
        kinds: Some of ``KINDS``.
    """
    plain = unescaped(text)
    if plain is None:
        return Findings.of(_found_folded(text.copy(), kinds))
    return Findings.of([(kind, plain.outside(spans)) for kind, spans in _found_folded(plain.text, kinds)])


def _found_folded(left: Text, kinds: Collection[str]) -> list[tuple[str, Spans]]:
    """Find some kinds in a text in whatever script its digits are, and take what is found."""
    found: list[tuple[str, Spans]] = []
    # First without what nobody sees, or an address with such a thing in it would be found in part.
    for unseen in (True, False):
        folded = fold(left, unseen=unseen)
        if folded is not None:
            there = [(kind, folded.outside(spans)) for kind, spans in _found(folded.text, kinds)]
            left.take(Spans.all_of(spans for _, spans in there))
            found += there
        elif not unseen:
            found += _found(left, kinds)
    return found


def _found(left: Text, kinds: Collection[str]) -> list[tuple[str, Spans]]:
    """Find some kinds in a text, and take what is found, and what looks like them."""
    alike = {other for kind in kinds for other in _ALIKE.get(kind, ())}
    found: list[tuple[str, Spans]] = []
    for _ in range(_PASSES):
        before = len(found)
        for finder in FINDERS:
            if finder.kind in kinds or finder.kind in alike:
                spans = finder.find(left)
                left.take(spans)
                found += [(finder.kind, spans)] if len(spans) else []
        if len(found) == before:
            break
    return [(kind, spans) for kind, spans in found if kind in kinds]


def find(cells: pa.Array, kinds: Collection[str] = KINDS) -> list[list[tuple[int, int, str]]]:
    """Find everything of some kinds in texts.

    Args:
        cells: Texts, ``string`` or ``large_string``.
        kinds: Some of ``KINDS``; all of them if not said.

    Returns:
        For each cell its findings from left to right: first character, the one after the last, and the kind.

    Example:
        >>> import pyarrow as pa
        >>> find(pa.array(["à ann@example.com", None]), ["email"])
        [[(2, 17, 'email')], []]
    """
    text = Text.of(cells)
    findings = find_in_text(text, kinds)
    found: list[list[tuple[int, int, str]]] = [[] for _ in text.starts]
    cell_of = text.cell_of(findings.spans.starts)
    for start, end, kind, cell in zip(findings.spans.starts, findings.spans.ends, findings.kinds, cell_of, strict=True):
        before = bytes(text.data[text.starts[cell] : start]).decode(errors="replace")
        inside = bytes(text.data[start:end]).decode(errors="replace")
        found[cell].append((len(before), len(before) + len(inside), findings.names[kind]))
    return found
