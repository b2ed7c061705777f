"""Where numbers are that are long enough to be anybody's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from maskgate.detect.finder import before
from maskgate.detect.spans import Spans
from maskgate.detect.text import DIGIT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from maskgate.detect.text import Text

# Between two groups of one number; a dash of three bytes fits, and so does " (".
_WIDEST_GAP = 3
_FEWEST_DIGITS = 7
# A plus or a bracket before, an extension behind.
_LEFT, _RIGHT = 4, 16
# Right before the number: "call about the order on 555-..." says nothing about the number.
_CALLED_OTHER = (
    r"(?i)\b(?:isbn|issn|ean|gtin|upc|bar ?code|imei|orders?|invoice|tracking|ticket|ref|reference|version|sku|serial"
    r"|part|p/n|case|claim|policy|account|acct|amount|total|price|zip|id|uuid|batch|lot|shipment|parcel|transaction|customer"
    r"|licen[sc]e|passport|ndc|timestamp|bestell(?:ung)?|auftrags?|rechnungs?|kunden|vorgangs?|aktenzeichen|matrikel"
    r"|sendungs?|commande|facture|r[eé]f[eé]rence|dossier|pedido|factura|referencia|expediente|ordine|fattura|bestelling"
    r"|factuur|nhs|(?-i:SIN)|mrn|npi|siren|siret|abn|acn|tfn|vat|kvk|bsn|pesel|regon|cnpj|cpf|dni|nif|snils|ein|routing)"
    r"(?:[ _-]?(?:numbers?|nummer|n[uú]mero|no|nr|n ?[\x{B0}\x{BA}]|id|code))?(?: (?:is|was|of))?[ .:=#\x22'()-]*$"
)


def number_windows(text: Text) -> Spans:
    """Return where at least seven digits stand together, with a little around them."""
    runs = text.landmarks.digit_runs
    # What is taken is not to be looked at again.
    runs = runs.where(DIGIT.take(text.byte_at(runs.starts)))
    if len(runs) == 0:
        return runs
    first = np.flatnonzero(np.concatenate([[True], runs.starts[1:] - runs.ends[:-1] > _WIDEST_GAP]))
    last = np.concatenate([first[1:], [len(runs)]]) - 1
    digits = np.add.reduceat(runs.ends - runs.starts, first)
    enough = digits >= _FEWEST_DIGITS
    return Spans(runs.starts[first[enough]] - _LEFT, runs.ends[last[enough]] + _RIGHT).merged()


def is_called_other(text: Text, spans: Spans) -> NDArray[np.bool_]:
    """Say which numbers the text right before calls an order, an invoice or the like."""
    return before(text, spans, _CALLED_OTHER, 40)
