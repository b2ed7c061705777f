"""The kinds of fakes: where Faker has them, and how each of them looks.

How a kind looks is a pattern that holds for every locale, so that the gate needs neither Faker nor a pool to check a
column. What does not look so stays out of the pool.
"""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_LOCALE = "en_US"


@dataclass(frozen=True)
class FakeKind:
    """One kind of fake.

    Attributes:
        sources: Faker's methods for it; the first that a locale has counts.
        pattern: RE2 pattern of a whole fake, in any locale.
        data: The tables behind it whose language must be the locale's, where Faker falls back to English ones.
    """

    sources: tuple[str, ...]
    pattern: str
    data: tuple[str, ...] = ()


_NAME = r"[^@\p{N}\p{Cc}]{1,100}"
_TEXT = r"[^@\p{Cc}]{1,200}"
USER_NAME = "[a-z0-9][a-z0-9._-]{1,63}"
DOMAINS = ("example.com", "example.net", "example.org")
DOMAIN_PATTERN = r"@example\.(?:com|net|org)"
IBAN = "[A-Z]{2}[0-9]{2}[0-9A-Z]{10,30}"
SUFFIX_PATTERN = r"\.[a-z2-7]{12}"

KINDS: dict[str, FakeKind] = {
    "name": FakeKind(("name",), _NAME),
    "first_name": FakeKind(("first_name",), _NAME),
    "last_name": FakeKind(("last_name",), _NAME),
    "email": FakeKind(("user_name",), USER_NAME + DOMAIN_PATTERN),
    "user_name": FakeKind(("user_name",), USER_NAME),
    "phone": FakeKind(("phone_number",), r"[-+()./* x\p{N}]{3,40}"),
    "street_address": FakeKind(("street_address",), _TEXT),
    "street": FakeKind(("street_name",), _TEXT),
    "city": FakeKind(("city",), _TEXT),
    "postcode": FakeKind(("postcode",), r"[-\p{L}\p{N} ]{2,16}"),
    "state": FakeKind(("state", "administrative_unit", "province", "prefecture", "region"), _TEXT),
    "country": FakeKind(("country",), _TEXT, ("country", "countries")),
    "address": FakeKind(("address",), _TEXT),
    "company": FakeKind(("company",), _TEXT),
    "job": FakeKind(("job",), _TEXT),
    "iban": FakeKind(("iban",), IBAN),
}
ALIASES = {"region": "state"}
UNIQUE_KINDS = ("email", "user_name", "pattern")

# Numbers that regulators keep free of subscribers, `#` being any digit. Elsewhere Faker's numbers may be somebody's.
_AREAS_WITH_OWN_SERVICES = tuple(f"{first}11" for first in range(2, 10))
_NORTH_AMERICA = tuple(
    # 555-0100 to 555-0199 in every area code (North American Numbering Plan, ATIS-0300115).
    f"{area}-555-01##"
    for area in (f"{first}{second}{third}" for first in range(2, 10) for second in range(9) for third in range(10))
    if area not in _AREAS_WITH_OWN_SERVICES
)
FICTIONAL_PHONES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("en_US", "en_CA", "fr_CA"), _NORTH_AMERICA),
    # Ofcom, "Telephone numbers for use in TV and radio drama programmes".
    "en_GB": (
        *(f"{area} 496 0###" for area in ("0113", "0114", "0115", "0116", "0117", "0118")),
        *(f"{area} 496 0###" for area in ("0121", "0131", "0141", "0151", "0161")),
        *("020 7946 0###", "0191 498 0###", "028 9649 6###", "029 2018 0###", "01632 960###", "07700 900###"),
    ),
    # Bundesnetzagentur, Mitteilung 148/2021, "Rufnummern für Medienproduktionen".
    "de_DE": ("030 23125###", "069 90009###", "040 66969###", "0221 4710###", "089 99998###", "0171 39200##"),
    # ARCEP, national numbering plan (décision 2018-0881), numbers for audiovisual works.
    "fr_FR": tuple(
        f"{start} ## ##" for start in ("01 99 00", "02 61 91", "03 53 01", "04 65 71", "05 36 49", "06 39 98")
    ),
    # ACMA, "Phone numbers for use in TV shows, films and creative works".
    "en_AU": tuple(f"({area}) {block} ####" for area in ("02", "03", "07", "08") for block in ("5550", "7010")),
}
# Codes that no bank has, in front of what is drawn; German ones begin with 1 to 8.
FICTIONAL_BANKS = {"letters": "XXXX", "DE": "9"}
