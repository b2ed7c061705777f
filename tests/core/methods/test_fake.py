"""The same value gets the same fake, everywhere and always, and never itself."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import METHODS, Domain, Surroundings, Uniqueness
from maskgate.methods.fake_kinds import KINDS
from maskgate.methods.fake_pools import pool_of

KEY, OTHER_KEY = Key("people", bytes(range(32))), Key("people", bytes(range(1, 33)))
EMAIL = Domain("email", "hmac", "people", "em_", ("trim", "lower"))


def fake(domain=None, **options):
    return METHODS["fake"].configure(options, domain)


def faked(values, domain=None, key=KEY, where=("customers", "name"), **options):
    return fake(domain, **options).apply(pa.array(values), Surroundings(*where, key)).to_pylist()


class TestFake:
    def test_nothing_stays_nothing(self):
        assert faked([], kind="name") == []
        assert faked([None, None], kind="name") == [None, None]

    def test_the_empty_text_is_a_value(self):
        assert faked(["", None], kind="email")[0].endswith(("@example.com", "@example.net", "@example.org"))

    def test_the_same_value_gets_the_same_fake_in_every_table_column_and_batch(self):
        people = [f"person {number}" for number in range(2_000)]
        once = faked(people, kind="name")
        assert faked(people[::-1], kind="name", where=("orders", "who"))[::-1] == once
        assert [faked([each], kind="name")[0] for each in people[:20]] == once[:20]
        assert len(set(once)) > 1_900

    def test_a_number_and_its_text_get_the_same_fake(self):
        assert faked([42], kind="name") == faked(["42"], kind="name")

    def test_another_key_gives_other_fakes(self):
        people = [f"person {number}" for number in range(100)]
        pairs = zip(faked(people, kind="name"), faked(people, kind="name", key=OTHER_KEY), strict=True)
        assert sum(left == right for left, right in pairs) < 5

    def test_kinds_are_drawn_apart(self):
        """Who knows somebody's fake first name knows nothing of the fake city."""
        people = [f"person {number}" for number in range(500)]
        names, streets = pool_of("user_name", "en_US").entries, pool_of("email", "en_US").entries
        first = pc.index_in(pa.array(faked(people, kind="user_name")), names).to_pylist()
        second = pc.index_in(pa.array(faked(people, kind="email")), streets).to_pylist()
        assert sum(abs(left - right) < 2_000 for left, right in zip(first, second, strict=True)) < 100

    def test_fakes_stay_what_they_are(self):
        """What needs nothing of Faker's is pinned: a change would break every join with what was released before."""
        assert faked(["Ann"], kind="phone") == ["745-555-0179"]
        assert faked(["Ann"], kind="pattern", pattern="??-####") == ["BQ-4144"]

    def test_it_needs_a_key(self):
        with pytest.raises(MaskingError, match='column "name": fake needs a key'):
            faked(["Ann"], kind="name", key=None)

    def test_dictionaries_stay_dictionaries(self):
        column = pa.array(["Ann", "Bob", None, "Ann"]).dictionary_encode()
        out = fake(kind="name").apply(column, Surroundings("customers", "name", KEY))
        assert (out.type, out.to_pylist()) == (column.type, faked(["Ann", "Bob", None, "Ann"], kind="name"))


class TestDomain:
    def test_columns_of_one_domain_agree_on_spellings(self):
        spellings = ["Ann@Mail.example", " ann@mail.example", "ann@mail.example "]
        assert len(set(faked(spellings, EMAIL, kind="email"))) == 1
        assert len(set(faked(spellings, kind="email"))) == 3

    def test_another_scope_gets_other_fakes(self):
        scoped = Domain("email", "hmac", "people", "em_", ("trim", "lower"), scope="partner")
        assert faked(["ann@mail.example"], EMAIL, kind="email") != faked(["ann@mail.example"], scoped, kind="email")


class TestNeverItself:
    @pytest.mark.parametrize("kind", ["first_name", "state", "country", "job"])
    def test_no_value_is_its_own_fake_in_any_case(self, kind):
        """Not even where all values are fakes themselves."""
        entries = pool_of(kind, "en_US").entries.to_pylist()
        for spelled in (entries, [each.upper() for each in entries], [each.encode() for each in entries]):
            texts = [each if isinstance(each, str) else each.decode() for each in spelled]
            pairs = zip(faked(spelled, kind=kind), texts, strict=True)
            assert not [fake for fake, text in pairs if fake.lower() == text.lower()]

    def test_both_small_letters_of_the_greek_sigma_are_one(self):
        names = [each.upper() for each in pool_of("last_name", "el_GR").entries.to_pylist()]
        fakes = faked(names, kind="last_name", locale="el_GR")
        assert not [fake for fake, name in zip(fakes, names, strict=True) if fake.upper() == name]

    def test_spellings_of_one_value_get_one_fake_that_is_none_of_them(self):
        names = pool_of("first_name", "en_US").entries.to_pylist()
        domain = Domain("name", "cmac", "people", "", ("trim", "lower"))
        once = faked(names, domain, kind="first_name")
        assert faked([f" {name.upper()} " for name in names], domain, kind="first_name") == once
        assert not [name for name, fake in zip(names, once, strict=True) if name == fake]

    def test_a_pattern_of_ten_texts_is_never_the_value(self):
        digits = [str(digit) for digit in range(10)]
        assert not [
            each
            for each, drawn in zip(digits, faked(digits, kind="pattern", pattern="#"), strict=True)
            if each == drawn
        ]


class TestUnique:
    @pytest.mark.parametrize("kind", ["email", "user_name"])
    def test_different_values_get_different_fakes(self, kind):
        method = fake(kind=kind, unique=True)
        out = method.apply(pa.array(range(300_000)), Surroundings("customers", "contact", KEY))
        assert len(out.unique()) == 300_000
        assert method.shape().violations(out) == 0
        assert method.uniqueness is Uniqueness.LIKELY
        assert fake(kind=kind).uniqueness is Uniqueness.LOST

    @pytest.mark.parametrize("kind", ["name", "phone", "city", "iban"])
    def test_it_is_refused_where_there_are_not_enough_fakes(self, kind):
        with pytest.raises(ValueError, match=f"`unique:` goes with email, user_name, pattern.*'{kind}'"):
            fake(kind=kind, unique=True)

    def test_a_pattern_must_have_room(self):
        assert fake(kind="pattern", pattern="#" * 18, unique=True).uniqueness is Uniqueness.LIKELY
        with pytest.raises(ValueError, match=r"needs a pattern of at least 1e\+18 texts.* this one has 1.0e\+17"):
            fake(kind="pattern", pattern="#" * 17, unique=True)


class TestKinds:
    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "iban"])
    def test_every_kind_looks_as_promised(self, kind):
        method = fake(kind=kind)
        out = method.apply(pa.array(range(1_000)), Surroundings("customers", kind, KEY))
        assert method.shape().violations(out) == 0
        assert len(out.unique()) > 30

    def test_an_email_goes_to_nobody(self):
        """Its domain is reserved by RFC 2606."""
        out = faked(range(1_000), kind="email")
        assert {each.partition("@")[2] for each in out} == {"example.com", "example.net", "example.org"}

    @pytest.mark.parametrize(
        ("locale", "pattern"),
        [
            pytest.param("en_US", r"[2-9]\d\d-555-01\d\d", id="North America's 555-0100 to 555-0199"),
            pytest.param(
                "en_GB", r"0[12].* (496 0|7946 0|498 0|9649 6|2018 0|960)\d{3}|.*", id="Ofcom's drama numbers"
            ),
            pytest.param(
                "de_DE", r"(030 23125|069 90009|040 66969|0221 4710|089 99998)\d{3}|0171 39200\d\d", id="Germany's"
            ),
        ],
    )
    def test_a_phone_rings_nowhere(self, locale, pattern):
        assert all(re.fullmatch(pattern, each) for each in faked(range(1_000), kind="phone", locale=locale))

    @pytest.mark.parametrize("locale", ["en_GB", "de_DE", "fr_FR", "it_IT", "nl_NL", "no_NO", "es_ES", "pl_PL"])
    def test_the_check_digits_of_an_iban_are_right(self, locale):
        """ISO 7064: the number that an IBAN stands for leaves 1 when divided by 97."""
        for iban in faked(range(300), kind="iban", locale=locale):
            moved = iban[4:] + iban[:4]
            assert int("".join(str(int(each, 36)) for each in moved)) % 97 == 1
            assert iban[:2] == locale[-2:]

    def test_region_is_another_word_for_state(self):
        assert faked(["Ann"], kind="region") == faked(["Ann"], kind="state")


class TestLocale:
    def test_an_address_is_one_line(self):
        assert not [each for each in faked(range(500), kind="address", locale="de_DE") if "\n" in each]

    @pytest.mark.parametrize("locale", ["de_DE", "ja_JP", "el_GR", "hi_IN", "es_CL"])
    def test_names_of_other_places_fit_the_same_shape(self, locale):
        method = fake(kind="name", locale=locale)
        out = method.apply(pa.array(range(500)), Surroundings("customers", "name", KEY))
        assert method.shape() == fake(kind="name").shape()
        assert method.shape().violations(out) == 0
        assert out.to_pylist() != faked(range(500), kind="name")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            pytest.param(
                {"kind": "name", "locale": "en_UK"},
                r"no locale 'en_UK' \(did you mean en_GB\?\)",
                id="no such locale",
            ),
            pytest.param(
                {"kind": "iban", "locale": "en_US"},
                "no fakes of kind 'iban' for en_US; it has some for en_GB",
                id="no such thing there",
            ),
            pytest.param({"kind": "iban", "locale": "es_MX"}, "'iban' for es_MX", id="Faker would make a British one"),
            pytest.param(
                {"kind": "country", "locale": "pl_PL"}, "'country' for pl_PL", id="Faker would fall back to English"
            ),
            pytest.param(
                {"kind": "name", "locale": "en_CA"}, "it has some for .*en_US", id="Faker would fall back to en_US"
            ),
            pytest.param(
                {"kind": "first_name", "locale": "de_LU"}, "'first_name' for de_LU", id="two placeholders are no pool"
            ),
            pytest.param(
                {"kind": "pattern", "pattern": "#", "locale": "en_US"}, "take `locale:` out", id="patterns have none"
            ),
            pytest.param({"kind": "pattern"}, "`pattern:` goes with `kind: pattern`", id="no pattern"),
            pytest.param(
                {"kind": "name", "pattern": "#"}, "`pattern:` goes with `kind: pattern`", id="a needless pattern"
            ),
            pytest.param({"kind": "nmae"}, "fake needs `kind:`, one of address", id="no such kind"),
        ],
    )
    def test_what_it_cannot_do_is_refused(self, options, message):
        with pytest.raises(ValueError, match=message):
            fake(**options)


class TestFacts:
    def test_the_report_says_which_pool_it_was(self):
        facts = fake(kind="first_name").facts()["pool"]
        assert set(facts) == {"kind", "locale", "entries", "sha256", "version", "faker"}
        assert (facts["kind"], facts["locale"], facts["sha256"]) == (
            "first_name",
            "en_US",
            pool_of("first_name", "en_US").digest,
        )

    def test_what_is_drawn_without_a_pool_has_none(self):
        assert fake(kind="pattern", pattern="##").facts() == {}
        assert fake(kind="iban").facts() == {}
