"""Take personal data out of free text.

What is found is replaced where it stands; the rest of the text stays as it is. It is found by patterns and check
digits (:mod:`maskgate.detect`), by patterns of the rules' own, and by the values of other columns of the same row. What
no pattern describes, such as the name of somebody who has no column, stays: the output is free text still.

* Nothing that was found is in the output.
* Scrubbing by type a second time finds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from maskgate.detect.escapes import without_escapes
from maskgate.detect.finding import find_in_text
from maskgate.detect.kinds import KINDS
from maskgate.detect.spans import Spans
from maskgate.detect.text import Text, portions
from maskgate.errors import MaskingError
from maskgate.methods import scrub_presidio
from maskgate.methods.families import family_of
from maskgate.methods.layout import by_value, plain, text_type
from maskgate.methods.malformed_texts import malformed_texts
from maskgate.methods.method import Declaration, Domain, Family, Kind, Method, Parameter, ReversibleBy, Surroundings
from maskgate.methods.scrub_columns import find_values
from maskgate.methods.scrub_patterns import UserPattern
from maskgate.methods.scrub_replacement import WAYS, Replacement, replacement_of
from maskgate.methods.scrub_writing import rewrite
from maskgate.methods.shape import Shape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from maskgate.detect.finding import Findings

DEFAULT_KINDS = tuple(kind for kind in KINDS if kind != "date")
_SAMPLE = 1_000


class Engine(Protocol):
    """Something that finds personal data in texts."""

    def find(self, text: Text) -> Findings:
        """Return what is found; no two findings overlap."""


@dataclass(frozen=True)
class NativeEngine:
    """Finds by patterns and check digits.

    Attributes:
        kinds: What it looks for.
    """

    kinds: tuple[str, ...]

    def find(self, text: Text) -> Findings:
        """Return what is found."""
        return find_in_text(text, self.kinds)


@dataclass(frozen=True)
class Scrub(Method):
    """Replace personal data inside of texts; a null stays a null.

    Attributes:
        engine: What finds it.
        patterns: The rules' own patterns, looked for first.
        columns: Other columns whose values are removed from the text of the same row.
        replacement: What stands there instead.
    """

    engine: Engine
    patterns: tuple[UserPattern, ...]
    columns: tuple[str, ...]
    replacement: Replacement

    declaration: ClassVar[Declaration] = Declaration(
        name="scrub",
        done="personal data taken out of the text",
        term="masking (of what is found inside of text)",
        summary="Replaces personal data inside of free text; what no pattern describes stays.",
        accepts=frozenset({Family.STRING, Family.NULL}),
        parameters=(
            Parameter(
                "find",
                Kind.CHOICES,
                "What to look for; `person` and `location` need `engine: presidio` and a `model:`.",
                default=list(DEFAULT_KINDS),
                choices=(*KINDS, *scrub_presidio.MODEL_KINDS),
            ),
            Parameter(
                "also_remove",
                Kind.COLUMNS,
                "Columns whose values are removed from the text of the same row: whole, and each word of letters.",
            ),
            Parameter(
                "also_find", Kind.STRINGS, "Patterns of RE2 to look for; a named group, `(?P<staff>...)`, names it."
            ),
            Parameter(
                "replace_with",
                Kind.CHOICE,
                "What stands there instead: `<EMAIL>`, `<EMAIL:token>` or a fake; the last two need `domain:`.",
                default="type",
                choices=WAYS,
            ),
            Parameter(
                "engine",
                Kind.CHOICE,
                "What finds it; `presidio` needs the extra `maskgate[presidio]`.",
                default="native",
                choices=("native", "presidio"),
            ),
            Parameter(
                "threshold",
                Kind.NUMBER,
                f"Presidio's least score of a finding, {scrub_presidio.THRESHOLD} if not said.",
                minimum=0,
                maximum=1,
            ),
            Parameter("model", Kind.STRING, "Path of a spaCy model on this machine, for Presidio."),
        ),
        takes_domain=True,
    )

    @classmethod
    def configure(cls, options: Mapping[str, Any], domain: Domain | None) -> Self:
        """Make the method.

        Raises:
            ValueError: If options contradict each other, or a pattern is none.
        """
        kinds = tuple(dict.fromkeys(options.get("find") or DEFAULT_KINDS))
        patterns = tuple(UserPattern.of(each) for each in options.get("also_find") or ())
        columns = tuple(dict.fromkeys(options.get("also_remove") or ()))
        replacement = replacement_of(options.get("replace_with", "type"), kinds, domain)
        return cls(_engine(kinds, options), patterns, columns, replacement)

    @property
    def reversible_by(self) -> ReversibleBy:
        """Who can get back what was found: with tokens, whoever can from tokens."""
        return self.replacement.reversible_by()

    def output_type(self, input_type: pa.DataType) -> pa.DataType:
        """Return text; behind a dictionary if the input is, unless other columns are looked at."""
        return text_type(plain_type(input_type) if self.columns else input_type)

    def shape(self) -> Shape:
        """Promise text, and no more: what is left in it is for detectors to measure."""
        return Shape(families=(Family.STRING,))

    def invalid(self, column: pa.Array, _surroundings: Surroundings) -> pa.Array | None:
        """Say which texts are not valid UTF-8."""
        return None if pa.types.is_null(column.type) else malformed_texts(plain(column))

    def reads(self) -> tuple[str, ...]:
        """Return the columns of ``also_remove``."""
        return self.columns

    def check_other(self, kind: pa.DataType) -> None:
        """Refuse what cannot be looked for in a text.

        Raises:
            ValueError: If the column is nested.
        """
        if family_of(kind) is Family.NESTED:
            raise ValueError(f"{kind} cannot be looked for as text. Name a column of single values")

    def apply(self, column: pa.Array, surroundings: Surroundings) -> pa.Array:
        """Return the texts without what is found.

        Raises:
            MaskingError: If a text is not valid UTF-8, a key is missing, or a pattern takes too long.
        """
        if pa.types.is_null(column.type):
            return pa.nulls(len(column), text_type(column.type))
        if self.columns:
            others = {name: _as_text(surroundings.columns[name], name, surroundings) for name in self.columns}
            return self._scrubbed(plain(column), surroundings, others)
        if not pa.types.is_dictionary(column.type) and _repeats(column):
            encoded = plain(column).dictionary_encode()
            return plain(by_value(encoded, lambda values: self._scrubbed(values, surroundings, {})))
        return by_value(column, lambda values: self._scrubbed(values, surroundings, {}))

    def _scrubbed(self, values: pa.Array, surroundings: Surroundings, others: Mapping[str, pa.Array]) -> pa.Array:
        if (invalid := malformed_texts(values)) is not None:
            raise MaskingError(
                f'column "{surroundings.column}": {invalid.true_count} texts are not valid UTF-8. '
                "Say `on_invalid: nullify`, or mend them first"
            )
        parts, row = [], 0
        for cells in portions(values):
            beside = {name: column.slice(row, len(cells)) for name, column in others.items()}
            parts.append(self._portion(cells, surroundings, beside))
            row += len(cells)
        return pa.concat_arrays(parts) if parts else values

    def _portion(self, cells: pa.Array, surroundings: Surroundings, others: Mapping[str, pa.Array]) -> pa.Array:
        text = Text.of(cells)
        every, written = Spans.none(), []
        for kind, found, column in self._found(text, surroundings, others):
            # What was found first has its name, also in the middle of something else.
            spans = found.without(every.merged())
            values = self._values(text, spans, column)
            every = Spans.all_of([every, spans])
            written.append(self.replacement.written(kind, values, surroundings))
        order = np.argsort(every.starts, kind="stable")
        texts = pa.concat_arrays([*written, pa.array([], pa.large_string())])
        return rewrite(cells, text, every.where(order), pc.take(texts, pa.array(order)))

    def _values(self, text: Text, spans: Spans, column: pa.Array | None) -> pa.Array:
        """Return what was found, as it reads; of another column, its value in that row."""
        if not self.replacement.reads_values:
            return pa.nulls(len(spans), pa.large_string())
        if column is None:
            return without_escapes(text.pieces(spans))
        return pc.take(column, pa.array(text.cell_of(spans.starts)))

    def _found(
        self, text: Text, surroundings: Surroundings, others: Mapping[str, pa.Array]
    ) -> Iterator[tuple[str, Spans, pa.Array | None]]:
        """Find one kind after the other, each in the text as it came: one must not hide a part of what another is.

        Yields:
            The kind, where it is, and for the values of another column that column.
        """
        for pattern in self.patterns:
            yield pattern.name, pattern.find(text, surroundings.column), None
        findings = self.engine.find(text)
        for kind, places in findings.by_kind():
            yield kind, findings.spans.where(places), None
        for name, spans in find_values(text, others):
            yield name, spans, others[name]


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type without a dictionary around it."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _engine(kinds: tuple[str, ...], options: Mapping[str, Any]) -> Engine:
    threshold, model = options.get("threshold"), options.get("model")
    if options.get("engine", "native") == "presidio":
        return scrub_presidio.PresidioEngine.of(kinds, threshold, model)
    if threshold is not None or model is not None:
        raise ValueError("`threshold:` and `model:` go with `engine: presidio`")
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ValueError(f"no pattern finds '{unknown[0]}'. It takes `engine: presidio` and a `model:`")
    return NativeEngine(kinds)


def _repeats(column: pa.Array) -> bool:
    """Say whether it looks as if most texts are there more than once."""
    sample = column.slice(0, _SAMPLE)
    return len(column) > _SAMPLE and pc.count_distinct(sample).as_py() * 2 < len(sample)


def _as_text(column: pa.Array, name: str, surroundings: Surroundings) -> pa.Array:
    try:
        return plain(column).cast(pa.large_string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        kind = str(column.type)
    raise MaskingError(
        f'column "{surroundings.column}": the values of "{name}" ({kind}) cannot be looked for as text. '
        "Name a column of single values."
    )
