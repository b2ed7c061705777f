from __future__ import annotations

import hashlib
import random

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from maskgate.detect import DIRECT_IDENTIFIERS, classify, recognize

SSNS = [
    f"{area}-{group}-{serial}" for area in ("123", "001", "665", "899") for group in (11, 99) for serial in (1234, 9999)
]
TOKENS = [hashlib.sha256(bytes([at % 256, at // 256])).hexdigest()[:32] for at in range(2000)]


def with_check_digit(digits):
    """Complete a card number by Luhn."""
    doubled = [int(each) * 2 if at % 2 == 0 else int(each) for at, each in enumerate(reversed(digits))]
    return digits + str(-sum(each - 9 * (each > 9) for each in doubled) % 10)


CARDS = [with_check_digit(f"4{at:014}") for at in range(200)]
LONG_NUMBERS = [f"{random.Random(at).randrange(10**15, 10**16)}" for at in range(500)]


class TestNames:
    """The name of a column says what it probably holds."""

    @pytest.mark.parametrize(
        ("name", "kinds"),
        [
            pytest.param("", set(), id="no name"),
            pytest.param("email", {"email"}, id="a plain name"),
            pytest.param("customerEMail", {"email"}, id="camel case"),
            pytest.param("HOME-PHONE 2", {"phone"}, id="capitals, hyphens and numbers"),
            pytest.param("first_name", {"person_name"}, id="part of a name"),
            pytest.param("customer_name", {"person_name"}, id="the name of a person"),
            pytest.param("name", {"person_name"}, id="just a name"),
            pytest.param("Straße", {"street_address"}, id="German"),
            pytest.param("prénom", {"person_name"}, id="French"),
            pytest.param("SSN", {"national_id"}, id="an abbreviation"),
            pytest.param("ip_address", {"ip_address"}, id="an address that nobody lives at"),
            pytest.param("product_name", set(), id="the name of a thing"),
            pytest.param("panel", set(), id="a word that holds another"),
            pytest.param("email_verified", set(), id="something about an address"),
            pytest.param("address.city", set(), id="a part of an address that many share"),
            pytest.param("customer_id", set(), id="a number of a record"),
            pytest.param("country", set(), id="a country"),
            pytest.param("emails", {"email"}, id="several"),
            pytest.param("work_mail", {"email"}, id="a word that counts at the end"),
            pytest.param("mail_server", set(), id="and not before others"),
            pytest.param("mobile_os", set(), id="what runs on a telephone"),
            pytest.param("cust_name", {"person_name"}, id="shortened"),
            pytest.param("lname", {"person_name"}, id="in one word"),
            pytest.param("Kundenname", {"person_name"}, id="in one word of German"),
            pytest.param("nombre", {"person_name"}, id="alone in Spanish"),
            pytest.param("nom_du_produit", set(), id="the name of a thing in French"),
            pytest.param("num_tel", {"phone"}, id="a number in French"),
            pytest.param("num_phones", set(), id="how many there are"),
            pytest.param("num_address", {"street_address"}, id="a number in a street, though it ends like many"),
            pytest.param("has_ssn", set(), id="whether there is one"),
            pytest.param("contact.has_ssn", set(), id="whether there is one, inside of a column"),
            pytest.param("encrypted_fields.ssn", {"national_id"}, id="a field, whatever all of them are called"),
            pytest.param("last_login", set(), id="when"),
            pytest.param("mrn", {"national_id"}, id="of a hospital"),
            pytest.param("library_card_number", set(), id="a card with which nobody pays"),
            pytest.param("ipv4", {"ip_address"}, id="with a number that belongs to it"),
            pytest.param("clientip", {"ip_address"}, id="as logs have it"),
            pytest.param("address_id", set(), id="a key of another table"),
            pytest.param("Телефон_1", {"phone"}, id="Russian"),
            pytest.param("邮箱", {"email"}, id="Chinese"),
            pytest.param("IP地址", {"ip_address"}, id="Chinese and English"),
        ],
    )
    def test_is_classified(self, name, kinds):
        assert classify(name) == kinds

    def test_what_names_nobody_alone_is_recognised_but_not_direct(self):
        assert recognize("date_of_birth") == {"birth_date"}
        assert recognize("postcode") == {"postcode"}
        assert classify("date_of_birth") == classify("postcode") == frozenset()
        assert "birth_date" not in DIRECT_IDENTIFIERS

    def test_the_sum_of_somebodys_incomes_is_one(self):
        assert recognize("total_income") == recognize("hourly_wage_rate") == {"income"}
        assert recognize("income_source") == frozenset()

    @pytest.mark.parametrize("column", [pa.array([True]), pa.array([1.5]), pa.array([0], pa.date32())])
    def test_a_type_that_cannot_hold_it_is_believed_over_the_name(self, column):
        assert classify("email", column) == frozenset()


class TestCells:
    """Cells say it whatever the column is called."""

    @pytest.mark.parametrize(
        ("cells", "kinds"),
        [
            pytest.param([], set(), id="nothing"),
            pytest.param([None, "", "  "], set(), id="nulls and blanks"),
            pytest.param(["ann@example.com", None], {"email"}, id="addresses"),
            pytest.param(["ünïcode@bücher.example"], {"email"}, id="an address outside of ASCII"),
            pytest.param(["nothing"] * 95 + ["write to bob@example.org."] * 5, {"email"}, id="a few inside of text"),
            pytest.param(SSNS, {"national_id"}, id="social security numbers"),
            pytest.param(
                ["000-12-3456", "666-12-3456", "900-12-3456", "123-00-1234"], set(), id="numbers never given out"
            ),
            pytest.param(["AB 12 34 56 C", "QQ123456C"], {"national_id"}, id="national insurance numbers"),
            pytest.param(CARDS, {"card"}, id="cards"),
            pytest.param(
                [f"{each[:4]} {each[4:8]} {each[8:12]} {each[12:]}" for each in CARDS], {"card"}, id="cards in groups"
            ),
            pytest.param([f"paid with {each}." for each in CARDS], {"card"}, id="cards inside of text"),
            pytest.param([each[:-1] + str((int(each[-1]) + 1) % 10) for each in CARDS], set(), id="wrong check digits"),
            pytest.param(LONG_NUMBERS, set(), id="long numbers"),
            pytest.param(["GB82 WEST 1234 5698 7654 32", "DE89370400440532013000"], {"iban"}, id="bank accounts"),
            pytest.param(["GB83 WEST 1234 5698 7654 32", "DE88370400440532013000"], set(), id="wrong bank accounts"),
            pytest.param(["+44 20 7946 0958", "(555) 123-4567", "555-123-4567"], {"phone"}, id="phones"),
            pytest.param(["192.168.10.24", "10.0.0.1"], {"ip_address"}, id="addresses of machines"),
            pytest.param(["2001:db8::1", "fe80::1"], {"ip_address"}, id="longer addresses of machines"),
            pytest.param(["12 Main Street", "7b, Long Road, Leeds"], {"street_address"}, id="streets"),
            pytest.param(["Flat 2, 14 Church Lane, Leeds"], {"street_address"}, id="streets behind a flat"),
            pytest.param(["Calle Mayor, 5", "Via Roma 3", "Kerkstraat 9"], {"street_address"}, id="streets elsewhere"),
            pytest.param(["1 way ticket", "2 st floor"], set(), id="things that are called like streets"),
            pytest.param(["612 34 56 78", "601 23 45 67"], {"phone"}, id="phones as Spain writes them"),
            pytest.param(["06 12345678", "06-87654321"], {"phone"}, id="phones as the Netherlands write them"),
            pytest.param(["12 345 678", "123 456"], set(), id="large numbers in groups"),
            pytest.param(["Hauptstraße 5", "Am Weg 3"], {"street_address"}, id="streets, number last"),
            pytest.param(["1936-01-01", "2020-12-31"], set(), id="dates"),
            pytest.param(["12:30:00", "08:15"], set(), id="times"),
            pytest.param(["12345-6789", "12345"], set(), id="postcodes"),
            pytest.param(["1.2.3", "10.04"], set(), id="versions"),
            pytest.param(["123e4567-e89b-12d3-a456-426614174000"], set(), id="UUIDs"),
        ],
    )
    def test_is_classified(self, cells, kinds):
        assert classify("x", pa.array(cells, pa.string())) == kinds

    @pytest.mark.parametrize(
        "cells",
        [
            pytest.param(TOKENS, id="tokens"),
            pytest.param([f"em_{each}" for each in TOKENS], id="tokens with a prefix"),
            pytest.param(["**************58", "***********4567"], id="partial masks"),
            pytest.param(["***"], id="redactions"),
            pytest.param(["SW1", "902"], id="generalized postcodes"),
        ],
    )
    def test_what_masking_makes_is_not_flagged(self, cells):
        assert classify("x", pa.array(cells)) == frozenset()

    @pytest.mark.parametrize(
        "column",
        [
            pytest.param(pa.array(["ann@example.com"], pa.large_string()), id="large"),
            pytest.param(pa.array(["ann@example.com"], pa.string_view()), id="a view"),
            pytest.param(pa.array(["ann@example.com"]).dictionary_encode(), id="a dictionary"),
            pytest.param(pa.array([b"ann@example.com"]), id="bytes"),
            pytest.param(pa.array([b"ann@example.com"], pa.binary(15)), id="bytes of one length"),
            pytest.param(pa.array([b"ann@example.com", b"\xff\xfe"]), id="bytes beside bytes that are no text"),
            pytest.param(pa.array(["ann@example.com".encode("utf-16")]), id="bytes of UTF-16"),
            pytest.param(pa.chunked_array([["x"], ["ann@example.com"]]), id="in chunks"),
            pytest.param(pa.array([["ann@example.com"]]), id="in a list"),
            pytest.param(pa.array([{"a": {"b": "ann@example.com"}}]), id="in a struct"),
            pytest.param(pa.array([[("k", "ann@example.com")]], pa.map_(pa.string(), pa.string())), id="in a map"),
            pytest.param(pa.array(["", "ann@example.com", ""]).slice(1, 1), id="a slice"),
            pytest.param(pa.array([["ann@example.com"]], pa.list_view(pa.string())), id="in a view of a list"),
            pytest.param(pc.run_end_encode(pa.array(["ann@example.com"] * 3)), id="a run"),
        ],
    )
    def test_the_layout_does_not_hide_it(self, column):
        assert classify("x", column) == {"email"}

    @pytest.mark.parametrize(
        ("name", "kinds"),
        [
            pytest.param("app_version", set(), id="a version"),
            pytest.param("build_number", set(), id="a version, and a word that adds nothing"),
            pytest.param("build_server", {"ip_address"}, id="something that has to do with versions"),
        ],
    )
    def test_what_is_called_a_version_is_no_machine(self, name, kinds):
        assert classify(name, pa.array(["10.0.1.2", "9.4.0.1"])) == kinds

    @pytest.mark.parametrize("kind", [pa.list_view(pa.string()), pa.run_end_encoded(pa.int32(), pa.string())], ids=str)
    def test_a_name_counts_whatever_the_layout(self, kind):
        assert classify("email", pa.array([], kind)) == {"email"}

    @pytest.mark.parametrize("cells", [pa.array([1, 2]), pa.array([1.0, None])])
    def test_no_number_is_a_name_or_an_address(self, cells):
        assert classify("nombre", cells) == classify("email", cells) == classify("address", cells) == frozenset()
        assert classify("ssn", cells) == {"national_id"}

    def test_numbers_are_looked_at_too(self):
        assert classify("x", pa.array([int(each) for each in CARDS])) == {"card"}

    @pytest.mark.parametrize("kind", [pa.float64(), pa.decimal128(22, 2), pa.decimal256(40, 0), pa.uint64()], ids=str)
    def test_whole_numbers_of_every_type_are_looked_at(self, kind):
        assert classify("x", pa.array([4111111111111111, 5500005555555559, None]).cast(kind)) == {"card"}

    @pytest.mark.parametrize(
        ("cells", "kinds"),
        [
            pytest.param([123456789.0, None], {"national_id"}, id="whole numbers, as integers with nulls become"),
            pytest.param([123456789.5, None], set(), id="a fraction"),
            pytest.param([None, None], set(), id="nulls"),
            pytest.param([float("nan"), float("inf")], set(), id="no numbers"),
        ],
    )
    def test_floats_count_by_their_name_where_they_are_whole(self, cells, kinds):
        assert classify("ssn", pa.array(cells, pa.float64())) == kinds

    def test_names_inside_of_a_column_count(self):
        assert classify("x", pa.array([{"surname": "a"}])) == {"person_name"}

    def test_bytes_that_are_no_text_are_no_error(self):
        assert classify("x", pa.array([b"\xff\xfe"])) == frozenset()
