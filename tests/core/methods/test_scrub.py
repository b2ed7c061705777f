"""Personal data inside of free text is replaced where it stands; all else stays as it is."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from maskgate.detect import KINDS, find
from maskgate.errors import MaskingError
from maskgate.keys import Key
from maskgate.methods import METHODS, Domain, ReversibleBy, Surroundings
from maskgate.testing.haunted_columns import bytes_of

HERE = Surroundings("customers", "notes", Key("people", bytes(range(32))))
PEOPLE = Domain("people", "hmac", "people", "p_", ("trim", "lower"))


def scrub(domain=None, **options):
    return METHODS["scrub"].configure(options, domain)


def scrubbed(values, domain=None, columns=None, **options):
    others = Surroundings(HERE.table, HERE.column, HERE.key, columns=columns or {})
    return scrub(domain, **options).apply(pa.array(values, pa.string()), others).to_pylist()


class TestTexts:
    """What is found gives way to what it is."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            pytest.param("", "", id="the empty text is a text"),
            pytest.param(None, None, id="a null stays a null"),
            pytest.param("nothing to see", "nothing to see", id="nothing to find"),
            pytest.param("ann@example.com", "<EMAIL>", id="the whole text"),
            pytest.param("à ann@example.com é", "à <EMAIL> é", id="characters of several bytes around it"),
            pytest.param("a@example.com,b@example.com", "<EMAIL>,<EMAIL>", id="two side by side"),
            pytest.param("line\nann@example.com\r\n\tend ", "line\n<EMAIL>\r\n\tend ", id="blanks stay as they are"),
            pytest.param("call +44 20 7946 0958 or 4111 1111 1111 1111", "call <PHONE> or <CARD>", id="two kinds"),
            pytest.param("see https://x.example/?e=ann@example.com now", "see <URL> now", id="an address in a page's"),
            pytest.param("http://10.0.0.1:80/x from 10.0.0.2", "<URL> from <IP>", id="a machine in a page's address"),
            pytest.param("123-45-6789 GB82WEST12345698765432", "<SSN> <IBAN>", id="numbers of people and accounts"),
            pytest.param("00:1A:2B:3C:4D:5E, AB123456C", "<MAC>, <NINO>", id="an interface and an insured person"),
            pytest.param("order 1234567890 of 2024-01-05", "order 1234567890 of 2024-01-05", id="numbers of things"),
        ],
    )
    def test_are_scrubbed(self, text, expected):
        assert scrubbed([text, None, text]) == [expected, None, expected]

    def test_only_what_is_asked_for_is_found(self):
        text = "ann@example.com, 10.0.0.1, 2024-01-05"
        assert scrubbed([text], find=["ip"]) == ["ann@example.com, <IP>, 2024-01-05"]
        assert scrubbed([text], find=["date", "email"]) == ["<EMAIL>, 10.0.0.1, <DATE>"]

    def test_where_pages_are_not_looked_for_what_is_in_their_addresses_is_found(self):
        assert scrubbed(["https://x.example/?e=ann@example.com"], find=["email"]) == ["https://x.example/?e=<EMAIL>"]

    def test_cells_are_not_read_as_one_text(self):
        """What begins in one cell does not end in the next."""
        assert scrubbed(
            ["4111 1111", "1111 1111", "ann@", "example.com", "call", "9472 7916"], find=["card", "email"]
        ) == [
            "4111 1111",
            "1111 1111",
            "ann@",
            "example.com",
            "call",
            "9472 7916",
        ]

    def test_one_long_text(self):
        """Longer than a portion by itself; what is at its end is found as at its beginning."""
        part = "wörter ohne ende und 4711 stück, 10:30 uhr. " * 60_000
        assert scrubbed([f"ann@example.com {part} 10.0.0.1", "10.0.0.2"]) == [f"<EMAIL> {part} <IP>", "<IP>"]

    def test_many_texts_of_many_lengths(self):
        """Longer than one portion, so that their seams are crossed; each text is scrubbed as if it were alone."""
        texts = [f"{'é' * (number % 97)} u{number}@example.com {'x' * (number % 89)}" for number in range(150_000)]
        expected = [f"{'é' * (number % 97)} <EMAIL> {'x' * (number % 89)}" for number in range(150_000)]
        assert scrubbed(texts) == expected

    def test_texts_that_are_not_utf8_are_refused_by_number(self):
        broken = pa.Array.from_buffers(
            pa.string(),
            2,
            [None, pa.array([0, 2, 17], pa.int32()).buffers()[1], pa.py_buffer(b"\xff\xfeann@example.com")],
        )
        assert scrub().invalid(broken, HERE).to_pylist() == [True, False]
        with pytest.raises(MaskingError) as error:
            scrub().apply(broken, HERE)
        assert str(error.value).startswith('column "notes": 1 texts are not valid UTF-8. Say `on_invalid: nullify`')
        assert error.value.__cause__ is error.value.__context__ is None


class TestLayouts:
    """The layout of the column makes no difference, and nothing of the originals is left in its bytes."""

    @pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()], ids=str)
    def test_of_strings(self, kind):
        column = pa.array(["x", "ann@example.com", None, "", "to ann@example.com"], kind).slice(1)
        method = scrub()
        out = method.apply(column, HERE)
        assert out.type == method.output_type(kind)
        assert out.to_pylist() == ["<EMAIL>", None, "", "to <EMAIL>"]
        assert b"ann@" not in bytes_of(out)

    def test_of_dictionaries(self):
        column = pa.array(["to ann@example.com", None, "to ann@example.com", "to bob@example.com"]).dictionary_encode()
        out = scrub().apply(column, HERE)
        assert out.type == column.type
        assert out.to_pylist() == ["to <EMAIL>", None, "to <EMAIL>", "to <EMAIL>"]
        assert out.dictionary.to_pylist() == ["to <EMAIL>"]

    def test_a_dictionary_that_must_be_compared_with_other_columns_comes_out_plain(self):
        method = scrub(also_remove=["name"])
        column = pa.array(["Ann was here", "Ann was here"]).dictionary_encode()
        out = method.apply(column, Surroundings("t", "notes", columns={"name": pa.array(["Ann", "Bob"])}))
        assert out.type == method.output_type(column.type) == pa.string()
        assert out.to_pylist() == ["<NAME> was here", "Ann was here"]

    def test_texts_that_repeat_are_scrubbed_like_others(self):
        texts = ["to ann@example.com", None, "", "10.0.0.1"] * 1_000
        assert scrubbed(texts) == ["to <EMAIL>", None, "", "<IP>"] * 1_000

    def test_of_no_rows(self):
        for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string()), pa.null()):
            out = scrub().apply(pa.array([], kind), HERE)
            assert len(out) == 0
            assert out.type == scrub().output_type(kind)

    def test_of_nothing_but_nulls(self):
        assert scrub().apply(pa.nulls(3, pa.string()), HERE).to_pylist() == [None] * 3
        assert scrub().apply(pa.nulls(3), HERE).to_pylist() == [None] * 3


class TestTokens:
    """A token in a text is the one that the method `token` gives the same value in the same domain."""

    def test_are_those_of_the_domain(self):
        token = METHODS["token"].configure({}, PEOPLE)
        (expected,) = token.apply(pa.array(["Ann@Example.com"]), HERE).to_pylist()
        out = scrubbed(["to ann@example.com, ANN@EXAMPLE.COM", None], PEOPLE, replace_with="token")
        assert out == [f"to <EMAIL:{expected}>, <EMAIL:{expected}>", None]

    def test_of_an_escaped_value_is_that_of_the_value(self):
        values = ["müller@example.com", r"m\u00fcller@example.com", "ann@example.com", "ann%40example.com"]
        tokens = scrubbed(values, PEOPLE, replace_with="token")
        assert tokens[0] == tokens[1] != tokens[2] == tokens[3]

    def test_a_column_found_in_part_has_the_token_of_its_value(self):
        names = pa.array(["Ann Smith", "Bob"])
        first, second = METHODS["token"].configure({}, PEOPLE).apply(names, HERE).to_pylist()
        out = scrubbed(["Mrs Smith", "Bob"], PEOPLE, {"name": names}, also_remove=["name"], replace_with="token")
        assert out == [f"Mrs <NAME:{first}>", f"<NAME:{second}>"]

    def test_a_column_of_the_name_of_a_kind_is_not_taken_for_it(self):
        columns = {"email": pa.array(["Ann"])}
        token = METHODS["token"].configure({}, PEOPLE)
        first, second = token.apply(pa.array(["bob@example.com", "Ann"]), HERE).to_pylist()
        out = scrubbed(["bob@example.com Ann"], PEOPLE, columns, also_remove=["email"], replace_with="token")
        assert out == [f"<EMAIL:{first}> <EMAIL:{second}>"]

    def test_who_can_go_back_is_who_can_from_the_domain(self):
        encrypt = Domain("people", "encrypt", "people")
        assert scrub().reversible_by is scrub(PEOPLE, replace_with="token").reversible_by is ReversibleBy.NOBODY
        assert scrub(encrypt, replace_with="token").reversible_by is ReversibleBy.KEY_HOLDER

    def test_without_a_key_there_are_none(self):
        with pytest.raises(MaskingError, match='column "notes": token needs a key'):
            scrub(PEOPLE, replace_with="token").apply(pa.array(["10.0.0.1"]), Surroundings("customers", "notes"))


class TestFakes:
    """A fake has the form of what it stands for, is the same for the same value, and is nobody's."""

    VALUES = (
        ("card", "4111-1111-1111-1111"),
        ("card", "3782 822463 10005"),
        ("card", "4000000000000000006"),
        ("ssn", "123-45-6789"),
        ("nino", "AB 12 34 56 C"),
        ("ip", "192.168.10.24"),
        ("ip", "fe80::1"),
        ("mac", "00:1A:2B:3C:4D:5E"),
        ("mac", "001a.2b3c.4d5e"),
        ("url", "https://secret.example/x"),
        ("email", "ann@secret.example"),
        ("phone", "+44 20 7946 0958"),
        ("iban", "DE89370400440532013000"),
    )

    @pytest.mark.parametrize(("kind", "value"), VALUES)
    def test_has_the_form_of_its_kind(self, kind, value):
        """It is found as one of its kind, except numbers that are nobody's, which nothing finds."""
        (text, again) = scrubbed([f"({value})", f"({value})"], PEOPLE, find=[kind], replace_with="fake")
        assert text == again
        assert value not in text
        found = [found for *_, found in find(pa.array([text]), [kind])[0]]
        assert found == ([] if kind in {"ssn", "card"} else [kind])

    @pytest.mark.parametrize(
        ("kind", "value", "pattern"),
        [
            ("card", "4111-1111-1111-1111", r"00[0-9]{2}(-[0-9]{4}){3}"),
            ("ssn", "123 45 6789", r"9[0-9]{2} [0-3][1-9] [0-9]{4}"),
            ("nino", "AB123456C", r"QQ[0-9]{6}[A-D]"),
            ("ip", "8.8.8.8", r"10(\.[0-9]{1,3}){3}"),
            ("ip", "2a00::1", r"2001:db8:(:[0-9a-f]{4}){4}"),
            ("mac", "AA-BB-CC-DD-EE-FF", r"02(-[0-9a-f]{2}){5}"),
            ("url", "www.secret.example", r"https://example\.com/[a-z2-7]{12}"),
        ],
    )
    def test_is_nobodys(self, kind, value, pattern):
        (text,) = scrubbed([value], PEOPLE, find=[kind], replace_with="fake")
        assert re.fullmatch(pattern, text)

    def test_other_values_and_keys_have_others(self):
        texts = [f"10.1.{number // 200}.{number % 200}" for number in range(400)]
        first = scrubbed(texts, PEOPLE, find=["ip"], replace_with="fake")
        other = Surroundings("customers", "notes", Key("people", bytes(32)))
        second = scrub(PEOPLE, find=["ip"], replace_with="fake").apply(pa.array(texts), other).to_pylist()
        assert len(set(first)) == len(texts)
        assert not set(first) & set(second)

    def test_are_those_of_the_method_fake_in_the_same_domain(self):
        fake = METHODS["fake"].configure({"kind": "email"}, PEOPLE)
        (expected,) = fake.apply(pa.array(["ann@secret.example"]), HERE).to_pylist()
        assert scrubbed(["to ann@secret.example"], PEOPLE, replace_with="fake") == [f"to {expected}"]

    def test_what_has_none_is_written_as_its_type(self):
        columns = {"name": pa.array(["Ann"])}
        out = scrubbed(["Ann X-77"], PEOPLE, columns, also_remove=["name"], also_find=["X-[0-9]+"], replace_with="fake")
        assert out == ["<NAME> <FOUND>"]


class TestConfiguration:
    """Options that contradict each other are refused, with what would be right."""

    @pytest.mark.parametrize(
        ("options", "domain", "message"),
        [
            (
                {"replace_with": "token"},
                None,
                "`replace_with: token` needs `domain:`, the name of an entry under `domains:`",
            ),
            (
                {"replace_with": "fake"},
                None,
                "`replace_with: fake` needs `domain:`, the name of an entry under `domains:`",
            ),
            ({}, PEOPLE, "`domain:` goes with `replace_with: token` or `fake`; types have no tokens"),
            (
                {"replace_with": "token"},
                Domain("d", "fpe", "people"),
                (
                    'domain "d" has the scheme fpe, which keeps one format, and texts hold many. '
                    "Take a domain of hmac, cmac or encrypt"
                ),
            ),
            (
                {"replace_with": "fake", "find": ["ip", "date"]},
                PEOPLE,
                "there are no fakes of 'date'. Take it out of `find:`, or replace by type or token",
            ),
            ({"find": ["person"]}, None, "no pattern finds 'person'. It takes `engine: presidio` and a `model:`"),
            (
                {"find": ["person"], "engine": "presidio"},
                None,
                "'person' is found by a model alone: give the path of one, `model:`",
            ),
            ({"threshold": 0.5}, None, "`threshold:` and `model:` go with `engine: presidio`"),
            ({"model": "here"}, None, "`threshold:` and `model:` go with `engine: presidio`"),
        ],
    )
    def test_is_refused(self, options, domain, message):
        with pytest.raises(ValueError) as error:
            scrub(domain, **options)
        assert str(error.value) == message

    def test_takes_text_alone(self):
        assert METHODS["scrub"].declaration.accepts == {"string", "null"}

    def test_by_default_looks_for_all_but_dates(self):
        assert set(scrub().engine.kinds) == set(KINDS) - {"date"}


PIECES = [
    *["ann@example.com", "https://x.example/a", "www.x.example", "DE89370400440532013000", "123-45-6789", "AB123456C"],
    *["GB82 WEST 1234 5698 7654 32", "4111 1111 1111 1111", "4111111111111111", "00:1A:2B:3C:4D:5E", "10.0.0.1"],
    *["2001:db8::1", "2024-01-05", "+44 20 7946 0958", "555-123-4567", "0490 75 40 81", "ssn", "123456789", "call"],
    *["\u200b", "\u00ad", "\uff11\uff12\uff13", "\u0664111", "_", "\\n", "0171 1234567", "DE89 3704"],
    *["order", "version", "12", "1234", "é", "王", "x", "<EMAIL>", *"()<>-.,/:@+ \n"],
]


class TestAgain:
    """After scrubbing by type there is nothing left to find."""

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), max_size=6))
    @example(["123-45-6789-4111111111111111", "4111111111111111-555-123-4567", "555-123-4567/10.0.0.1.2"])
    def test_a_second_time_changes_nothing(self, texts):
        once = scrubbed(texts, find=list(KINDS))
        assert scrubbed(once, find=list(KINDS)) == once

    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.text(max_size=40), max_size=5))
    def test_whatever_the_texts(self, texts):
        once = scrubbed(texts, find=list(KINDS))
        assert len(once) == len(texts)
        assert scrubbed(once, find=list(KINDS)) == once

    @settings(max_examples=50, deadline=None)
    @given(
        st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join), min_size=1, max_size=8), st.integers(1, 8)
    )
    def test_each_text_is_scrubbed_by_itself(self, texts, size):
        whole = scrubbed(texts)
        parts = [scrubbed(texts[at : at + size]) for at in range(0, len(texts), size)]
        assert [each for part in parts for each in part] == whole
