"""Presidio as the engine that finds personal data: its recognizers, without a model unless one is given.

Nothing is downloaded and no connection is opened: neither for a model of spaCy's, nor for the list of public suffixes
that Presidio's recognizer of e-mail addresses asks two hosts for. Without a model, words are told apart by spaCy's
rules alone, so that a word such as *passport* before a number still counts. Its regular expressions have a time limit,
``REGEX_TIMEOUT_SECONDS``, a minute if not said.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from maskgate.detect.finding import Findings
from maskgate.detect.spans import Spans
from maskgate.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maskgate.detect.text import Text

MODEL_KINDS = ("person", "location")
THRESHOLD = 0.3
_LANGUAGE = "en"
_LONGEST = 1 << 30
# What Presidio calls each kind, and its recognizer.
ENTITIES = {
    "email": "EMAIL_ADDRESS",
    "phone": "PHONE_NUMBER",
    "card": "CREDIT_CARD",
    "ssn": "US_SSN",
    "iban": "IBAN_CODE",
    "ip": "IP_ADDRESS",
    "url": "URL",
    "mac": "MAC_ADDRESS",
    "nino": "UK_NINO",
    "date": "DATE_TIME",
    "person": "PERSON",
    "location": "LOCATION",
}
_RECOGNIZERS = {
    "phone": "PhoneRecognizer",
    "card": "CreditCardRecognizer",
    "ssn": "UsSsnRecognizer",
    "iban": "IbanRecognizer",
    "ip": "IpRecognizer",
    "url": "UrlRecognizer",
    "mac": "MacAddressRecognizer",
    "nino": "UkNinoRecognizer",
    "date": "DateRecognizer",
}


@dataclass(frozen=True)
class PresidioEngine:
    """Finds by Presidio's recognizers.

    Attributes:
        kinds: What it looks for.
        threshold: Least score of a finding.
        model: Path of a spaCy model; empty if there is none.
    """

    kinds: tuple[str, ...]
    threshold: float
    model: str

    @classmethod
    def of(cls, kinds: tuple[str, ...], threshold: float | None, model: str | None) -> Self:
        """Make the engine; Presidio itself is not loaded before the first text.

        Raises:
            ValueError: If a kind needs a model and there is none.
        """
        wanting = [kind for kind in kinds if kind in MODEL_KINDS]
        if wanting and not model:
            raise ValueError(f"'{wanting[0]}' is found by a model alone: give the path of one, `model:`")
        return cls(kinds, THRESHOLD if threshold is None else float(threshold), model or "")

    def find(self, text: Text) -> Findings:
        """Return what is found; of a text that is there several times, it looks at one.

        Raises:
            UsageError: If Presidio is not installed, or there is no such model.
        """
        analyzer, resolve = load_presidio(self.kinds, self.model)
        entities = {ENTITIES[kind]: kind for kind in self.kinds}
        seen: dict[bytes, list[tuple[int, int, str]]] = {}
        found: dict[str, list[tuple[int, int]]] = {kind: [] for kind in self.kinds}
        for start, end in zip(text.starts.tolist(), text.ends.tolist(), strict=True):
            cell = text.data[start:end].tobytes()
            if cell not in seen:
                words = cell.decode(errors="replace")
                hits = analyzer.analyze(words, _LANGUAGE, entities=list(entities), score_threshold=self.threshold)
                seen[cell] = list(_in_bytes(words, resolve(words, hits)))
            for first, last, entity in seen[cell]:
                found[entities[entity]].append((start + first, start + last))
        return Findings.of([(kind, _spans(places)) for kind, places in found.items()])


def _spans(places: list[tuple[int, int]]) -> Spans:
    table = np.array(places, np.int64).reshape(-1, 2)
    return Spans(table[:, 0], table[:, 1])


def _in_bytes(words: str, hits: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Turn places in characters into places in bytes; blanks at the ends of a finding are not part of it."""
    for start, end, entity in hits:
        found = words[start:end]
        first = len((words[:start] + found[: len(found) - len(found.lstrip())]).encode())
        yield first, first + len(found.strip().encode()), entity


@lru_cache(maxsize=8)
def load_presidio(kinds: tuple[str, ...], model: str) -> tuple[Any, Any]:
    """Load Presidio; return its analyzer, and a function that lets no two findings overlap."""
    try:
        analysis, anonymization = import_module("presidio_analyzer"), import_module("presidio_anonymizer")
    except ImportError as error:
        raise UsageError("`engine: presidio` needs Presidio: pip install 'maskgate[presidio]'") from error
    if model and not Path(model).exists():
        # Presidio would look for a package of that name, and download one.
        raise UsageError(f"`model: {model}` is not there. It is the path of a spaCy model on this machine")
    models = [{"lang_code": _LANGUAGE, "model_name": model}]
    engine = analysis.nlp_engine.SpacyNlpEngine(models) if model else _without_model(analysis)
    engine.load()
    recognizers = list(_recognizers(kinds, analysis.predefined_recognizers))
    registry = analysis.RecognizerRegistry(recognizers=recognizers, supported_languages=[_LANGUAGE])
    analyzer = analysis.AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=[_LANGUAGE])
    anonymizer, strategies = anonymization.AnonymizerEngine(), anonymization.entities.ConflictResolutionStrategy
    kept = {"DEFAULT": anonymization.OperatorConfig("keep")}

    def resolve(words: str, hits: Any) -> list[tuple[int, int, str]]:
        if not hits:
            return []
        result = anonymizer.anonymize(words, hits, kept, conflict_resolution=strategies.REMOVE_INTERSECTIONS)
        return [(each.start, each.end, each.entity_type) for each in result.items]

    return analyzer, resolve


def _recognizers(kinds: tuple[str, ...], predefined: Any) -> Iterator[Any]:
    for kind in kinds:
        if kind in _RECOGNIZERS:
            yield getattr(predefined, _RECOGNIZERS[kind])()
    if "email" in kinds:
        yield _email_recognizer(predefined)
    entities = [ENTITIES[kind] for kind in kinds if kind in MODEL_KINDS]
    if entities:
        yield predefined.SpacyRecognizer(supported_entities=entities)


def _email_recognizer(predefined: Any) -> Any:
    suffixes = import_module("tldextract").TLDExtract(suffix_list_urls=(), cache_dir=None)

    class OfflineEmailRecognizer(predefined.EmailRecognizer):  # type: ignore[misc]  # Presidio has no types
        """Takes the list of public suffixes that came with the package."""

        def validate_result(self, pattern_text: str) -> bool:
            """Say whether the address has a public suffix."""
            return bool(suffixes(pattern_text).fqdn)

    return OfflineEmailRecognizer()


def _without_model(analysis: Any) -> Any:
    """Return an engine that tells words apart and knows nothing of them."""
    artifacts, rules = analysis.nlp_engine.NlpArtifacts, import_module("spacy").blank(_LANGUAGE)
    rules.max_length = _LONGEST

    class Words(analysis.nlp_engine.NlpEngine):  # type: ignore[misc]  # Presidio has no types
        """Presidio's own engine without a model gives no words, so that context does not count."""

        def load(self) -> None:
            """Do nothing; the rules are part of spaCy."""

        def is_loaded(self) -> bool:
            """Say so."""
            return True

        def process_text(self, text: str, language: str) -> Any:
            """Take a text apart."""
            words = rules(text)
            return artifacts([], words, [each.idx for each in words], [each.lower_ for each in words], self, language)

        def process_batch(self, texts: Any, language: str, **_kwargs: Any) -> Any:
            """Take texts apart."""
            return ((text, self.process_text(text, language)) for text in texts)

        def is_stopword(self, word: str, _language: str) -> bool:
            """Say whether a word is one that says nothing."""
            return bool(rules.vocab[word].is_stop)

        def is_punct(self, word: str, _language: str) -> bool:
            """Say whether a word is punctuation."""
            return bool(rules.vocab[word].is_punct)

        def get_supported_entities(self) -> list[str]:
            """Name none."""
            return []

        def get_supported_languages(self) -> list[str]:
            """Name the one."""
            return [_LANGUAGE]

    return Words()
