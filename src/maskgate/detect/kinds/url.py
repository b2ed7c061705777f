"""Addresses of pages and services (RFC 3986, 3987), also without a scheme where a known top-level domain ends them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.characters import ABROAD
from maskgate.detect.finder import Finder, before, behind, holds
from maskgate.detect.spans import Spans
from maskgate.detect.text import WORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.text import Text

# Everything but blanks, control characters, what RFC 3986 leaves out, punctuation of other scripts, and pictures.
_CHARACTER = (
    r"[^\x{00}-\x{20}\x{7F}<>\"\\^`{|}\x{80}-\x{A0}\x{AB}\x{BB}\x{2000}-\x{200B}\x{2010}-\x{206F}\x{2190}-\x{2BFF}"
    r"\x{3000}-\x{3004}\x{3008}-\x{3030}\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF20}\x{FF3B}-\x{FF3D}\x{FF5B}-\x{FF65}\x{1F000}-\x{1FAFF}]"
)
_LETTER = f"0-9A-Za-z{ABROAD}"
_HOST = rf"(?:[{_LETTER}](?:[{_LETTER}_-]*[{_LETTER}])?\.)+"
_TAIL = rf"(?::[0-9]{{1,5}})?(?:[/?#]{_CHARACTER}*)?"

# Top-level domains that hardly anything else ends in, and so need neither scheme nor path.
_GENERIC = (
    "com|org|net|edu|gov|mil|info|biz|int|eu|io|dev|app|xyz|online|site|shop|store|tech|blog|cloud|club|agency|"
    "museum|jobs|mobi|travel|example|onion"
)
# Newer ones that no sentence goes on with where its blank is missing, and no program has names for.
_NEWER = (
    "academy|africa|amsterdam|asia|berlin|boutique|bzh|casino|charity|clinic|consulting|dental|digital|engineering|expert|"
    "fitness|foundation|gmbh|guru|hamburg|inc|international|istanbul|kiwi|koeln|law|lawyer|llc|london|ltd|luxury|marketing|"
    "media|network|news|ninja|nyc|paris|photography|pizza|poker|properties|realty|reviews|rocks|software|solutions|"
    "space|studio|swiss|systems|technology|tirol|tokyo|university|ventures|vip|website|wien|wiki|xxx|yoga"
)
# These stand behind points elsewhere too, and need a path.
_WORDS = (
    "art|auto|band|bar|beer|best|bet|bid|bike|bio|build|business|buzz|cafe|camera|camp|capital|care|cars|cash|center|chat|"
    "church|city|click|codes|coffee|college|community|company|computer|cool|country|courses|dating|deals|delivery|design|"
    "direct|directory|doctor|dog|domains|earth|eco|education|email|energy|estate|events|exchange|family|fan|farm|fashion|"
    "film|finance|fish|fit|fun|fund|fyi|gallery|game|games|garden|gift|global|gold|golf|green|group|guide|health|help|"
    "holiday|homes|host|hotel|house|icu|immo|ink|institute|insure|kids|kitchen|land|legal|life|limited|link|live|loan|lol|"
    "love|management|market|men|moda|money|monster|mov|movie|name|one|page|partners|parts|party|photo|photos|pics|place|"
    "plus|porn|post|press|pro|productions|pub|quest|racing|recipes|rent|report|restaurant|review|run|sale|school|science|"
    "security|services|sex|show|ski|social|solar|style|supply|support|surf|tax|taxi|team|tel|tickets|tips|today|tools|top|"
    "tours|town|toys|trade|training|tube|vegas|vet|video|vin|vision|vote|watch|webcam|wedding|win|wine|work|works|world|"
    "zip|zone"
)
_COUNTRIES = (
    "ae|af|ag|ai|ao|ar|at|au|aw|az|ba|bb|bd|be|bg|bh|bj|bm|bn|bo|br|bt|bw|bz|ca|cg|ch|ci|"
    "cl|cm|cn|co|cr|cu|cv|cx|cy|cz|de|dj|dk|dm|dz|ec|ee|eg|es|fi|fj|fk|fm|fo|fr|ga|gd|"
    "ge|gg|gh|gi|gl|gn|gp|gr|gt|gy|hk|hn|hr|ht|hu|ie|il|iq|ir|it|je|jm|jo|jp|ke|kg|kh|"
    "ki|kr|kw|ky|kz|lb|lc|lk|lr|lt|lu|lv|ly|mc|mk|mn|mr|mt|mu|mv|mw|mx|mz|nc|ng|ni|nl|"
    "no|np|nu|nz|pf|pg|ph|pk|pl|pr|pt|qa|ro|ru|rw|sa|sb|sd|se|sg|si|sk|sl|sn|sr|su|sy|"
    "sz|tc|td|tg|th|tj|tk|tl|tn|tr|tv|tw|tz|ua|ug|uk|us|uy|uz|va|vc|ve|vg|vn|vu|ye|za|"
    "zm|zw"
)
# Of Russia, Ukraine, Serbia, Bulgaria, China, Taiwan, Korea, India and the Emirates, as they are written there.
_ABROAD_ENDS = (
    r"\x{440}\x{444}|\x{443}\x{43A}\x{440}|\x{441}\x{440}\x{431}|\x{431}\x{433}|\x{4E2D}\x{56FD}|\x{4E2D}\x{570B}"
    r"|\x{53F0}\x{7063}|\x{D55C}\x{AD6D}|\x{92D}\x{93E}\x{930}\x{924}|\x{627}\x{645}\x{627}\x{631}\x{627}\x{62A}"
)
# Those of the countries that are also words, or ends of names of files.
_DOUBTFUL = (
    "ad|al|am|as|bs|by|cat|cc|cd|do|et|gm|gs|id|im|in|is|km|la|li|ls|ma|md|me|mg|ml|"
    "mm|mo|my|na|ne|om|pa|pe|ps|py|re|rs|sc|sh|sm|so|st|sv|tm|to|tt|vi|ws"
)
_SECOND = "(?:co|com|org|net|ac|gov|edu|or|ne|gob|gouv|nom|web)"

PATTERN = (
    rf"(?:[A-Za-z][0-9A-Za-z+.-]*://|(?i:www)[0-9]?\.[{_LETTER}]){_CHARACTER}+"
    rf"|{_HOST}(?:(?:{_SECOND}\.(?:{_COUNTRIES}|{_DOUBTFUL})|(?i:{_GENERIC})|{_NEWER}|{_COUNTRIES})\b|{_ABROAD_ENDS})"
    rf"{_TAIL}|{_HOST}(?:{_COUNTRIES}|{_DOUBTFUL}|{_WORDS})(?::[0-9]{{1,5}})?/{_CHARACTER}*"
)
_CLOSERS = np.isin(np.arange(256), [ord(each) for each in ".,;:!?'*_~"])
_BRACKETS = ((ord("("), ord(")")), (ord("["), ord("]")))
_MOST_CLOSERS = 12
# Begins as nothing but an address does.
_SCHEME = "^[^:/?#]*://"
_SIGNED = rf"{_SCHEME}|^(?i:www)[0-9]?\."
_BEFORE_AT = r"^[0-9A-Za-z.%+'!#$&*~^=_-]*@"
# What a bare domain is no end of: an address, a path, a longer name.
_PART = rf"(?:[@%\\\\]|(?:^|[^/])/|[:/]//|[{_LETTER}_][-._]*)$"
# What programs call their parts, "logger.info", and people their files, "main.tf".
_OBJECTS = (
    "self|this|cls|super|log|logger|console|np|pd|df|tf|torch|req|request|res|response|ctx|obj|window|document|sys|os|java"
    "|javax|system|process|module|express|flask|app|std|e|ex|err|error|exception|user|item|row|args|opts|options|params"
    "|props"
)
_FILES = (
    "main|index|script|utils?|helpers?|rules|variables|outputs|model|kernel|setup|config|settings|build|run|tests?|data|lib"
    "|core|init|install|server|client|module|checkpoint|weights|best|last|final|untitled|logo"
)
# Names of programs' parts and of files: "com.example.app", "self.cv", "System.Net".
_PACKAGE = (
    r"^(?:com|org|net|edu|gov|io)\.(?:[^./]+\.[^./]+|example)$|^(?:self|this|cls|super)\.[^/]*$"
    r"|^(?:ASP|ADO|VB)\.NET$|^System\.(?:Net|IO)$|^[a-z](?:\.[a-z])+\.[a-z]+$"
    rf"|^(?:{_OBJECTS})\.(?:app|info|int|net|io|id|to|at|example|store|site|shop|cloud|tech|blog|online|de|no|es)$"
    rf"|^(?:{_FILES})\.(?:pl|mk|cu|tf|pt|es|ai|info|app|shop|store|site|io)(?::[0-9]+)?$"
)
# A method, a class in a package: "c.e.app.UserService", "com.example.Foo.bar(".
_GOES_ON = rf"^(?:\(|\.[a-z]|\.[A-Z][0-9A-Z_a-z]*(?:[(:$#.][0-9A-Z_a-z<]|\()|\.[A-Z][a-z]+[A-Z]|[{ABROAD}])"
_SOMEWHERE = r"://[^/?#.:]|:///.|^[^:/]+\."


def windows(text: Text) -> Spans:
    """Return the stretches without blanks that have a point or ``://`` inside of a word."""
    points, colons = text.places_of("."), text.places_of(":")
    points = points[_IN_NAMES[text.byte_at(points + 1)] & _IN_NAMES[text.byte_at(points - 1)]]
    slash = ord("/")
    colons = colons[(text.byte_at(colons + 1) == slash) & (text.byte_at(colons + 2) == slash)]
    return text.words_around(np.union1d(points, colons))


_IN_NAMES = WORD | np.isin(np.arange(256), [ord("_")]) | (np.arange(256) > 127)  # noqa: PLR2004  the last of ASCII


def cut(text: Text, candidates: Spans) -> Spans:
    """Cut off the punctuation of the sentence."""
    ends = candidates.ends.copy()
    for _ in range(_MOST_CLOSERS):
        closing = _closes(text, candidates.starts, ends)
        if not closing.any():
            break
        ends -= closing
    return Spans(candidates.starts, np.maximum(ends, candidates.starts))


def is_address(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which lead somewhere; a bare domain must be neither in an e-mail address nor in a path or longer name."""
    accepted = holds(text, spans, _SOMEWHERE)
    bare = np.flatnonzero(accepted & ~holds(text, spans, _SIGNED))
    domains = spans.where(bare)
    accepted &= (text.byte_at(spans.starts - 1) != ord("@")) | holds(text, spans, _SCHEME)
    part = before(text, domains, _PART, 16)
    other = behind(text, domains, _BEFORE_AT, 64) | holds(text, domains, _PACKAGE) | behind(text, domains, _GOES_ON, 40)
    accepted[bare] &= ~part & ~other
    return accepted


def _closes(text: Text, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which addresses end with a character that belongs to the sentence around them."""
    last = text.byte_at(ends - 1)
    closing = _CLOSERS[last] & (ends > starts)
    for opens, closes in _BRACKETS:
        doubtful = np.flatnonzero((last == closes) & (ends > starts))
        if len(doubtful):
            inside = Spans(starts[doubtful], ends[doubtful])
            balance = _count(text, inside, closes) - _count(text, inside, opens)
            closing[doubtful] = balance > 0
    return closing


def _count(text: Text, spans: Spans, letter: int) -> NDArray[np.int64]:
    """Count a character in each of some spans, none of which is empty."""
    lengths = spans.ends - spans.starts
    found = text.data[spans.bytes_inside()] == letter
    return np.add.reduceat(found.astype(np.int64), np.cumsum(lengths) - lengths)


FINDERS = (Finder("url", PATTERN, windows, cut, (is_address,)),)
