"""The values of a row's other columns are taken out of its text."""

from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.methods import METHODS, Surroundings


def scrub(**options):
    return METHODS["scrub"].configure(options, None)


def scrubbed(values, columns, **options):
    here = Surroundings("customers", "notes", columns=columns)
    return scrub(**options).apply(pa.array(values, pa.string()), here).to_pylist()


class TestOtherColumns:
    """The values of other columns of the row are removed from its text."""

    @pytest.mark.parametrize(
        ("value", "text", "expected"),
        [
            pytest.param(None, "Ann was here", "Ann was here", id="a null removes nothing"),
            pytest.param("", "Ann was here", "Ann was here", id="the empty text removes nothing"),
            pytest.param("  ", "Ann was here", "Ann was here", id="blanks remove nothing"),
            pytest.param("Ann", None, None, id="a null stays a null"),
            pytest.param("Ann", "", "", id="an empty text has nothing in it"),
            pytest.param("Ann Smith", "Ann Smith was here", "<NAME> was here", id="as a whole"),
            pytest.param("Ann Smith", "ANN  smith", "<NAME>", id="in other case, with other blanks"),
            pytest.param("Ann Smith", "Smith, Ann", "<NAME>, <NAME>", id="in another order"),
            pytest.param("Ann Smith", "Mrs Smith's dog", "Mrs <NAME>'s dog", id="a word of it"),
            pytest.param("Ann Smith", "annual smithy", "annual smithy", id="not inside of words"),
            pytest.param("Ann-Marie O'Neil", "Marie O'Neil", "<NAME> O'<NAME>", id="words with signs in them"),
            pytest.param("J. Ng", "J. Ng and j", "<NAME> and j", id="no single letters"),
            pytest.param(
                "Müller", "für MÜLLER, Muller und Mu\u0308ller", "für <NAME>, <NAME> und <NAME>", id="accents"
            ),
            pytest.param("Strauß", "STRAUSS", "<NAME>", id="letters that capitals write in two"),
            pytest.param("Łukasz Þór", "lukasz THOR", "<NAME>", id="letters of few languages"),
            pytest.param("Γιώργος", "ΓΙΩΡΓΟΣ", "<NAME>", id="a letter that is another at the end of a word"),
            pytest.param("Ann", "A\u200bnn, A\u00adnn", "<NAME>, <NAME>", id="what nobody sees inside of a word"),
            pytest.param("Ann Lee", "Ann\u200bLee \u200eLee", "<NAME> \u200e<NAME>", id="and between words"),
            pytest.param("Ann", "\uff21\uff4e\uff4e", "<NAME>", id="wide letters"),
            pytest.param("\uff21\uff4e\uff4e", "Ann", "<NAME>", id="wide letters in the value"),
            pytest.param("a.*b [c", "axxb a.*b [c", "axxb <NAME>", id="what patterns are made of"),
            pytest.param("Ζωή", "η ΖΩΉ ήρθε", "η <NAME> ήρθε", id="another alphabet"),
            pytest.param("王小明", "客户王小明来电", "客户<NAME>来电", id="a script without blanks"),
            pytest.param("王小明", "小事", "小事", id="and there not character by character"),
            pytest.param("Ann", "\u201cAnn\u201d\u2026", "\u201c<NAME>\u201d\u2026", id="between quotation marks"),
            pytest.param("12 Main Street", "at 12, main street; 12", "at <NAME>; 12", id="numbers only as part of it"),
            pytest.param("12345", "no 12345, 123456", "no <NAME>, 123456", id="a number"),
            pytest.param("C-77/x", "c-77/x c-77", "<NAME> c-77", id="a mixed one"),
            pytest.param("Ann Ann", "ann Ann ann", "<NAME>", id="a word twice"),
            pytest.param("Ann Müller", r"by\nAnn M\u00fcller\t", r"by\n<NAME>\t", id="in a text inside of JSON"),
            pytest.param(r"C:\new", r"C:\new\ann", r"<NAME>\ann", id="a value that itself looks like an escape"),
            pytest.param("a@example.com", "to a@example.com", "to <EMAIL>", id="what patterns find they find first"),
        ],
    )
    def test_are_removed(self, value, text, expected):
        out = scrubbed(["x", text], {"name": pa.array(["y", value])}, also_remove=["name"])
        assert out == ["x", expected]

    def test_only_those_of_the_same_row(self):
        names = pa.array(["Ann", "Bob", None])
        texts = ["Ann met Bob"] * 3
        assert scrubbed(texts, {"p.name": names}, also_remove=["p.name"]) == [
            "<NAME> met Bob",
            "Ann met <NAME>",
            "Ann met Bob",
        ]

    def test_of_several_columns_each_has_its_name(self):
        columns = {"person.full_name": pa.array(["Ann Smith"]), "city": pa.array(["Smith Town"])}
        assert scrubbed(["Ann of Smith Town"], columns, also_remove=list(columns)) == ["<FULL_NAME> of <CITY>"]

    @pytest.mark.parametrize(
        ("column", "text"),
        [
            pytest.param(pa.array([4711]), "no 4711", id="integers"),
            pytest.param(pa.array(["4711"]).dictionary_encode(), "no 4711", id="dictionaries"),
            pytest.param(pa.array(["4711"], pa.string_view()), "no 4711", id="views"),
            pytest.param(pa.array([6392], pa.date32()), "no 1987-07-03", id="dates"),
        ],
    )
    def test_of_other_types(self, column, text):
        assert scrubbed([text], {"code": column}, also_remove=["code"]) == ["no <CODE>"]

    def test_a_column_that_cannot_be_text_is_an_error(self):
        with pytest.raises(MaskingError, match=r'column "notes": the values of "code" \(list<item: int64>\) cannot be'):
            scrubbed(["x"], {"code": pa.array([[1]])}, also_remove=["code"])

    def test_it_says_which_columns_it_reads(self):
        assert scrub(also_remove=["full_name", "city", "full_name"]).reads() == ("full_name", "city")
        assert scrub().reads() == ()

    def test_rows_of_several_portions_stay_with_their_values(self):
        count = 70_000
        names = pa.array([f"Name{number}" for number in range(count)])
        texts = [f"Name{number} and Name{number + 1}" for number in range(count)]
        expected = [f"<N> and Name{number + 1}" for number in range(count)]
        assert scrubbed(texts, {"n": names}, also_remove=["n"], find=["email"]) == expected
