"""One person fills one slot, whatever groups they have."""

from __future__ import annotations

import itertools

import pytest

from maskgate.gate.requirement import Requirement


def approvals(**people):
    return {person: frozenset(groups.split()) for person, groups in people.items()}


class TestMissing:
    """What is still needed, given who approved."""

    @pytest.mark.parametrize(
        ("slots", "distinct", "given", "missing"),
        [
            pytest.param({"a": 1}, 1, {}, {"a": 1}, id="nobody has approved"),
            pytest.param({"a": 1}, 1, {"p": "a"}, {}, id="one of one"),
            pytest.param({"a": 1}, 1, {"p": "b"}, {"a": 1}, id="of another group"),
            pytest.param({"a": 2}, 2, {"p": "a"}, {"a": 1}, id="one of two"),
            pytest.param({"a": 1, "b": 1}, 2, {"p": "a b"}, {"b": 1}, id="one person in two groups fills one slot"),
            pytest.param({"a": 1, "b": 1}, 2, {"p": "a b", "q": "a"}, {}, id="the second person frees the first"),
            pytest.param({"a": 1, "b": 1}, 2, {"p": "a b", "q": "b"}, {}, id="in either direction"),
            pytest.param({"a": 1, "b": 1}, 2, {"p": "a", "q": "a"}, {"b": 1}, id="two of the same group"),
            pytest.param(
                {"a": 1, "b": 1, "c": 1},
                3,
                {"p": "a b", "q": "b c", "r": "a"},
                {},
                id="a chain of moves fills all",
            ),
            pytest.param({"a": 1}, 2, {"p": "a"}, {"any reviewer": 1}, id="a second person beyond the slots"),
            pytest.param({"a": 1}, 2, {"p": "a", "q": "a"}, {}, id="who may be of the same group"),
            pytest.param({"a": 1}, 2, {"p": "a", "q": "b"}, {"any reviewer": 1}, id="but must be a reviewer"),
            pytest.param({"a": 1}, 2, {}, {"a": 1, "any reviewer": 1}, id="both are missing"),
        ],
    )
    def test_missing(self, slots, distinct, given, missing):
        assert Requirement(slots, distinct).missing(approvals(**given)) == missing

    def test_the_order_of_signing_does_not_matter(self):
        given = [("p", "a b"), ("q", "b c"), ("r", "a"), ("s", "c")]
        for order in itertools.permutations(given):
            assert Requirement({"a": 1, "b": 1, "c": 2}, 4).missing(approvals(**dict(order))) == {}

    def test_goes_through_json(self):
        requirement = Requirement({"a": 2}, 3)
        assert Requirement.from_json(requirement.as_json()) == requirement
        assert requirement.at_least(2) == requirement
        assert requirement.at_least(5).distinct == 5
