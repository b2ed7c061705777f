"""Telephone numbers: international (ITU-T E.164), North American, with a trunk 0, in brackets, or called one.

A number without any of these marks is taken for a telephone number only if the text before or behind says so: most
numbers are something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.characters import BLANKS, DASHES, Characters
from maskgate.detect.finder import Finder, before, behind, holds
from maskgate.detect.kinds.numbers import is_called_other, number_windows
from maskgate.detect.text import DIGIT, WORD

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.spans import Spans
    from maskgate.detect.text import Text

_JOIN = rf"[{BLANKS}{DASHES}.]"
_JOINS = rf"[{BLANKS}{DASHES}./()]{{0,3}}"
_END = r"(?:,? ?(?:[xX]|[Ee]xt\.?|[Ee]xtension) ?[0-9]{1,6}\b|\b)"
_INTERNATIONAL = (
    rf"(?:(?:\+\(?|\b00[ -]?)[1-9]|\(\+[1-9][0-9]{{0,2}}\)|\+ [1-9][0-9]{{0,2}}[{BLANKS}{DASHES}(]{{1,2}}[0-9])"
    rf"(?:{_JOINS}[0-9]){{6,14}}"
)
_AMERICAN = (
    rf"(?:[18]{_JOIN}?)?(?:\([0-9]{{3}}\)[{BLANKS}{DASHES}]?|[0-9]{{3}}{_JOIN}|[0-9]{{3}}/)"
    rf"[0-9]{{3}}{_JOIN}[0-9]{{2}}{_JOIN}?[0-9]{{2}}"
)
_BRACKETED = (
    rf"\(0?[0-9]{{2,5}}\)[{BLANKS}{DASHES}]?[0-9]{{2,5}}(?:[{BLANKS}{DASHES}][0-9]{{2,5}}){{1,3}}"
    rf"|\(0[0-9]{{2,5}}\)[{BLANKS}{DASHES}]?[0-9]{{5,8}}"
)
_TRUNK = (
    rf"0[1-9][0-9]{{0,4}}(?:{_JOIN}[0-9]{{2,5}}){{2,5}}"
    rf"|0[1-9][0-9]{{1,4}}(?:[{BLANKS}{DASHES}/]|[{BLANKS}][{DASHES}/][{BLANKS}])[0-9]{{4,8}}"
    r"|07[0-9]{9}|06[ -][1-9][0-9]{7}"
)
SURE = f"(?:{_INTERNATIONAL}|{_AMERICAN}|{_BRACKETED}|{_TRUNK}){_END}"
NAMED = rf"\(?[0-9](?:{_JOINS}[0-9]){{6,14}}{_END}"

_CALLED = (
    r"(?i)(?:(?:\b|_)(?:phones?|telephone|tel|mobile|mob|cell|cellphone|fax|call|text|sms|whatsapp|dial|ring|reach|desk"
    r"|landline|hotline|telefon|handy|mobil|t[eé]l[eé]phone|tel[eé]fono|contact number|answering (?:at|on)"
    r"|messages? (?:to|on|from)|registered (?:on|with|number)?"
    r"|t[eé]l|portable|appele[rz]|joindre|joignable|rufen?|anrufen|erreichbar|erreichen|r[uü]ckruf|telefax|festnetz"
    r"|m[oó]vil|celular|ll[aá]m[ae](?:[nr]|me|nos)?|tel[eé]fonos|cellulare|chiama(?:re|mi)?|telefoonnummer|bel|tlf|gsm)"
    r"|☎|📞|📱|电话|電話|手机|手機|携帯|전화|휴대폰|연락처|тел|моб|звон|τηλ|κιν|טל|נייד|هاتف|جوال|โทร|फ़ोन|फोन|मोबाइल"
    r"|điện thoại|đt|\b(?:h/?p:|ph ?[.:]|fono|cel\b|telp|puh(?:elin)?|puhelinnumero|telefone|fone"
    r"|celular|telem[oó]vel|ligar?"
    r"|telefonnumre|mobiltelefon|kom[oó]rka|telefono|telefonu?)"
    r"|(?m:^|[|\x{B7}\x{2022}] ?)[TMPF] ?[.:])[^0-9<>@\x01]{0,24}$"
)
_CALLED_BEHIND = r"(?i)^[ ,(\-\x{2013}\x{2014}]{0,3}(?:office|mobile|fax|cell|home|work|phone|tel)\b"
# A date, an ISBN, a number of Brazil's taxpayers.
_OTHER = (
    r"^(?:\(?(?:(?:1[89]|20)[0-9]{2}[-./ ](?:0?[1-9]|1[0-2])[-./ ](?:0?[1-9]|[12][0-9]|3[01])\b"
    r"|(?:0?[1-9]|[12][0-9]|3[01])[-./ ](?:0?[1-9]|[12][0-9]|3[01])[-./ ](?:1[89]|20)[0-9]{2}\b)"
    r"|97[89](?:[ -]?[0-9]){10}$|[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}$)"
)
# Zeros before a number in a row of numbers look like the 00 before a country's.
_ABROAD_BY_ZEROS = r"^00(?:[ -]|[0-9]+[^0-9]|[2-9][0-9]{9,12}$)"
_FEWEST_BEHIND_0 = 9
# Social security numbers, postcodes, and what comes behind groups of another number; a year is none.
_ANOTHER = r"^(?:[0-9]{3}-[0-9]{2}|[0-9]{5}|[0-9]{4}-[0-9]{2})-[0-9]{4}$"
_GROUP_BEFORE = rf"(?:^|[^0-9A-Za-z])(?:[0-9A-Z]{{4}}|[A-Z]{{2}}[0-9]{{2}}|j)[{BLANKS}{DASHES}.]$|[A-Za-z]-$"
_YEAR_BEFORE = r"\b(?:19|20)[0-9]{2} $"
_SIGNS = np.isin(np.arange(256), [ord(each) for each in "-./:+_="])


def is_alone(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which do not stand in a longer row of numbers, or behind a sign that goes with them."""
    left, right = text.byte_at(spans.starts - 1), text.byte_at(spans.ends)
    longer = _SIGNS[left] & DIGIT[text.byte_at(spans.starts - 2)]
    longer |= _SIGNS[right] & DIGIT[text.byte_at(spans.ends + 1)]
    longer |= (text.byte_at(spans.starts) == ord("+")) & WORD[left]
    return np.asarray(~longer)


def is_long_enough(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which have digits enough for a number with a 0 before it, or two."""
    trunk = np.flatnonzero(text.byte_at(spans.starts) == ord("0"))
    zeros = trunk[text.byte_at(spans.starts[trunk] + 1) == ord("0")]
    enough = np.ones(len(spans), dtype=bool)
    enough[trunk] = Characters.digits(text, spans.where(trunk), _FEWEST_BEHIND_0).counts >= _FEWEST_BEHIND_0
    enough[zeros] &= holds(text, spans.where(zeros), _ABROAD_BY_ZEROS)
    return enough


def is_nothing_else(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which are no date, ISBN, or what the text calls an order or the like; with a plus they cannot be."""
    accepted = np.isin(text.byte_at(spans.starts), [ord("+")])
    doubtful = np.flatnonzero(~accepted)
    left = spans.where(doubtful)
    accepted[doubtful] = ~(holds(text, left, _OTHER) | is_called_other(text, left))
    return accepted


def is_no_part(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which of those that begin with a 0 look like nothing else, and are not a part of it."""
    trunk = np.flatnonzero(text.byte_at(spans.starts) == ord("0"))
    here = spans.where(trunk)
    part = before(text, here, _GROUP_BEFORE, 8) & ~before(text, here, _YEAR_BEFORE, 8)
    accepted = np.ones(len(spans), dtype=bool)
    accepted[trunk] = ~(part | holds(text, here, _ANOTHER))
    return accepted


def is_called(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which the text before or behind calls a telephone number."""
    called = before(text, spans, _CALLED)
    # "CriOS/34.0.871.0 Mobile" is a program.
    not_yet = np.flatnonzero(~called & (text.byte_at(spans.starts - 1) != ord("/")))
    called[not_yet] = behind(text, spans.where(not_yet), _CALLED_BEHIND, 16)
    return called


FINDERS = (
    Finder("phone", SURE, number_windows, tests=(is_alone, is_long_enough, is_nothing_else, is_no_part)),
    Finder("phone", NAMED, number_windows, tests=(is_alone, is_called, is_nothing_else)),
)
