from __future__ import annotations

import sys
from pathlib import Path

import pyarrow as pa
import pytest

from maskgate.errors import RulesError, UsageError
from maskgate.masking import mask_table
from maskgate.methods import METHODS
from maskgate.methods.registry import find_method, method_names
from maskgate.rules import read_rules
from maskgate.testing.haunted_columns import haunted_columns
from maskgate.testing.method_contract import PROMISES, takes

GUIDE = (Path(__file__).parents[3] / "docs" / "plugins.md").read_text(encoding="utf-8")
EXAMPLE = GUIDE.partition("```python\n")[2].partition("```")[0]
NAME = "acme.initials"
HEAD = "from maskgate.methods import Declaration, Family, Method\n"


def example(name):
    """The example of the guide, under another name."""
    return EXAMPLE.replace(NAME, name)


class TestFindMethod:
    """A name leads to one method, ours or an installed one, or to none."""

    def test_nothing_has_no_method(self):
        assert find_method("") is None

    def test_ours_have_no_dot(self):
        assert all(find_method(name) is METHODS[name] for name in METHODS)
        assert not any("." in name for name in METHODS)

    def test_a_name_that_nobody_brings_is_none(self):
        assert find_method("acme.unheard_of") is None
        assert find_method("unheard_of") is None

    def test_an_installed_method_is_found_and_listed(self, install):
        name = "acme.initials"
        install("acme_money", example(name), {name: "acme_money:Initials"})
        assert name in method_names()
        assert "acme_money" not in sys.modules, "listing loads nothing"
        assert find_method(name).declaration.name == name

    def test_a_plugin_is_not_loaded_where_none_may_be(self, install):
        name = "acme.unwanted"
        install("acme_unwanted", "raise SystemExit", {name: "acme_unwanted:Unwanted"})
        assert find_method(name, plugins=False) is None
        assert "acme_unwanted" not in sys.modules

    def test_no_plugin_stands_in_for_ours(self, install):
        install("acme_redact", example("redact"), {"redact": "acme_redact:Initials"})
        assert find_method("redact") is METHODS["redact"]
        assert method_names().count("redact") == 1

    @pytest.mark.parametrize(
        ("package", "source", "said"),
        [
            pytest.param(
                "acme_gone",
                "import acme_is_not_installed_anywhere",
                "the method 'acme_gone.x' of acme_gone 1.0 (acme_gone:Initials) cannot be loaded "
                "(ModuleNotFoundError). "
                "To see why: python -c 'import acme_gone'",
                id="an import that fails",
            ),
            pytest.param("acme_raises", "raise ValueError('secret')", "(ValueError)", id="an error of its own"),
            pytest.param("acme_nameless", "", "cannot be loaded (AttributeError)", id="a class that is not there"),
            pytest.param("acme_text", "Initials = 'redact'", "it is not a subclass of", id="something else"),
            pytest.param(
                "acme_bare", HEAD + "class Initials(Method): ...", "it leaves out apply, ", id="half a method"
            ),
            pytest.param(
                "acme_silent",
                EXAMPLE.replace("declaration =", "said ="),
                "its `declaration` is not a",
                id="a method without declaration",
            ),
            pytest.param(
                "acme_other",
                example("acme.y"),
                "its declaration calls it 'acme.y', and its entry point 'acme_other.x'",
                id="another name",
            ),
            pytest.param(
                "acme_key",
                example("acme_key.x").replace('"upper"', '"key"'),
                "an option may not be called key",
                id="an option that rules have already",
            ),
        ],
    )
    def test_a_broken_plugin_is_named_and_its_own_error_is_not(self, install, package, source, said):
        name = f"{package}.x"
        install(package, source, {name: f"{package}:Initials"})
        with pytest.raises(UsageError) as caught:
            find_method(name)
        assert said in str(caught.value)
        assert "secret" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None

    def test_a_name_that_two_bring_is_refused(self, install):
        source = example("acme.twice")
        install("acme_one", source, {"acme.twice": "acme_one:Initials"})
        install("acme_two", source, {"acme.twice": "acme_two:Initials"})
        with pytest.raises(UsageError, match=r"acme_one 1\.0 .* and acme_two 1\.0 .* Uninstall all but one"):
            find_method("acme.twice")


class TestRulesOfAPlugin:
    """Rules name a plugin's method like any other, and are told what is wrong with it."""

    RULES = "version: 1\ntables: {{t: {{columns: {{x: {{method: {}, upper: true}}}}}}}}\n"

    def test_it_masks(self, install):
        install("acme_masks", example("acme.masks"), {"acme.masks": "acme_masks:Initials"})
        rules = read_rules(self.RULES.format("acme.masks"), "rules.yaml")
        masked, _ = mask_table(pa.table({"x": ["Ann Example", None]}), rules, table_name="t")
        assert masked.column("x").to_pylist() == ["AE", None]

    @pytest.mark.parametrize(
        ("package", "source", "said"),
        [
            pytest.param("acme_lost", "raise OSError('secret')", "cannot be loaded (OSError)", id="not loaded"),
            pytest.param(
                "acme_key_error",
                EXAMPLE.replace('options["upper"]', 'options["secret"]'),
                "fails on these options (KeyError). Ask its author.",
                id="failing on its options",
            ),
            pytest.param(
                "acme_hollow",
                EXAMPLE.replace('cls(options["upper"])', "cls()"),
                "fails on these options (TypeError)",
                id="not what it declares",
            ),
        ],
    )
    def test_a_broken_one_is_a_problem_with_its_line(self, install, package, source, said):
        install(package, source.replace(NAME, f"{package}.x"), {f"{package}.x": f"{package}:Initials"})
        with pytest.raises(RulesError) as caught:
            read_rules(self.RULES.format(f"{package}.x"), "rules.yaml")
        assert str(caught.value).startswith('rules.yaml:2, column "x": ')
        assert said in str(caught.value)
        assert "secret" not in str(caught.value)


class TestContract:
    """The public contract suite tells a sound plugin from one that leaks."""

    def kept(self, method):
        """The promises that a method keeps on every column it takes."""
        columns = [column for column in haunted_columns() if takes(method, column.array.type)]
        assert columns
        kept = set()
        for promise in PROMISES:
            try:
                for column in columns:
                    promise(method, column)
            except AssertionError:
                continue
            kept.add(promise.__name__)
        return kept

    def test_the_example_of_the_guide_keeps_every_promise(self, install):
        install("acme_sound", example("acme.sound"), {"acme.sound": "acme_sound:Initials"})
        found = find_method("acme.sound")
        for upper in (False, True):
            assert self.kept(found.configure({"upper": upper}, None)) == {each.__name__ for each in PROMISES}
        method = found.configure({"upper": True}, None)
        column = pa.array(["Ann Example", "", None, "42", "ann-marie o'hara"])
        assert method.apply(column, None).to_pylist() == ["AE", "", None, "", "AMOH"]

    def test_a_method_that_hands_on_its_input_is_caught(self, install):
        source = example("acme.leaky").replace("return by_value(column, self._masked)", "return column")
        install("acme_leaky", source, {"acme.leaky": "acme_leaky:Initials"})
        method = find_method("acme.leaky").configure({"upper": False}, None)
        missed = {promise.__name__ for promise in PROMISES} - self.kept(method)
        assert {"output_is_as_declared", "nothing_hidden_comes_out"} <= missed
