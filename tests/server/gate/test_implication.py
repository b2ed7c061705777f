"""What is said to follow does follow: over generated conditions and facts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskgate.gate.action_facts import ActionFacts, ColumnFact, Counted, Total
from maskgate.gate.combined_conditions import All, AnyOf, Not
from maskgate.gate.conditions import (
    Columns,
    Flag,
    Names,
    NoDestination,
    Range,
    RollingSum,
    SmallestGroup,
    Word,
)
from maskgate.gate.implication import excludes, implies, is_never

TOTAL = Total("rows", timedelta(days=1), ("requester",))
WORDS = ("export", "extra", "publish")
PATTERNS = (*WORDS, "ex*", "*t", "*", "e?port")
TABLES = ("a", "ab", "b")
some = st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2).map(tuple)
tables = st.lists(st.sampled_from((*TABLES, "a*")), min_size=1, max_size=2).map(tuple)
number = st.integers(0, 4)
bounds = st.tuples(st.none() | number, st.none() | number).filter(lambda pair: pair != (None, None))
atoms = st.one_of(
    st.builds(Word, st.just("action"), some),
    st.builds(Word, st.just("trust"), st.sampled_from([("internal",), ("external", "public")])),
    st.builds(NoDestination),
    st.builds(Names, st.just("tables"), tables, st.booleans()),
    st.builds(Columns, tables, st.sampled_from([(), ("email",)]), st.just(()), st.booleans()),
    bounds.map(lambda pair: Range("rows", *pair)),
    bounds.map(lambda pair: SmallestGroup(("zip",), *pair)),
    bounds.map(lambda pair: RollingSum(TOTAL, *pair)),
    st.builds(Flag, st.just("agent"), st.booleans()),
)
conditions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, min_size=1, max_size=2).map(lambda parts: AnyOf(tuple(parts))),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)
columns = st.builds(ColumnFact, st.sampled_from(TABLES), st.sampled_from(TABLES), st.sampled_from([(), ("email",)]))


@st.composite
def known(draw):
    trust = draw(st.none() | st.sampled_from(["internal", "external", "public"]))
    return ActionFacts(
        action=draw(st.sampled_from(WORDS)),
        destination=None if trust is None else "partner",
        trust=trust,
        tables=draw(st.none() | st.lists(st.sampled_from(TABLES), max_size=2).map(tuple)),
        columns=draw(st.none() | st.lists(columns, max_size=2).map(tuple)),
        rows=draw(st.none() | number),
        k=draw(st.sampled_from([{}, {("zip",): 0}, {("zip",): 2}, {("zip",): 4}])),
        agent=draw(st.none() | st.booleans()),
        totals=draw(st.just({}) | st.builds(Counted, number, st.booleans()).map(lambda counted: {TOTAL: counted})),
    )


quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class TestSound:
    """A proof is one, whatever is or is not known of an action."""

    @quick
    @given(conditions, conditions, st.lists(known(), min_size=1, max_size=20))
    def test_what_implies(self, one, other, facts):
        if implies(one, other):
            assert all(other.holds(each) is True for each in facts if one.holds(each) is True)

    @quick
    @given(conditions, conditions, st.lists(known(), min_size=1, max_size=20))
    def test_what_excludes(self, one, other, facts):
        if excludes(one, other):
            assert not any(one.holds(each) is True and other.holds(each) is True for each in facts)

    @quick
    @given(conditions, st.lists(known(), min_size=1, max_size=20))
    def test_what_is_never(self, condition, facts):
        if is_never(condition):
            assert not any(condition.holds(each) is True for each in facts)

    @quick
    @given(conditions, known())
    def test_not_twice_is_the_same(self, condition, facts):
        assert Not(Not(condition)).holds(facts) is condition.holds(facts)


class TestFound:
    """The plain cases are proved."""

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            pytest.param(Range("rows", 10), Range("rows", 5), id="a narrower range"),
            pytest.param(Word("action", ("export",)), Word("action", ("ex*", "publish")), id="a word of a pattern"),
            pytest.param(
                All((Range("rows", 9), Flag("agent", value=True))), Range("rows", 5), id="one part of several"
            ),
            pytest.param(AnyOf((Range("rows", 9), Range("rows", 7))), Range("rows", 5), id="each of several"),
            pytest.param(Range("rows", 9), AnyOf((Flag("agent", value=True), Range("rows", 5))), id="one of several"),
            pytest.param(Range("rows", 9), Not(Range("rows", None, 5)), id="the contrary of what it excludes"),
            pytest.param(Names("tables", ("a",), only=True), Names("tables", ("a", "b")), id="all are some"),
        ],
    )
    def test_implies(self, one, other):
        assert implies(one, other)
        assert not implies(other, one)

    @pytest.mark.parametrize(
        "condition",
        [
            pytest.param(
                All(
                    (
                        Flag("agent", value=True),
                        Range("rows", 5),
                        Not(All((Flag("agent", value=True), Range("rows", 1)))),
                    )
                ),
                id="not what it wants together",
            ),
            pytest.param(
                All(
                    (
                        AnyOf((Range("rows", 9), Word("trust", ("public",)))),
                        AnyOf((Range("rows", None, 5), NoDestination())),
                        Word("trust", ("external", "public")),
                        Not(Word("trust", ("public",))),
                    )
                ),
                id="whichever of two lists holds",
            ),
            pytest.param(
                All((Names("tables", ("a",), only=True), Names("tables", ("b", "c*")))), id="some that are none of all"
            ),
        ],
    )
    def test_never(self, condition):
        assert is_never(condition)

    def test_conditions_in_conditions_are_compared_without_end_to_the_depth(self):
        """Each level asks the one below it several times: nobody would wait for it, were no answer kept."""

        def deep(levels: int, rows: int) -> All | Range:
            if levels == 0:
                return Range("rows", rows)
            return All((AnyOf((deep(levels - 1, rows), Not(deep(levels - 1, rows + 1)))), Names("tables", ("a",))))

        assert implies(deep(10, 7), deep(10, 7))
        assert not implies(deep(10, 7), deep(10, 90))
