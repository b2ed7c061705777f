"""The kinds of personal data that are found inside of texts, one a file."""

from __future__ import annotations

from maskgate.detect.kinds import (
    card,
    date,
    email,
    iban,
    ip_address,
    mac_address,
    national_insurance,
    phone,
    social_security,
    url,
)

# In this order: what one kind found, those behind it do not see. So an address of a page is one finding, whatever
# stands in it, and a number is a telephone number only if it is nothing better known.
FINDERS = (
    *url.FINDERS,
    *email.FINDERS,
    *iban.FINDERS,
    *card.FINDERS,
    *mac_address.FINDERS,
    *ip_address.FINDERS,
    *social_security.FINDERS,
    *national_insurance.FINDERS,
    *date.FINDERS,
    *phone.FINDERS,
)
KINDS: tuple[str, ...] = tuple(dict.fromkeys(finder.kind for finder in FINDERS))

__all__ = ["FINDERS", "KINDS"]
