"""`scrub` beside Presidio: how fast each is, and how much of what is there each finds."""

from __future__ import annotations

import json
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from race import Result, Way, on_one_core, race

from maskgate.detect.text import Text
from maskgate.methods import METHODS, Surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROWS = 200_000
_FEW = 400
SIX_KINDS = ("email", "phone", "card", "ssn", "ip", "iban")
# What the sentences call each kind.
_LABELS = {
    "email": "EMAIL_ADDRESS",
    "card": "CREDIT_CARD",
    "iban": "IBAN_CODE",
    "ip": "IP_ADDRESS",
    "ssn": "US_SSN",
    "url": "DOMAIN_NAME",
    "phone": "PHONE_NUMBER",
}
_HERE = Surroundings("notes", "notes")


def speed() -> list[Result]:
    """Race scrubbing against Presidio, its analyzer and its anonymizer, with the same six kinds.

    Returns:
        Texts a second of both, without a model: with its own regions of telephone numbers, and without telephone
        numbers.
    """
    texts, kinds = notes(ROWS), list(SIX_KINDS)
    ours = Way("`scrub`, six kinds, 60 characters", ROWS, _scrub(texts, kinds))
    without = [kind for kind in kinds if kind != "phone"]
    ours_without = Way("the same without telephone numbers", ROWS, _scrub(texts, without))
    theirs = Way("Presidio", _FEW, _presidio(kinds))
    theirs_without = Way("Presidio without", _FEW, _presidio(without))
    rates = race([ours, ours_without, theirs, theirs_without])
    return [
        Result(ours.name, rates[ours.name], "Presidio", rates[theirs.name], 50.0),
        Result(ours_without.name, rates[ours_without.name], "Presidio", rates[theirs_without.name], 50.0),
    ]


def quality(path: Path) -> list[Sequence[str]]:
    """Compare what both engines find in sentences whose personal data is known.

    A span counts as found if a finding of its kind overlaps it, and a finding as right if it overlaps such a span.

    Args:
        path: Sentences of presidio-research.

    Returns:
        For each kind: its name, spans, recall and precision of the native engine, and of Presidio.
    """
    sentences = json.loads(path.read_text(encoding="utf-8"))
    texts = pa.array([each["full_text"] for each in sentences])
    wanted = [
        [(each["start_position"], each["end_position"], each["entity_type"]) for each in sentence["spans"]]
        for sentence in sentences
    ]
    rows = []
    found = [_found(texts, engine, list(_LABELS)) for engine in ("native", "presidio")]
    for kind, label in _LABELS.items():
        places = [[(start, end) for start, end, name in spans if name == label] for spans in wanted]
        scores = [score for each in found for score in _scores(places, [spans.get(kind, []) for spans in each])]
        rows.append((kind, str(sum(map(len, places))), *scores))
    return rows


@cache
def notes(rows: int) -> pa.Array:
    """Make texts of about 60 characters, in three of four of which there is something to find."""
    draw = np.random.default_rng(11).integers
    templates: tuple[Callable[[], str], ...] = (
        lambda: f"please write to user{draw(10**6)}@example.com about last week, thanks",
        lambda: f"call me at +1 {draw(200, 999)}-555-{draw(10**4):04} when you are at home tomorrow",
        lambda: f"paid with card {_card(draw(10**9))} at the shop in town on monday",
        lambda: f"her ssn is {draw(100, 600)}-{draw(10, 99)}-{draw(1000, 9999)} as far as the files say",
        lambda: f"login came from 10.{draw(256)}.{draw(256)}.7 at night and was blocked again",
        lambda: f"transfer to {_iban(draw(10**10))} please, before the month ends",
        lambda: "nothing to see here, only a plain text with 12 words in it",
        lambda: "another note without any personal data, order 4711 shipped",
    )
    return pa.array([templates[draw(len(templates))]() for _ in range(rows)])


def _card(number: int) -> str:
    digits = f"411111{number:09}"
    doubled = [int(each) * (2 - at % 2) for at, each in enumerate(digits)]
    whole = digits + str(-sum(each - 9 * (each > 9) for each in doubled) % 10)  # noqa: PLR2004  Luhn's nine
    return " ".join(whole[at : at + 4] for at in range(0, 16, 4))


def _iban(account: int) -> str:
    bank = f"37040044{account:010}"
    return f"DE{98 - int(bank + '131400') % 97:02}{bank}"


def _scrub(texts: pa.Array, kinds: list[str]) -> Callable[[], object]:
    method = METHODS["scrub"].configure({"find": kinds}, None)
    return lambda: method.apply(texts, _HERE)


def _presidio(kinds: list[str]) -> Callable[[], object]:
    """Run Presidio text by text, with the recognizers of these kinds alone and nothing to tell words apart with."""
    from presidio_analyzer.nlp_engine import NlpArtifacts  # noqa: PLC0415  seconds to import
    from presidio_anonymizer import AnonymizerEngine  # noqa: PLC0415

    from maskgate.methods.scrub_presidio import ENTITIES, load_presidio  # noqa: PLC0415

    analyzer, _ = load_presidio(tuple(kinds), "")
    entities, anonymizer, texts = [ENTITIES[kind] for kind in kinds], AnonymizerEngine(), notes(_FEW).to_pylist()
    no_words = NlpArtifacts([], [], [], [], analyzer.nlp_engine, "en")

    def work() -> None:
        for text in texts:
            hits = analyzer.analyze(text, "en", entities=entities, score_threshold=0.3, nlp_artifacts=no_words)
            anonymizer.anonymize(text, hits)

    return work


def _found(texts: pa.Array, engine: str, kinds: list[str]) -> list[dict[str, list[tuple[int, int]]]]:
    """Return for each text the places of each kind, in characters."""
    method = METHODS["scrub"].configure({"find": kinds, "engine": engine}, None)
    text = Text.of(texts)
    findings = method.engine.find(text)
    found: list[dict[str, list[tuple[int, int]]]] = [{} for _ in texts]
    for kind, places in findings.by_kind():
        spans = findings.spans.where(places)
        for start, end, cell in zip(spans.starts, spans.ends, text.cell_of(spans.starts), strict=True):
            first = len(bytes(text.data[text.starts[cell] : start]).decode())
            last = first + len(bytes(text.data[start:end]).decode())
            found[cell].setdefault(kind, []).append((first, last))
    return found


def _scores(wanted: list[list[tuple[int, int]]], found: list[list[tuple[int, int]]]) -> tuple[str, str]:
    hit = _overlapping(wanted, found)
    right = _overlapping(found, wanted)
    return _share(hit, sum(map(len, wanted))), _share(right, sum(map(len, found)))


def _overlapping(these: list[list[tuple[int, int]]], those: list[list[tuple[int, int]]]) -> int:
    return sum(
        any(start < last and first < end for first, last in others)
        for spans, others in zip(these, those, strict=True)
        for start, end in spans
    )


def _share(count: int, whole: int) -> str:
    return f"{count / whole:.3f}" if whole else "-"


if __name__ == "__main__":
    on_one_core()
    for result in speed():
        print(f"{result.work}: {result.rate:,.0f}/s beside {result.beside} {result.other:,.0f}/s: {result.ratio:.1f}")
    for row in quality(Path(sys.argv[1])):
        print(*row, sep="\t")
