"""Which policy an action falls under: by measured facts, and by the strict side of what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from maskgate.errors import UsageError
from maskgate.gate.action_facts import ActionFacts, ColumnFact, Counted, Total
from maskgate.gate.conditions import fits
from maskgate.gate.policy_choice import choose
from maskgate.gate.policy_reader import read_policy

HEAD = """version: 1
people:
  anna: ["okta|anna"]
  bert: ["okta|bert"]
  cleo: ["okta|cleo"]
reviewers:
  privacy: {people: [anna, bert, cleo]}
policies:
"""
ASK = "require: {slots: {privacy: 1}}"
WEEK = timedelta(days=7)
SUM = Total("rows", WEEK, ("requester", "dataset"))
KNOWN = ActionFacts(
    action="export",
    destination="partner-eu",
    trust="external",
    level="release",
    tables=("customers", "orders"),
    columns=(ColumnFact("customers", "email", ("email",)), ColumnFact("orders", "amount")),
    rows=1000,
    bytes=5000,
    shape_violations=0,
    residual_findings=3,
    k={("birth_date", "postcode"): 4},
    new_columns=0,
    rules_loosened=False,
    person="anna",
    token="pipeline",
    workflow="airflow:prod|nightly_export",
    agent=False,
    moment=datetime(2026, 11, 27, 16, 30, tzinfo=UTC),  # a Friday
    totals={SUM: Counted(1500)},
)


def policy_of(*policies):
    lines = "".join(
        f"  - {{name: p{number}, when: {{action: export, {when}}}, {does}}}\n"
        for number, (when, does) in enumerate(policies, 1)
    )
    return read_policy(f"{HEAD}{lines}otherwise: refuse\n", "p.yaml")


def matches(when, facts=KNOWN):
    return policy_of((when, ASK)).rules[0].matches(facts)


class TestMatchers:
    """Each key must hold; a list means one of these."""

    @pytest.mark.parametrize(
        ("when", "expected"),
        [
            pytest.param("destination: {id: partner-eu}", True, id="an id"),
            pytest.param('destination: {id: ["site", "partner-*"]}', True, id="an id by pattern"),
            pytest.param("destination: {id: PARTNER-EU}", False, id="upper and lower case differ"),
            pytest.param("destination: {trust: [public, internal]}", False, id="another trust"),
            pytest.param("destination: none", False, id="it goes somewhere"),
            pytest.param("tables: customers", True, id="some table"),
            pytest.param("tables: {only: customers}", False, id="not only this table"),
            pytest.param('tables: {only: ["cust*", orders]}', True, id="only these tables"),
            pytest.param("dataset: orders", True, id="a dataset is a table"),
            pytest.param("columns: email", True, id="some column"),
            pytest.param("columns: {class: email}", True, id="a class"),
            pytest.param("columns: {class: email, table: orders}", False, id="the class is in another table"),
            pytest.param("columns: {name: [email, amount], only: true}", True, id="only these columns"),
            pytest.param("columns: {class: email, only: true}", False, id="not all columns have the class"),
            pytest.param("rows: {at_least: 1000}", True, id="just enough"),
            pytest.param("rows: {at_least: 1001}", False, id="one too few"),
            pytest.param("rows: {at_most: 1000}", True, id="just few enough"),
            pytest.param("rows: {at_least: 10, at_most: 999}", False, id="one too many"),
            pytest.param("bytes: {at_most: 4999}", False, id="too many bytes"),
            pytest.param("shape_violations: {at_least: 1}", False, id="no cell of another shape"),
            pytest.param("residual_findings: {at_least: 3}", True, id="findings"),
            pytest.param("k: {at_most: 4, over: [postcode, birth_date]}", True, id="k, in whatever order"),
            pytest.param("k: {at_most: 4, over: [postcode]}", None, id="k that was not measured"),
            pytest.param("new_columns: {at_least: 1}", False, id="nothing new"),
            pytest.param("rules_loosened: false", True, id="rules as they were"),
            pytest.param("rules_loosened: true", False, id="not loosened"),
            pytest.param("requester: anna", True, id="who asks"),
            pytest.param("requester: {person: [bert, cleo]}", False, id="somebody else"),
            pytest.param('requester: {workflow: "airflow:prod|nightly_*"}', True, id="a workflow"),
            pytest.param("requester: {token: other}", False, id="another token"),
            pytest.param("agent: true", False, id="no agent"),
            pytest.param("level: [release, mask]", True, id="a level"),
            pytest.param("resource: x", False, id="no resource"),
            pytest.param("any: [{rows: {at_most: 5}}, {requester: anna}]", True, id="one of several"),
            pytest.param("any: [{rows: {at_most: 5}}, {requester: bert}]", False, id="none of several"),
            pytest.param("not: {rows: {at_most: 5}}", True, id="not"),
            pytest.param("not: {rows: {at_most: 5000}, requester: anna}", False, id="not both"),
            pytest.param("not: {any: [{rows: {at_most: 5}}, {requester: bert}]}", True, id="neither"),
            pytest.param("sum: {rows: {at_least: 1500}, over: 7d, per: [dataset, requester]}", True, id="a sum"),
            pytest.param("sum: {rows: {at_least: 1501}, over: 7d, per: [dataset, requester]}", False, id="a small sum"),
            pytest.param("sum: {rows: {at_least: 1}, over: 8d, per: [dataset, requester]}", None, id="an unknown sum"),
        ],
    )
    def test_holds(self, when, expected):
        assert matches(when) is expected

    @pytest.mark.parametrize(
        ("time", "expected"),
        [
            pytest.param('between: ["09:00", "17:00"], zone: UTC', True, id="in working hours"),
            pytest.param('between: ["09:00", "17:00"], zone: Europe/Berlin', False, id="half past five in Berlin"),
            pytest.param('between: ["16:30", "24:00"], zone: UTC', True, id="its first minute is in it"),
            pytest.param('between: ["09:00", "16:30"], zone: UTC', False, id="its last is not"),
            pytest.param("weekdays: [fri], zone: UTC", True, id="on the day"),
            pytest.param("weekdays: [mon, tue], zone: UTC", False, id="on other days"),
            pytest.param("weekdays: [sat], zone: Pacific/Auckland", True, id="it is Saturday there"),
            pytest.param(
                'between: ["16:00", "02:00"], weekdays: [fri], zone: UTC', True, id="over midnight, before it"
            ),
            pytest.param('between: ["22:00", "17:00"], weekdays: [thu], zone: UTC', True, id="over midnight, after it"),
            pytest.param('between: ["22:00", "17:00"], weekdays: [fri], zone: UTC', False, id="it begins tonight"),
        ],
    )
    def test_time(self, time, expected):
        assert matches(f"time: {{{time}}}") is expected

    @pytest.mark.parametrize(
        ("moment", "expected"),
        [
            pytest.param(datetime(2026, 3, 29, 0, 30, tzinfo=UTC), False, id="01:30 in winter"),
            pytest.param(datetime(2026, 3, 29, 1, 30, tzinfo=UTC), True, id="an hour later it is 03:30"),
            pytest.param(datetime(2026, 10, 25, 2, 30, tzinfo=UTC), True, id="03:30 in winter again"),
        ],
    )
    def test_the_clock_on_the_wall_counts_when_it_is_changed(self, moment, expected):
        facts = replace(KNOWN, moment=moment)
        assert matches('time: {between: ["03:00", "04:00"], zone: Europe/Berlin}', facts) is expected


class TestNotKnown:
    """What is not known errs to the strict side."""

    UNKNOWN = ActionFacts(action="export", destination="partner-eu", trust="external", moment=KNOWN.moment)

    @pytest.mark.parametrize(
        "when",
        [
            pytest.param("rows: {at_most: 5}", id="rows"),
            pytest.param("not: {rows: {at_most: 5}}", id="not so many rows"),
            pytest.param("tables: {only: customers}", id="tables"),
            pytest.param("columns: {class: email}", id="columns"),
            pytest.param("requester: anna", id="who asks"),
            pytest.param("agent: false", id="whether it is an agent"),
            pytest.param("rules_loosened: false", id="how the rules were"),
            pytest.param("any: [{rows: {at_most: 5}}, {destination: {trust: public}}]", id="one of several"),
        ],
    )
    def test_a_policy_that_allows_does_not_match_and_one_that_asks_does(self, when):
        (asking,) = policy_of((when, ASK)).rules
        assert asking.matches(self.UNKNOWN) is None
        assert choose((asking,), self.UNKNOWN).rule is asking
        assert choose((replace(asking, allow=True),), self.UNKNOWN).rule is None

    def test_one_part_that_fails_settles_it(self):
        assert matches("rows: {at_most: 5}, destination: {trust: public}", self.UNKNOWN) is False

    def test_one_part_that_holds_settles_any(self):
        assert matches("any: [{rows: {at_most: 5}}, {destination: {trust: external}}]", self.UNKNOWN) is True

    def test_the_strictest_of_those_that_may_match_counts(self):
        policy = policy_of(
            ("rows: {at_most: 5}", ASK),
            ("rows: {at_least: 500}", "require: {slots: {privacy: 3}}"),
            ("not: {rows: {at_least: 1000000}}", "require: {slots: {privacy: 2}}"),
        )
        assert policy.rule_for(self.UNKNOWN).name == "p2"
        assert policy.rule_for(replace(self.UNKNOWN, rows=3)).name == "p1"
        assert policy.rule_for(replace(self.UNKNOWN, rows=50)).name == "p3"

    def test_asking_beats_a_later_one_that_allows(self):
        policy = policy_of(
            ("rows: {at_least: 500}", ASK), ("destination: {trust: external}, not: {level: mask}", "allow: true")
        )
        facts = replace(self.UNKNOWN, level="release")
        assert policy.rule_for(facts).name == "p1"
        assert policy.rule_for(replace(facts, rows=3)).name == "p2"

    def test_a_written_refusal_beats_asking(self):
        policy = policy_of(("rows: {at_least: 500}", ASK), ("columns: {class: card}", "refuse: true"))
        assert policy.rule_for(self.UNKNOWN).refuse

    @pytest.mark.parametrize(
        ("known", "bounds", "expected"),
        [
            pytest.param(900, "at_least: 500", True, id="a part is enough to reach it"),
            pytest.param(100, "at_least: 500", None, id="a part does not say that it stays below"),
            pytest.param(900, "at_most: 500", False, id="a part is too much already"),
            pytest.param(100, "at_most: 500", None, id="a part does not say that it stays within"),
        ],
    )
    def test_a_sum_of_which_a_part_is_known(self, known, bounds, expected):
        facts = replace(KNOWN, totals={SUM: Counted(known, is_complete=False)})
        assert matches(f"sum: {{rows: {{{bounds}}}, over: 7d, per: [requester, dataset]}}", facts) is expected


class TestWhy:
    """A choice says why, and why not the ones above."""

    POLICY = policy_of(
        ("rows: {at_most: 5}, requester: anna", ASK),
        ("any: [{rows: {at_least: 100}}, {new_columns: {at_least: 1}}]", "require: {slots: {privacy: 2}}"),
        ("destination: {trust: internal}", "allow: true"),
    )

    def test_the_parts_that_decide(self):
        choice = self.POLICY.choose(KNOWN)
        assert choice.rule.name == "p2"
        assert choice.because == (
            "action export: holds, found export",
            "rows at least 100: holds, found 1,000",
        )
        assert [each.as_json() for each in choice.considered[:1]] == [
            {"name": "p1", "matches": "no", "because": ["rows at most 5: does not hold, found 1,000"]}
        ]

    def test_nothing_below_the_one_that_matches_is_looked_at(self):
        assert [each.name for each in self.POLICY.choose(KNOWN).considered] == ["p1", "p2"]

    def test_no_policy(self):
        choice = self.POLICY.choose(replace(KNOWN, action="publish"))
        assert (choice.rule, choice.because, len(choice.considered)) == (None, (), 3)

    def test_what_may_still_match_before_anything_is_measured(self):
        facts = ActionFacts(action="export", destination="partner-eu", trust="external", person="bert")
        assert [rule.name for rule in self.POLICY.possible_rules(facts)] == ["p2"]


class TestFacts:
    """Facts go through JSON unchanged, and nothing else does."""

    def test_there_and_back(self):
        assert ActionFacts.from_json(KNOWN.as_json()) == KNOWN

    def test_how_many_columns_says_nothing_of_which(self):
        """As a request shows them, so that somebody can try another policy on what is known of it."""
        assert ActionFacts.from_json({"action": "export", "columns": 3}) == ActionFacts(action="export")

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            pytest.param({}, 'at least "action"', id="nothing"),
            pytest.param([], "a JSON object", id="a list"),
            pytest.param({"action": "export", "rowz": 5}, "no field 'rowz'", id="an unknown field"),
            pytest.param({"action": "export", "rows": "5"}, '"rows" must be a whole number', id="text for a number"),
            pytest.param({"action": "export", "rows": True}, '"rows" must be a whole number', id="true for a number"),
            pytest.param({"action": "export", "agent": 1}, '"agent" must be true or false', id="a number for true"),
            pytest.param({"action": "export", "k": [5]}, "not as the gate writes them", id="k without columns"),
            pytest.param({"action": "export", "moment": "noon"}, "not as the gate writes them", id="no moment"),
            pytest.param({"action": "export", "tables": "orders"}, '"tables" must be a list', id="a name for a list"),
            pytest.param({"action": "export", "columns": True}, '"columns" must be a list', id="true for columns"),
            pytest.param({"action": "export", "trust": "public"}, 'Add "destination"', id="trust of no destination"),
            pytest.param({"action": "export", "destination": "a"}, 'Add "trust"', id="a destination of no trust"),
            pytest.param(
                {"action": "export", "destination": "a", "trust": "extern"}, '"trust" is one of', id="no trust"
            ),
            pytest.param({"action": "export", "level": "releases"}, '"level" is one of', id="no level"),
            pytest.param({"action": "export", "rows": -1}, '"rows" must not be negative', id="fewer rows than none"),
        ],
    )
    def test_refused(self, value, words):
        with pytest.raises(UsageError, match=words):
            ActionFacts.from_json(value)


class TestPattern:
    """Only a star and a question mark stand for something else; brackets are those of a path."""

    @pytest.mark.parametrize(
        ("word", "pattern", "expected"),
        [
            ("contacts[].email", "contacts[].email", True),
            ("contacts[].phones[].number", "contacts[].phones[].number", True),
            ("contacts[].phones[].number", "contacts[]*number", True),
            ("prod/a", "prod/[ab]", False),
            ("prod/[ab]", "prod/[ab]", True),
            ("prod/a", "prod/?", True),
            ("prod/A", "prod/a", False),
        ],
    )
    def test_fits(self, word, pattern, expected):
        assert fits(word, (pattern,)) is expected
