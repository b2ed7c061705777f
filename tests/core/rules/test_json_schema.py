"""How the schema is made; tests/server/rules holds it against the reader, where there is a validator."""

from __future__ import annotations

import json

import pytest

from maskgate.methods import METHODS, Kind
from maskgate.rules.json_schema import DIALECT, rules_schema

PLUGIN = """\
from dataclasses import dataclass

from maskgate.methods import Declaration, Family, Kind, Method, Parameter, Shape


@dataclass(frozen=True)
class Round(Method):
    declaration = Declaration(
        "acme.round",
        "rounding",
        "Rounds.",
        frozenset({Family.FLOAT}),
        (Parameter("to", Kind.NUMBER, "What the results are multiples of.", required=True, minimum=1),),
    )

    @classmethod
    def configure(cls, options, domain):
        return cls()

    def output_type(self, input_type):
        return input_type

    def shape(self):
        return Shape(free=True)

    def apply(self, column, surroundings):
        return column
"""


@pytest.fixture
def schema():
    return rules_schema()


def described(schema):
    """Every property that has a schema of its own, and whether it is described."""
    for name, each in schema.get("properties", {}).items():
        if isinstance(each, dict) and "$ref" not in each and "const" not in each:
            yield name, bool(each.get("description")) or any("description" in one for one in each.get("anyOf", ()))


class TestRulesSchema:
    """The schema says to an editor what the methods declare."""

    def test_it_is_json_of_its_dialect(self, schema):
        assert json.loads(json.dumps(schema)) == schema
        assert schema["$schema"] == DIALECT == "https://json-schema.org/draft/2020-12/schema"

    def test_every_reference_leads_somewhere(self, schema):
        references = {part.partition('"')[0] for part in json.dumps(schema).split('"$ref": "')[1:]}
        assert references
        assert {each.removeprefix("#/$defs/") for each in references} <= set(schema["$defs"])

    @pytest.mark.parametrize("name", sorted(METHODS))
    def test_a_method_stands_with_its_options(self, schema, name):
        declaration = METHODS[name].declaration
        written = schema["$defs"][f"method.{name}"]
        assert written["description"] == declaration.summary
        assert written["additionalProperties"] is False
        for parameter in declaration.parameters:
            option = written["properties"][parameter.name]
            assert option["description"] == parameter.description
            assert option.get("default", parameter.default) == parameter.default
            assert (parameter.name in written.get("required", [])) == parameter.required
            if parameter.kind is Kind.CHOICE:
                assert option["enum"] == list(parameter.choices)

    def test_everything_has_a_description(self, schema):
        places = [schema, *schema["$defs"].values(), schema["$defs"]["table"]["properties"]["check"]]
        assert [name for place in places for name, has_one in described(place) if not has_one] == []

    def test_a_method_that_needs_an_option_is_no_bare_word(self, schema):
        words = {each["const"] for each in schema["$defs"]["column"]["anyOf"] if "const" in each}
        assert {"drop", "keep", "nullify", "redact"} <= words
        assert not {"token", "noise", "shift_date"} & words


class TestPlugins:
    """A plugin's method passes as it is, unless plugins are asked for."""

    def test_an_installed_method_is_said_where_plugins_are_wanted(self, install):
        install("acme_round", PLUGIN, {"acme.round": "acme_round:Round"})
        assert "method.acme.round" not in rules_schema()["$defs"]
        option = rules_schema(plugins=True)["$defs"]["method.acme.round"]["properties"]["to"]
        assert option == {"type": "number", "minimum": 1, "description": "What the results are multiples of."}
