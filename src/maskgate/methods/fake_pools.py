"""Pools of fakes: what Faker has for a kind and a locale, once, in an order that is always the same.

A pool is a function of kind, locale, Faker's version and this module alone: Faker runs on a generator of its own with
a fixed seed, so that neither what ran before nor another thread nor the hash seed changes a thing. Its digest goes
into the report, so that two runs can be compared.

Faker writes names and addresses by templates such as ``{{first_name}} {{last_name}}``. Calling it a hundred thousand
times would take seconds; so the templates are asked for as they are, and filled from all first and last names.
"""

from __future__ import annotations

import difflib
import hashlib
import itertools
import random
import re
import threading
import warnings
from collections import Counter
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from maskgate.methods.fake_kinds import DEFAULT_LOCALE, DOMAINS, FICTIONAL_PHONES, KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from faker.generator import Generator

VERSION = 1
LARGEST = 131_072
FEWEST = 3
_ASKED = 32_768
_PARTS = 8_192
_TEMPLATES_ASKED = 1_024
# What a few of Faker's methods raise where there are no weights.
_WEIGHTS_WANTED = (AssertionError, TypeError)
# Faker's own name of what fills a template.
_FILL = "parse"
_GAP = re.compile(r"[\s\x00-\x1f]+")
_TOKEN = re.compile(r"(\{\{.*?\}\})")


@dataclass(frozen=True)
class Pool:
    """All fakes of one kind and locale.

    Attributes:
        entries: The fakes, sorted; no two of them differ by case alone.
        kind: Their kind.
        locale: Their locale.
        digest: SHA-256 over kind, locale and entries, one a line.
    """

    entries: pa.StringArray
    kind: str
    locale: str
    digest: str

    def facts(self) -> dict[str, Any]:
        """Say what the pool is, for the report of a run."""
        from faker import VERSION as FAKER_VERSION  # noqa: PLC0415  Faker takes a quarter of a second to import

        return {
            "kind": self.kind,
            "locale": self.locale,
            "entries": len(self.entries),
            "sha256": self.digest,
            "version": VERSION,
            "faker": FAKER_VERSION,
        }


def pool_of(kind: str, locale: str) -> Pool:
    """Return the pool of a kind and a locale that :func:`check_locale` takes; it is made once in a process."""
    with _MAKING:
        return _made(kind, locale)


_MAKING = threading.Lock()


@lru_cache(maxsize=64)
def _made(kind: str, locale: str) -> Pool:
    texts: dict[str, str] = {}
    for text in _texts(kind, locale):
        line = _GAP.sub(" ", text.replace("\n", ", ")).strip()
        texts.setdefault(line.lower(), line)
    entries = pa.array(sorted(texts.values()), pa.string())
    entries = entries.filter(pc.match_substring_regex(entries, rf"\A(?:{KINDS[kind].pattern})\z"))
    digest = hashlib.sha256("\n".join([kind, locale, *entries.to_pylist()]).encode())
    return Pool(entries, kind, locale, digest.hexdigest())


def check_locale(kind: str, locale: str) -> None:
    """Refuse a locale that Faker does not have, or in which it does not have the kind.

    Raises:
        ValueError: With the locales that have it.
    """
    from faker.config import AVAILABLE_LOCALES  # noqa: PLC0415  see above

    if locale not in AVAILABLE_LOCALES:
        # ISO 3166 calls the United Kingdom GB.
        wanted = locale.replace("-", "_").replace("_UK", "_GB")
        near = difflib.get_close_matches(wanted, sorted(AVAILABLE_LOCALES), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else "they look like en_GB"
        raise ValueError(f"Faker has no locale '{locale}' ({hint})")
    if not _has(kind, locale):
        near = [each for each in sorted(AVAILABLE_LOCALES) if _language(each) == _language(locale) and _has(kind, each)]
        hint = f"it has some for {', '.join(near)}" if near else "take another locale"
        raise ValueError(f"Faker has no fakes of kind '{kind}' for {locale}; {hint}")


@cache
def _has(kind: str, locale: str) -> bool:
    if kind == "phone" and locale in FICTIONAL_PHONES:
        return True
    if kind in ("email", "user_name"):
        # Made of names: Faker's own tables for the web hold nothing but spellings and domains.
        return _has("last_name", locale)
    source = _source(kind, locale)
    if kind == "iban":
        # Where a country has no IBANs, Faker makes British ones.
        return source is not None and bank_of(locale)[0] == locale.rpartition("_")[2]
    return source is not None and _Templates(locale).has_some(source)


def _source(kind: str, locale: str) -> str | None:
    """Return Faker's method for a kind, if it is the locale's own."""
    generator = _generator(locale)
    for name in KINDS[kind].sources:
        method = getattr(generator, name, None)
        if method is not None and _speaks(method.__self__, KINDS[kind].data, locale):
            return name
    return None


def _speaks(provider: Any, data: tuple[str, ...], locale: str) -> bool:
    if provider.__lang__ != locale:
        return False
    # A locale's class may inherit a table from the base class, which is English, or from another locale's.
    owners = [owner for owner in type(provider).__mro__ if any(name in vars(owner) for name in data)]
    if not owners:
        return True
    owner = owners[0].__module__
    home = DEFAULT_LOCALE if owner == provider.__provider__ else owner.rpartition(".")[2]
    return _language(home) == _language(locale)


def _language(locale: str) -> str:
    return locale.partition("_")[0]


def bank_of(locale: str) -> tuple[str, str]:
    """Return the country code of a locale's IBANs and Faker's pattern of what follows the check digits."""
    provider = _method(_generator(locale), "iban").__self__
    return provider.country_code, provider.bban_format


def _texts(kind: str, locale: str) -> Iterator[str]:
    if kind == "phone" and locale in FICTIONAL_PHONES:
        return itertools.chain.from_iterable(map(_numbers, FICTIONAL_PHONES[locale]))
    if kind in ("email", "user_name"):
        return _accounts(kind, locale)
    return iter(_Templates(locale).texts(_source(kind, locale) or kind, LARGEST))


def _numbers(pattern: str) -> Iterator[str]:
    pieces = pattern.split("#")
    for digits in itertools.product("0123456789", repeat=len(pieces) - 1):
        yield "".join(itertools.chain.from_iterable(itertools.zip_longest(pieces, digits, fillvalue="")))


def _accounts(kind: str, locale: str) -> Iterator[str]:
    """Put a number behind the user names that Faker makes of names, and a reserved domain (RFC 2606) behind e-mails."""
    faker = _Templates(locale)
    stems = sorted({name.strip("0123456789") for name in faker.answers("user_name", _PARTS)})
    numbers = random.Random(_seed("numbers")).choices(range(10_000), k=LARGEST)  # noqa: S311  not a secret
    for number, stem, domain in zip(numbers, itertools.cycle(stems), itertools.cycle(DOMAINS), strict=False):
        yield f"{stem}{number}@{domain}" if kind == "email" else f"{stem}{number}"


class _Templates:
    """Asks Faker for templates, and fills them."""

    def __init__(self, locale: str) -> None:
        # Without weights Faker is ten times as fast, and no first name is rarer than another. Templates keep theirs,
        # so that not every second person is a doctor.
        self._even, self._weighted = _generator(locale), _generator(locale, weights=True)
        self._known: dict[str, list[str]] = {}
        for generator in (self._even, self._weighted):
            generator.seed_instance(_seed(locale))

    def ask(self, source: str, *, weights: bool = False) -> Any:
        """Call one of Faker's methods and return its template as it is, or its text where it has none."""
        generator = self._weighted if weights else self._even
        filling = generator.parse
        setattr(generator, _FILL, _as_it_is)
        try:
            return _method(generator, source)()
        except _WEIGHTS_WANTED:
            return self.ask(source, weights=True)
        finally:
            setattr(generator, _FILL, filling)

    def has_some(self, source: str) -> bool:
        """Say whether one of Faker's methods has more to offer than the base class's placeholders."""
        texts = {str(self.ask(source)) for _ in range(64)}
        return len(texts) >= FEWEST or any(_TOKEN.search(text) for text in texts)

    def answers(self, source: str, count: int) -> list[str]:
        """Call one of Faker's methods many times, or fill a template many times."""

        def answer(generator: Generator) -> str:
            return str(generator.parse(source) if "{{" in source else _method(generator, source)())

        try:
            return [answer(self._even) for _ in range(count)]
        except _WEIGHTS_WANTED:
            return [answer(self._weighted) for _ in range(count // 4)]

    def texts(self, source: str, count: int) -> list[str]:
        """Return different texts of one of Faker's methods, about as many as asked for if there are so many."""
        if source not in self._known:
            self._known[source] = self._made(source, count)
        return self._known[source]

    def _made(self, source: str, count: int) -> list[str]:
        if "{{" in source or not _TOKEN.search(str(self.ask(source))):
            return sorted(set(self.answers(source, min(count, _ASKED))))
        templates = Counter(str(self.ask(source, weights=True)) for _ in range(_TEMPLATES_ASKED))
        made: set[str] = set()
        for template, times in sorted(templates.items()):
            made.update(self._filled(template, -(-count * times // _TEMPLATES_ASKED)))
        return sorted(made)

    def _filled(self, template: str, count: int) -> Iterator[str]:
        draws = random.Random(_seed(template))  # noqa: S311  not a secret
        columns = []
        for piece in _TOKEN.split(template):
            if not _TOKEN.fullmatch(piece):
                columns.append([piece] * count)
                continue
            name = piece[2:-2].strip()
            columns.append(draws.choices(self.texts(piece if ":" in name else name, _PARTS), k=count))
        return map("".join, zip(*columns, strict=True))


def _method(generator: Generator, name: str) -> Any:
    return getattr(generator, name)


def _as_it_is(template: str) -> str:
    return template


def _seed(text: str) -> int:
    return int.from_bytes(hashlib.sha256(f"maskgate pool {VERSION} {text}".encode()).digest()[:8], "big")


def _generator(locale: str, *, weights: bool = False) -> Generator:
    from faker.factory import Factory  # noqa: PLC0415  see above

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Factory.create(locale, use_weighting=weights)
