"""What the name of a column says about its cells.

A name is taken apart into words (``homePhone2`` is *home*, *phone*, *2*), and the words are looked up. A name that
only speaks *about* such data (``email_verified``, ``phone_type``) says nothing.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from maskgate.detect.column_vocabulary import ABOUT, ABOUT_FIRST, ABROAD, ALONE, ANYWHERE, AT_END, COMPOUNDS, PEOPLE

DIRECT_IDENTIFIERS = frozenset(
    {"email", "phone", "person_name", "national_id", "card", "iban", "street_address", "ip_address", "username"}
)


def _taken_apart(phrases: dict[str, str]) -> dict[tuple[str, ...], str]:
    return {tuple(phrase.split()): kind for kind, each in phrases.items() for phrase in each.split(",")}


_KINDS, _KINDS_AT_END, _KINDS_ALONE = map(_taken_apart, (ANYWHERE, AT_END, ALONE))
_LONGEST = max(map(len, _KINDS))
_VERSIONS = frozenset({"version", "ver", "firmware", "build", "release", "oid"})
# Around what a column holds, these add nothing.
_QUALIFIER_WORDS = (
    "no num number nr nbr nummer numero numer id value raw plain clear original orig old new primary secondary main alt"
    " alternate private"
)
_QUALIFIERS = frozenset(_QUALIFIER_WORDS.split())
# Words after which "address" and "ip" are not a place where somebody lives.
_ADDRESS_KINDS = frozenset({"ip", "mac", "email", "mail", "web", "remote", "client", "peer", "url"})
# A part of an address that many people share.
_ADDRESS_PARTS = frozenset(
    ["city", "town", "country", "state", "region", "province", "county", "district", "ort", "stadt", "land"]
)
# Words beside which an income still says what somebody earns.
_AMOUNTS = frozenset({"total", "avg", "rate", "range"})
# Cards with which nobody pays.
_OTHER_CARD_WORDS = "health id identity library loyalty report sim score gift medicare insurance student green"
_OTHER_CARDS = frozenset(_OTHER_CARD_WORDS.split())
# What is sent by mail, and what serves it; the last and the first login are times.
_OTHER_ENDS = {
    "mail": frozenset({"voice", "direct", "air", "snail", "junk", "web"}),
    "login": frozenset({"last", "first", "previous", "prev", "failed", "next"}),
    "handle": frozenset({"door", "file", "to"}),
}
_LETTERS = str.maketrans({"\u00df": "ss", "\u00f8": "o", "\u00d8": "O", "\u0142": "l", "\u0131": "i", "\u00e6": "ae"})
_VOCABULARY = frozenset(
    word for phrases in (_KINDS, _KINDS_AT_END, _KINDS_ALONE) for phrase in phrases for word in phrase
)


@lru_cache(maxsize=4096)
def kinds_of_name(name: str) -> frozenset[str]:
    """Return what a column of this name probably holds; empty if the name says nothing.

    Example:
        >>> sorted(kinds_of_name("Customer.EmailAddress"))
        ['email']
        >>> sorted(kinds_of_name("email_verified"))
        []
    """
    words = _words(name)
    kinds = set() if name.isascii() else {kind for kind, pattern in ABROAD.items() if re.search(pattern, name.lower())}
    if not words:
        return frozenset(kinds)
    kinds |= _kinds_inside(words) | _kinds_of_ends(words) | _kinds_of_compounds(words)
    if "street_address" in kinds and (_ADDRESS_KINDS & set(words) or words[-1] in _ADDRESS_PARTS | {"id"}):
        kinds.discard("street_address")
    if "card" in kinds and _OTHER_CARDS & set(words):
        kinds.discard("card")
    if "birth_date" in kinds or not _is_about(name, words):
        return frozenset(kinds)
    return frozenset(kinds & {"income"} if words[0] in _AMOUNTS or words[-1] in _AMOUNTS else ())


def names_a_version(name: str) -> bool:
    """Say whether a column of this name holds versions, which may look like addresses of machines."""
    return not _VERSIONS.isdisjoint(_without_qualifiers(_words(name))[-1:])


def _is_about(name: str, words: list[str]) -> bool:
    """Say whether a name speaks of something about the data; "num_tel" is a number, and "num_phones" counts some.

    What it begins with says so of a field alone, not of all fields in a column: "encrypted_fields.ssn".
    """
    own = _spelled_words(name.rpartition(".")[2]) or _spelled_words(name)
    counts = own[0] == "num" and own[-1] != words[-1]
    return words[-1] in ABOUT or (len(own) > 1 and (counts or own[0] in ABOUT_FIRST))


def _kinds_inside(words: list[str]) -> set[str]:
    """Return the kinds of the phrases that are somewhere in a name."""
    return {
        kind
        for start in range(len(words))
        for length in range(1, _LONGEST + 1)
        if start + length <= len(words) and (kind := _KINDS.get(tuple(words[start : start + length]))) is not None
    }


def _kinds_of_ends(words: list[str]) -> set[str]:
    """Return the kinds of what a name ends with, and of what it is but for words that add nothing."""
    bare = _without_qualifiers(words)
    kinds = set()
    before = bare[-2] if len(bare) > 1 else ""
    if (bare[-1],) in _KINDS_AT_END and before not in _OTHER_ENDS.get(bare[-1], ()):
        kinds.add(_KINDS_AT_END[bare[-1],])
    if bare[-1] == "name" and before in PEOPLE - {"user"}:
        kinds.add("person_name")
    while len(bare) > 1 and bare[0] in _QUALIFIERS:
        bare.pop(0)
    if tuple(bare) in _KINDS_ALONE:
        kinds.add(_KINDS_ALONE[tuple(bare)])
    return kinds


def _without_qualifiers(words: list[str]) -> list[str]:
    """Return the words up to the last one that adds something."""
    bare = list(words)
    while len(bare) > 1 and bare[-1] in _QUALIFIERS:
        bare.pop()
    return bare


def _kinds_of_compounds(words: list[str]) -> set[str]:
    """Return the kinds of words that are written in one."""
    kinds = {kind for kind, pattern in COMPOUNDS.items() if any(re.fullmatch(pattern, word) for word in words)}
    if any(word.endswith("name") and word[:-4] in PEOPLE - {"user"} for word in words):
        kinds.add("person_name")
    return kinds


def _words(name: str) -> list[str]:
    """Take a name apart into words, in the singular where that one is known."""
    return [_singular(word) for word in _spelled_words(name)]


def _spelled_words(name: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", name.translate(_LETTERS)).encode("ascii", "ignore").decode() or name
    spaced = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3 \2\4", plain)
    return re.findall("[a-z]+", spaced.lower())


def _singular(word: str) -> str:
    if word in _VOCABULARY:
        return word
    return next((word[:-cut] for cut in (1, 2) if word.endswith("es"[-cut:]) and word[:-cut] in _VOCABULARY), word)
