from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from sqlalchemy import insert, text

from maskgate.errors import MaskgateError
from maskgate.gate import parts
from maskgate.gate.delegation import DelegationInput
from maskgate.gate.kept_rows import check_kept_rows
from maskgate.gate.model import Identity
from maskgate.store import tables
from maskgate.testing.gate_world import POLICY, GateWorld

STANDING = "standing: {days: 30, uses: 3}\n    break_glass: {role: legal}"


class Undone(Exception):  # noqa: N818  it is no error
    """Ends a transaction, so that nothing of it is kept."""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A gate in which something of each kind has happened."""
    policy = POLICY.replace("expires: 24h\n", f"expires: 24h\n    {STANDING}\n", 1)
    made = GateWorld(tmp_path_factory.mktemp("kept"), policy=policy)
    now = made.clock.now()
    away = Identity(("okta|cleo",), "web", (), now)
    made.gate.delegate(away, DelegationInput("bert", now, now + timedelta(days=3), "on leave"))
    made.release(made.decide(made.ask()))
    made.decide(made.ask(), "bert", "deny")
    made.ask()
    return made


def must_be_undone():
    raise Undone


@contextmanager
def changed(world, statement):
    """A transaction in which rows were changed behind the gate's back; nothing of it is kept."""
    with suppress(Undone), world.store.write() as work:
        for trigger in work.execute(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars():
            work.execute(text(f"DROP TRIGGER {trigger}"))
        done = work.execute(text(statement) if isinstance(statement, str) else statement)
        assert done.rowcount
        yield work
        must_be_undone()


def problems(world, statement):
    """Say what is wrong with the rows after a change."""
    with changed(world, statement) as work:
        return " ".join(check_kept_rows(work))


ROWS = [
    ("UPDATE policies SET text = replace(text, 'min_length: 10', 'min_length: 1')", "the text of the policy"),
    ("UPDATE policies SET active = false", "the policy in force is not the one"),
    ("DELETE FROM policies", "which was in force, is gone"),
    ("UPDATE rules SET content = json_set(content, '$.unlisted', 'keep')", "the content of the rules"),
    ("DELETE FROM rules", "was registered, but is gone"),
    ("UPDATE destinations SET content = json_set(content, '$.uri', '/elsewhere')", "kept otherwise than it was"),
    ("DELETE FROM destinations", "was registered, but is gone"),
    ("UPDATE tokens SET role = 'operator' WHERE name = 'pipeline'", "pipeline (operator) stands in the table"),
    ("DELETE FROM tokens", "was made, but is gone"),
    ("UPDATE decisions SET reason = 'something else'", "is kept otherwise than it was taken"),
    ("UPDATE decisions SET account = 'okta|cleo'", "is kept otherwise than it was taken"),
    ("UPDATE decisions SET acting_for = 'cleo'", "is kept otherwise than it was taken"),
    ("UPDATE decisions SET break_glass = true", "is kept otherwise than it was taken"),
    ("UPDATE decisions SET slots = '[\"legal\"]'", "is kept otherwise than it was taken"),
    ("UPDATE grants SET state = 'issued'", "is issued in the table, but used by the ledger"),
    ("UPDATE grants SET not_after = '2099-01-01T00:00:00.000Z'", "with another end"),
    ("UPDATE grants SET fence = 0", "an earlier fence"),
    ("UPDATE requests SET why = 'something else' WHERE state = 'pending'", "why in the table are not those"),
    ("UPDATE requests SET involved = '[]'", "somebody who was involved is so no more"),
    ("UPDATE requests SET requester_person = NULL", "requester in the table are not those"),
    (
        "UPDATE requests SET rule = json_set(rule, '$.requirement.slots.privacy', 0)",
        "requirement in the table are not those",
    ),
    ("UPDATE requests SET rule = json_set(rule, '$.reason_min_length', 0)", "what its policy asks is not what stands"),
    ("UPDATE requests SET destination = json_set(destination, '$.uri', '/x')", "destination in the table are not"),
    ("UPDATE requests SET expires_at = '2099-01-01T00:00:00.000Z'", "expires_at in the table are not those"),
    (
        "UPDATE requests SET intent = json_set(intent, '$.why', 'x') WHERE state = 'pending'",
        "its intent is not the one",
    ),
    ("UPDATE requests SET sealed = '[1]' WHERE state = 'pending'", "requests in the tables cannot be read"),
    ("UPDATE volumes SET rows = 0", "what it counts for in rolling sums"),
    ("DELETE FROM volumes", "what it counts for in rolling sums"),
    ("UPDATE delegations SET delegate = 'dora'", "is kept otherwise than it was made"),
    ("UPDATE delegations SET ends_at = '2099-01-01T00:00:00.000Z'", "is kept otherwise than it was made"),
    ("DELETE FROM delegations", "was made, but is gone"),
]


class TestKeptRows:
    """What the gate decides by is held against its ledger, row by row."""

    def test_what_the_gate_wrote_agrees(self, world):
        with world.store.read() as work:
            assert list(check_kept_rows(work)) == []

    @pytest.mark.parametrize(("statement", "words"), ROWS, ids=[statement for statement, _ in ROWS])
    def test_what_somebody_else_wrote_is_told(self, world, statement, words):
        assert words in problems(world, statement)

    def test_a_session_without_a_login_is_told(self, world):
        now = world.clock.now()
        row = {"hash": "0" * 64, "account": "okta|bert", "name": "Bert", "groups": [], "groups_missing": ""}
        planted = insert(tables.sessions).values(
            **row, authenticated_at=now, used_at=now, proved_at=now, methods=[], context_class=None
        )
        assert "there is a session of okta|bert, but no such login" in problems(world, planted)

    @pytest.mark.parametrize(
        ("table", "row", "words"),
        [
            (
                "post_reviews",
                {"id": "pre_1", "person": "bert", "reason": "r", "ticket": "t", "skipped": []},
                "post-review pre_1 stands in the table, but was never opened",
            ),
            (
                "passkeys",
                {
                    "id": "p_1",
                    "credential": "c",
                    "person": "bert",
                    "account": "okta|bert",
                    "name": "n",
                    "sign_count": 0,
                },
                "passkey p_1 stands in the table, but was never registered",
            ),
        ],
    )
    def test_a_row_without_an_entry_is_told(self, world, table, row, words):
        now = world.clock.now()
        with world.store.read() as work:
            request = work.execute(text("SELECT id FROM requests LIMIT 1")).scalar_one()
        more = {"request": request, "opened_at": now} if table == "post_reviews" else {}
        more |= {"public_key": b"k", "registered_at": now} if table == "passkeys" else {}
        assert words in problems(world, insert(getattr(tables, table)).values(**row, **more))


class TestPolicyInForce:
    """A policy whose text was changed in the database is not used."""

    def test_it_is_refused(self, world, monkeypatch):
        monkeypatch.setattr(parts, "_PARSED", {})
        softer = "UPDATE policies SET text = replace(text, 'min_length: 10', 'min_length: 1')"
        refused = pytest.raises(MaskgateError, match="is not the one that was put into force")
        with changed(world, softer) as work, refused:
            parts.active_policy(work)
