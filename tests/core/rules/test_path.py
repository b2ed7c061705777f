from __future__ import annotations

import pytest

from maskgate.rules.path import ELEMENTS, Path, Step, written_name


class TestPath:
    """A path has one meaning, and is written in one way."""

    @pytest.mark.parametrize(
        ("text", "steps"),
        [
            pytest.param("email", (Step("email"),), id="a column"),
            pytest.param("first name", (Step("first name"),), id="a column with a blank"),
            pytest.param("a.b.c", (Step("a"), Step("b"), Step("c")), id="fields of structs"),
            pytest.param("a[].b", (Step("a"), ELEMENTS, Step("b")), id="a field of elements"),
            pytest.param("a[][]", (Step("a"), ELEMENTS, ELEMENTS), id="a list of lists"),
            pytest.param("*_id", (Step("*_id", is_pattern=True),), id="a pattern"),
            pytest.param("`*_id`", (Step("*_id"),), id="a name with a star"),
            pytest.param("`a.b`.`c[]`[]", (Step("a.b"), Step("c[]"), ELEMENTS), id="names with signs"),
            pytest.param("`a``b`", (Step("a`b"),), id="a name with a backquote"),
            pytest.param("``", (Step(""),), id="a name that is empty"),
        ],
    )
    def test_reads_and_writes(self, text, steps):
        assert Path.parse(text) == Path(steps)
        assert str(Path.parse(text)) == text

    @pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "[]", "a[", "a[0]", "a[]b", "`a", "`a`b", "a`b`"])
    def test_refuses(self, text):
        with pytest.raises(ValueError, match=r"name|backquote|bracket|dot"):
            Path.parse(text)

    @pytest.mark.parametrize("name", ["", "a", "a.b", "a[0]", "*", "?", "`", "``", "a`.b", "ä 😀", "a]"])
    def test_every_name_can_be_written(self, name):
        assert Path.parse(written_name(name)) == Path.of(name)
