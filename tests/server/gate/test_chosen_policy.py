"""The policy of a request is chosen when its bytes are measured: what left before, and what changed, count too."""

from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.errors import Refused
from maskgate.gate.staging import Staging
from maskgate.ledger import verify
from maskgate.rules import load_rules
from maskgate.testing.gate_world import POLICY, GateWorld
from maskgate.testing.host import airflow_run
from maskgate.testing.staged_tables import RULES_TEXT, masked_tables, put_staged, sample_rules, staged_bytes

HEAD = POLICY[: POLICY.index("policies:")] + "policies:\n"
DEFAULT = "  - {name: others, when: {action: export}, require: {slots: {privacy: 1}}}\notherwise: refuse\n"


def world_with(tmp_path, *policies, default=DEFAULT):
    return GateWorld(tmp_path, HEAD + "".join(f"  - {{{policy}}}\n" for policy in policies) + default)


def many(when, name="many"):
    return f"name: {name}, when: {{action: export, {when}}}, require: {{slots: {{privacy: 2}}}}"


_RUNS = iter(range(10_000))


def ask(world, rows=4, **more):
    return world.ask(run=airflow_run(f"run{next(_RUNS)}"), staging=world.stage(rows), **more)


class TestMeasured:
    """Until the bytes are measured nothing is sure; then the figures decide."""

    def test_by_rows(self, tmp_path):
        world = world_with(tmp_path, many("rows: {at_least: 20}"))
        small, large = ask(world, 4), ask(world, 10)
        assert (small["policy"]["name"], large["policy"]["name"]) == ("others", "many")
        assert large["policy"]["because"][1] == "rows at least 20: holds, found 20"
        assert (small["requirement"]["distinct"], large["requirement"]["distinct"]) == (1, 2)

    def test_by_classes_of_columns(self, tmp_path):
        world = world_with(tmp_path, many("columns: {class: email, table: orders}"))
        assert ask(world)["policy"]["name"] == "many"

    def test_allowed_by_what_was_measured(self, tmp_path):
        when = "{action: export, rows: {at_most: 8}, tables: {only: [customers, orders]}}"
        world = world_with(tmp_path, f"name: little, when: {when}, allow: true")
        assert ask(world, 4)["state"] == "approved"
        assert ask(world, 5)["state"] == "pending"

    def test_refused_by_what_was_measured(self, tmp_path):
        world = world_with(tmp_path, "name: too much, when: {action: export, rows: {at_least: 20}}, refuse: true")
        refused = ask(world, 10)
        assert refused["state"] == "refused"
        assert refused["message"].startswith('policy "too much" refuses this: action export: holds, found export; rows')
        assert refused["policy"]["name"] == "too much"
        assert world.entries("grant.issued") == []

    def test_no_policy_for_what_was_measured(self, tmp_path):
        world = world_with(tmp_path, many("rows: {at_least: 20}"), default="otherwise: refuse\n")
        refused = ask(world, 4)
        assert refused["state"] == "refused"
        assert "no policy permits export to partner (trust external)" in refused["message"]

    def test_nothing_is_sealed_that_no_policy_could_permit(self, tmp_path):
        world = world_with(
            tmp_path, many("rows: {at_least: 20}, destination: {id: site}"), default="otherwise: refuse\n"
        )
        with pytest.raises(Refused, match="no policy permits export to partner"):
            ask(world)
        assert world.entries("request.created") == []

    def test_who_is_left_cannot_sign_what_was_measured(self, tmp_path):
        world = world_with(
            tmp_path, "name: a lot, when: {action: export, rows: {at_least: 20}}, require: {slots: {legal: 2}}"
        )
        run = airflow_run("by cleo")
        world.host.add_run(run, triggered_by=("cleo",))
        refused = world.ask(run=run, staging=world.stage(10))
        assert refused["state"] == "refused"
        assert "too few beside those involved" in refused["message"]

    def test_the_evidence_of_the_chosen_policy_counts(self, tmp_path):
        wanting = many("rows: {at_least: 20}") + ", evidence: {k: {at_least: 3, over: [country]}}"
        world = world_with(tmp_path, wanting)
        assert ask(world, 4)["state"] == "pending"
        refused = ask(world, 10)
        assert refused["state"] == "refused"
        assert (
            'the smallest group that shares "country" has 2 rows; the policy wants k of at least 3'
            in refused["message"]
        )
        groups = refused["evidence"]["measured"]["tables"]["customers"]["groups"]
        assert groups == [{"asked": ["country"], "present": ["country"], "smallest": 2, "counted": "rows"}]

    def test_an_unknown_requester_stays_one_who_needs_two(self, tmp_path):
        world = world_with(tmp_path, many("rows: {at_least: 20}"))
        run = airflow_run("scheduled")
        world.host.add_run(run)
        assert world.ask(run=run)["requirement"]["distinct"] == 2


class TestSums:
    """Splitting does not get under a threshold."""

    SUM = "sum: {rows: {at_least: 20}, over: 1d, per: [requester, dataset, destination]}"

    def test_the_parts_add_up(self, tmp_path):
        world = world_with(tmp_path, many(self.SUM))
        # Each table is a dataset of its own, of 8 rows each time.
        assert [ask(world, 8)["policy"]["name"] for _ in range(3)] == ["others", "others", "many"]

    @pytest.mark.parametrize(
        ("more", "per"),
        [
            pytest.param({"destination": "archive"}, "destination", id="another destination"),
            pytest.param({"triggered_by": ("cleo",)}, "requester", id="somebody else"),
        ],
    )
    def test_what_is_apart_does_not_add_up(self, tmp_path, more, per):
        world = world_with(tmp_path, many(f"sum: {{rows: {{at_least: 20}}, over: 1d, per: {per}}}"))
        assert ask(world, 5)["policy"]["name"] == "others"
        assert ask(world, 5, **more)["policy"]["name"] == "others"
        assert ask(world, 5)["policy"]["name"] == "many"

    def test_another_requester_adds_up_where_the_sum_is_of_the_dataset(self, tmp_path):
        world = world_with(tmp_path, many("sum: {rows: {at_least: 10}, over: 1d, per: dataset}"))
        assert ask(world, 5)["policy"]["name"] == "others"
        assert ask(world, 5, triggered_by=("cleo",), destination="archive")["policy"]["name"] == "many"

    def test_the_window_passes(self, tmp_path):
        world = world_with(tmp_path, many("sum: {requests: {at_least: 2}, over: 2h, per: dataset}"))
        assert ask(world)["policy"]["name"] == "others"
        world.clock.forward(hours=1)
        assert ask(world)["policy"]["name"] == "many"
        world.clock.forward(hours=2, seconds=1)
        assert ask(world)["policy"]["name"] == "others"

    @pytest.mark.parametrize("end", ["deny", "withdraw", "expire", "refuse"])
    def test_what_never_leaves_does_not_count(self, tmp_path, end):
        world = world_with(tmp_path, many("sum: {requests: {at_least: 2}, over: 7d, per: dataset}"))
        if end == "refuse":
            assert world.ask(staging=self.lying(world))["state"] == "refused"
        else:
            first = ask(world)
            if end == "deny":
                world.decide(first, "bert", "deny")
            elif end == "withdraw":
                world.gate.withdraw(world.pipeline, first["id"])
            else:
                world.clock.forward(hours=25)
                world.gate.sweep()
        assert ask(world)["policy"]["name"] == "others"

    def lying(self, world):
        opened = world.gate.open_staging(world.pipeline)
        tables = masked_tables()
        tables["orders"] = tables["orders"].set_column(0, "email", pa.array(["ann@example.com"] * 4))
        put_staged(Staging(world.registry.staging["shared"]), opened["id"], staged_bytes(tables, sample_rules()))
        return opened["id"]

    @pytest.mark.parametrize("quantity", ["rows", "bytes", "columns", "requests"])
    def test_of_each_quantity_this_request_is_a_part(self, tmp_path, quantity):
        world = world_with(tmp_path, many(f"sum: {{{quantity}: {{at_least: 1}}, over: 1h, per: requester}}"))
        assert ask(world)["policy"]["name"] == "many"

    def test_released_ones_count(self, tmp_path):
        world = world_with(tmp_path, many("sum: {requests: {at_least: 2}, over: 7d, per: dataset}"))
        run = airflow_run("released")
        first = world.ask(run=run)
        world.decide(first)
        assert world.release(first, airflow_run("released", task_id="release"))["state"] == "released"
        assert ask(world)["policy"]["name"] == "many"


class TestSumsInPostgreSQL:
    """The same sums, by the statements of a server."""

    @pytest.mark.parametrize("quantity", ["rows: {at_least: 20}", "bytes: {at_least: 1}", "requests: {at_least: 3}"])
    def test_the_parts_add_up(self, tmp_path, postgres_url, quantity):
        policy = f"  - {{{many(f'sum: {{{quantity}, over: 1d, per: [requester, dataset, destination]}}')}}}\n"
        world = GateWorld(tmp_path, HEAD + policy + DEFAULT, database=postgres_url)
        names = [ask(world, 8)["policy"]["name"] for _ in range(3)]
        assert names == (["many"] * 3 if "bytes" in quantity else ["others", "others", "many"])
        with world.store.read() as work:
            assert verify(work).problems == ()
        # The database is gone before what looks at every world afterwards.
        GateWorld.made.remove(world)
        world.store.close()


class TestSinceTheLastRelease:
    """New columns and looser rules, compared with what left before."""

    @pytest.fixture
    def world(self, tmp_path):
        return world_with(tmp_path, many("new_columns: {at_least: 1}", "new"), many("rules_loosened: true", "looser"))

    def released(self, world, **more):
        run = airflow_run(f"release{next(_RUNS)}")
        document = world.ask(run=run, **more)
        world.decide(document, "bert")
        world.decide(document, "anna")
        done = world.release(document, type(run)(run.kind, run.instance, run.run_id, run.dag_id, "release"))
        assert done["state"] == "released"
        return document

    def test_the_first_time_all_is_new(self, world):
        document = ask(world, triggered_by=("cleo",))
        assert document["policy"]["name"] == "new"
        assert document["policy"]["because"][1] == "new columns at least 1: holds, found 5"

    def test_the_same_again_is_not(self, world):
        self.released(world, triggered_by=("cleo",))
        assert ask(world, triggered_by=("cleo",))["policy"]["name"] == "others"

    def test_elsewhere_it_is_new_again(self, world):
        self.released(world, triggered_by=("cleo",))
        assert ask(world, triggered_by=("cleo",), destination="archive")["policy"]["name"] == "new"

    def test_one_that_was_denied_is_no_release(self, world):
        world.decide(ask(world, triggered_by=("cleo",)), "bert", "deny")
        assert ask(world, triggered_by=("cleo",))["policy"]["name"] == "new"

    def test_looser_rules_than_those_of_the_last_release(self, world, monkeypatch):
        strict = RULES_TEXT.replace("amount: keep", "amount: {method: round, to: 2}")
        monkeypatch.setattr("maskgate.testing.gate_world.RULES_TEXT", strict)
        world.start()
        self.released(world, triggered_by=("cleo",), staging=self.staged(world, strict))
        again = world.ask(run=airflow_run("again"), triggered_by=("cleo",), staging=self.staged(world, strict))
        assert again["policy"]["name"] == "others"
        document = world.ask(run=airflow_run("looser"), triggered_by=("cleo",), staging=self.staged(world, RULES_TEXT))
        assert document["policy"]["name"] == "looser"
        assert document["policy"]["because"][1] == "rules loosened is true: holds, found true"

    def staged(self, world, rules_text):
        opened = world.gate.open_staging(world.pipeline)
        tables = masked_tables()
        amounts = pa.array([0, 2, 4, 6], pa.int64())
        tables["orders"] = tables["orders"].set_column(1, "amount", amounts)
        files = staged_bytes(tables, load_rules(rules_text))
        put_staged(Staging(world.registry.staging["shared"]), opened["id"], files)
        return opened["id"]

    def test_more_new_columns_than_the_evidence_allows(self, tmp_path):
        world = GateWorld(
            tmp_path, POLICY.replace("evidence: {rows: {at_least: 1}}", "evidence: {new_columns: {at_most: 4}}")
        )
        refused = ask(world)
        assert refused["state"] == "refused"
        assert (
            "the last release of this data there did not have 5 of the columns; the policy allows 4"
            in refused["message"]
        )
