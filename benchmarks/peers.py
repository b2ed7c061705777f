"""What a Python user has today for the same work, on the same column, in the same run."""

from __future__ import annotations

import hmac

import pyarrow as pa
import pyarrow.compute as pc
from columns import ROWS, column
from masked import KEY, SECRET, masker
from race import Result, Way, race

from maskgate.methods import METHODS, Domain, Surroundings
from maskgate.methods.detokenize import detokenize

_FEW = 20_000
_VERY_FEW = 2_000


def races() -> list[Result]:
    """Run every race.

    Returns:
        For each pair both rates, and what their ratio must be.
    """
    return [*cmac(), *hmac_(), *encrypt(), *retokenize(), *fpe(), *fake()]


def cmac() -> list[Result]:
    """Race the fast tokens."""
    work = "`cmac` tokens, 22 bytes"
    ours = Way(work, ROWS, masker("email", "{method: token, domain: cmac}"))
    peers = {
        "presidio-structured `hash`": (_presidio_structured(), 75.0),
        "a loop of `hmac.digest`": (_hmac_loop(), 15.0),
        "DuckDB `sha256`": (_duckdb(), 2.0),
    }
    return [*_against(ours, peers), _within(ours, "email", 8)]


def hmac_() -> list[Result]:
    """Race the one-way tokens."""
    ours = Way("`hmac` tokens, 22 bytes", ROWS, masker("email", "{method: token, domain: hmac}"))
    return _against(ours, {"a loop of `hmac.digest`": (_hmac_loop(), 2.0)})


def encrypt() -> list[Result]:
    """Race the reversible tokens."""
    ours = Way("AES-SIV tokens, 22 bytes", ROWS, masker("email", "{method: token, domain: encrypt}"))
    return _against(ours, {"a loop of `AESSIV`": (_siv_loop(), 5.0)})


def retokenize() -> list[Result]:
    """Race moving tokens to the current version of a key against decrypting and encrypting them, as its two parts."""
    domain, email = Domain("people", "encrypt", "people"), column("email")
    moving, token = METHODS["retokenize"].configure({}, domain), METHODS["token"].configure({}, domain)
    old, now = Surroundings("t", "email", KEY.at(1)), Surroundings("t", "email", KEY)
    tokens = token.apply(email, old)
    ours = Way("`retokenize`, AES-SIV", ROWS, lambda: moving.apply(tokens, now))
    parts = Way("detokenize", ROWS, lambda: (detokenize(tokens, domain, KEY), token.apply(email, now)))
    rates = race([ours, parts])
    return [Result(ours.name, rates[ours.name], "`detokenize`, then `token`", rates[parts.name], most=1.25)]


def fpe() -> list[Result]:
    """Race format-preserving encryption, over several lengths."""
    card = column("card")
    ours = Way("FF1, 16 digits", ROWS, masker("card", "{method: token, domain: digits}"))
    rows = [*_against(ours, {"ff3": (_ff3(card, "0123456789"), 400.0)}), _within(ours, "card", 20)]
    letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    for length in (9, 20, 27, 40):
        text = pa.array([(value * 3)[:length] for value in card.slice(0, _FEW * 5).to_pylist()])
        ours = Way(f"FF1, {length} digits", len(text), masker("text", "{method: token, domain: digits}", text))
        rows += _against(ours, {"ff3": (_ff3(text, "0123456789", most=56), 50.0)})
        mixed = pc.utf8_slice_codeunits(pc.binary_join_element_wise(text, pc.utf8_reverse(text), "aZ"), 0, length)
        name = f"FF1, {length} letters and digits"
        ours = Way(name, len(mixed), masker("text", "{method: token, domain: alphanumeric}", mixed))
        rows += _against(ours, {"ff3": (_ff3(mixed, letters, most=32), 50.0)})
    return rows


def fake() -> list[Result]:
    """Race fake names."""
    ours = Way("`fake` names", ROWS, masker("name", "{method: fake, kind: name}"))
    return _against(ours, {"Faker called a row": (_faker(), 200.0)})


def _against(ours: Way, peers: dict[str, tuple[Way, float]]) -> list[Result]:
    rates = race([ours, *(way for way, _ in peers.values())])
    return [Result(ours.name, rates[ours.name], name, rates[way.name], least) for name, (way, least) in peers.items()]


def _within(ours: Way, name: str, most: float) -> Result:
    values = column(name)
    rates = race([ours, Way("upper", ROWS, lambda: pc.utf8_upper(values))])
    return Result(ours.name, rates[ours.name], "one `utf8_upper` pass", rates["upper"], most=most)


def _presidio_structured() -> Way:
    from presidio_anonymizer.entities import OperatorConfig  # noqa: PLC0415  slow to import
    from presidio_structured import PandasDataProcessor, StructuredAnalysis, StructuredEngine  # noqa: PLC0415

    frame = pa.table({"email": column("email").slice(0, _FEW)}).to_pandas().astype(object)
    engine = StructuredEngine(data_processor=PandasDataProcessor())
    analysis = StructuredAnalysis(entity_mapping={"email": "EMAIL_ADDRESS"})
    how = {"EMAIL_ADDRESS": OperatorConfig("hash", {"hash_type": "sha256", "salt": SECRET})}
    return Way("presidio-structured", _FEW, lambda: engine.anonymize(frame.copy(), analysis, how))


def _hmac_loop() -> Way:
    texts = column("email").slice(0, ROWS // 10)

    def work() -> object:
        return pa.array([hmac.digest(SECRET, text.encode(), "sha256")[:16].hex() for text in texts.to_pylist()])

    return Way("hmac loop", len(texts), work)


def _siv_loop() -> Way:
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV  # noqa: PLC0415  beside its only use

    texts, siv = column("email").slice(0, ROWS // 10), AESSIV(SECRET + SECRET)

    def work() -> object:
        return pa.array([siv.encrypt(text.encode(), None).hex() for text in texts.to_pylist()])

    return Way("siv loop", len(texts), work)


def _duckdb() -> Way:
    import duckdb  # noqa: PLC0415  beside its only use

    connection = duckdb.connect(config={"threads": 1})
    connection.register("people", pa.table({"email": column("email")}))
    return Way("duckdb", ROWS, lambda: connection.sql("select sha256(email) as token from people").to_arrow_table())


def _ff3(values: pa.Array, alphabet: str, most: int = 56) -> Way:
    from ff3 import FF3Cipher  # noqa: PLC0415  beside its only use

    cipher = FF3Cipher.withCustomAlphabet(SECRET.hex(), bytes(7).hex(), alphabet)
    texts = values.slice(0, _VERY_FEW).to_pylist()
    # It takes no longer values; what it cannot take it gets shortened, which is in its favour.
    texts = [text[:most] for text in texts]
    return Way("ff3", len(texts), lambda: pa.array([cipher.encrypt(text) for text in texts]))


def _faker() -> Way:
    from faker import Faker  # noqa: PLC0415  beside its only use

    faker = Faker("en_US")
    return Way("faker", _FEW, lambda: pa.array([faker.name() for _ in range(_FEW)]))
