"""International bank account numbers: by country, length and check digits (ISO 13616, ISO 7064 MOD 97-10)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.characters import BLANKS, DASHES, Characters
from maskgate.detect.finder import Finder, is_end
from maskgate.detect.spans import Spans
from maskgate.detect.text import DIGIT, LETTER, WORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.text import Text

# The registry of SWIFT, and behind it countries that use the form without being in it.
_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 "
    "ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 "
    "LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 "
    "PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 "
    "YE30 "
    "AO25 BF28 BJ28 CF27 CG27 CI28 CM27 CV25 DZ26 GA27 GQ27 GW25 IR26 KM27 MA28 MG27 ML28 MZ25 NE28 SN28 TD27 TG28"
)
# The other countries of ISO 3166, whose accounts are written so now and then, by no rule of theirs.
_OTHERS = (
    "AF AG AI AM AQ AR AS AU AW AX BB BD BL BM BN BO BQ BS BT BV BW BZ CA CC CD CK CL CN CO CU CW CX DM EC EH ER ET "
    "FJ FM GD GF GG GH GM GN GP GS GU GY HK HM HT ID IM IN IO JE JM JP KE KG KH KI KN KP KR KY LA LK LR LS MF MH MM "
    "MO MP MQ MS MV MW MX MY NA NC NF NG NP NR NU NZ PA PE PF PG PH PM PN PR PW PY RE RW SB SG SH SJ SL SR SS SX SY "
    "SZ TC TF TH TJ TK TM TO TT TV TW TZ UG UM US UY UZ VC VE VI VN VU WF WS YT ZA ZM ZW"
)
_SHORTEST, _LONGEST = 14, 34
_GROUP = 4
_SEPARATORS = 12
# For each pair of bytes the number of characters of that country's accounts, in capitals and small letters.
_LENGTH_OF = np.zeros((256, 256), np.int64)
for _each in _LENGTHS.split():
    _LENGTH_OF[ord(_each[0]), ord(_each[1])] = int(_each[2:])
    _LENGTH_OF[ord(_each[0].lower()), ord(_each[1].lower())] = int(_each[2:])
_IS_COUNTRY = _LENGTH_OF > 0
for _each in _OTHERS.split():
    _IS_COUNTRY[ord(_each[0]), ord(_each[1])] = _IS_COUNTRY[ord(_each[0].lower()), ord(_each[1].lower())] = True

# What each character stands for, and what it moves the number before it by.
_VALUE = np.array([int(chr(each), 36) if chr(each).isalnum() else 0 for each in range(128)] + [0] * 128, np.uint8)
_SHIFT = np.where(DIGIT, 10, 100).astype(np.uint8)
# A remainder and eight characters stay below 2^63.
_STEPS_IN_A_WORD = 7

PATTERN = rf"[A-Za-z]{{2}}[0-9]{{2}}(?:[{BLANKS}{DASHES}]?[0-9A-Za-z]){{10,30}}"


def windows(text: Text) -> Spans:
    """Return where two letters stand right before two digits, and what may follow."""
    starts, ends = text.landmarks.digit_runs.starts, text.landmarks.digit_runs.ends
    country = LETTER[text.byte_at(starts - 1)] & LETTER[text.byte_at(starts - 2)]
    country &= ~WORD[text.byte_at(starts - 3)]
    starts = starts[country & (ends - starts > 1)]
    return Spans(starts - 2, starts + _LONGEST + 3 * _SEPARATORS).merged()


def cut(text: Text, candidates: Spans) -> Spans:
    """Cut each candidate where its country's accounts end, and keep those whose check digits are right.

    Of another length than its country's, an account counts if it ends by itself: as one word, or as a row of groups of
    four. Its check digits tell well enough, and it may have been typed wrong.
    """
    letters = Characters.of(text, candidates, LETTER | DIGIT, _LONGEST)
    first, second = letters.letters[:, 0], letters.letters[:, 1]
    ends = _ends(text, candidates, letters, _LENGTH_OF[first, second])
    # Chance alone makes one of some hundred groups of a UUID an account of no country's length.
    dash = ord("-")
    inside = (text.byte_at(candidates.starts - 1) == dash) & WORD[text.byte_at(candidates.starts - 2)]
    other = np.flatnonzero((ends == candidates.starts) & _IS_COUNTRY[first, second] & ~inside)
    if len(other):
        few, rest = candidates.where(other), letters.where(other)
        length = _written_length(rest)
        ends[other] = _ends(text, few, rest, np.where(length >= _SHORTEST, length, 0))
    return Spans(candidates.starts, ends)


def _written_length(letters: Characters) -> NDArray[np.int64]:
    """Return how long each account is as it is written."""
    place = np.arange(_LONGEST)
    joined = letters.places == place
    word = np.minimum(np.where(joined.all(axis=1), _LONGEST, joined.argmin(axis=1)), letters.counts)
    # Groups end where one is shorter, or not at all; of a word behind them they are told by having digits.
    ends_here = np.ones((len(word), _LONGEST), dtype=bool)
    ends_here[:, :-1] = np.diff(letters.places) > 1
    ends_here |= place >= letters.counts[:, None] - 1
    unlike = ends_here != (place % _GROUP == _GROUP - 1)
    at = np.where(unlike.any(axis=1), unlike.argmax(axis=1), _LONGEST - 1)
    stop = np.where(ends_here[np.arange(len(at)), at], at + 1, at - at % _GROUP)
    stop = np.minimum(stop, letters.counts)
    digits = DIGIT[letters.letters] & (place < stop[:, None])
    grouped = _LONGEST - digits[:, ::-1].argmax(axis=1)
    return np.where(word > _GROUP, word, np.where(stop > _GROUP, grouped, letters.counts))


def _ends(text: Text, candidates: Spans, letters: Characters, length: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where accounts of given lengths end; where they begin, if they are none."""
    rows = np.arange(len(candidates))
    length = np.where((length <= letters.counts) & (length <= _LONGEST), length, 0)
    ends = candidates.starts + letters.places[rows, np.maximum(length, 1) - 1] + 1
    right = (length > 0) & is_end(text, ends) & (_remainder(letters.letters, length) == 1)
    return np.where(right, ends, candidates.starts)


def _remainder(letters: NDArray[np.uint8], length: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return each account modulo 97: its first four characters last, letters as 10 to 35."""
    # A column of characters is a row here, for speed; behind the end of an account nothing changes the remainder.
    letters = np.ascontiguousarray(letters.T)
    behind = np.arange(_LONGEST)[:, None] >= length
    value, shift = _VALUE.take(letters), _SHIFT.take(letters)
    value[behind], shift[behind] = 0, 1
    remainder = np.zeros(letters.shape[1], np.int64)
    for step, row in enumerate([*range(4, _LONGEST), 0, 1, 2, 3]):
        remainder = remainder * shift[row] + value[row]
        if step % _STEPS_IN_A_WORD == 0:
            remainder %= 97
    return remainder % 97


FINDERS = (Finder("iban", PATTERN, windows, cut),)
