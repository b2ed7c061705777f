from __future__ import annotations

import hashlib
import json
import os
import signal
import threading
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from sqlalchemy import create_engine, text

from maskgate.errors import Refused, UsageError
from maskgate.gate.action_handler import ActionOrder, IndeterminateError
from maskgate.gate.parameters import Parameter
from maskgate.release.handlers import CommandHandler, HttpHandler, SqlHandler

DAYS = (Parameter("days", "integer"),)
NAME = (Parameter("name"),)


def order(resource="crm", grant="gr_1", **arguments):
    return ActionOrder(grant, "req_1", resource, arguments)


def sha256(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class TestCommand:
    """Fixed words, no shell, declared parameters; what it prints is known by its hash."""

    def test_it_runs_with_words_in_their_places(self, tmp_path):
        script = 'printf "%s|" "$@"'
        handler = CommandHandler("purge", ("sh", "-c", script, "sh", "--days={days}", "{resource}"), DAYS)
        outcome = handler.run(order("a b; rm *", days=30))
        assert (outcome.succeeded, outcome.exit_code) == (True, 0)
        assert outcome.output_digest == sha256(b"--days=30|a b; rm *|")

    def test_it_sees_no_environment_but_what_is_named(self, monkeypatch):
        monkeypatch.setenv("SEEN", "1")
        monkeypatch.setenv("UNSEEN", "1")
        handler = CommandHandler("look", ("sh", "-c", 'test "$SEEN$UNSEEN" = 1'), environment=("SEEN",))
        assert handler.run(order()).succeeded

    def test_an_exit_code_is_no_success(self):
        assert CommandHandler("look", ("sh", "-c", "exit 3")).run(order()).exit_code == 3

    def test_without_a_program_nothing_is_done(self):
        with pytest.raises(Refused, match="could not be started"):
            CommandHandler("look", ("/no/such/program",)).run(order())

    def test_when_it_takes_too_long_nobody_knows(self):
        with pytest.raises(IndeterminateError, match="ended halfway"):
            CommandHandler("look", ("sh", "-c", "sleep 60 & wait"), seconds=1).run(order())

    def test_after_a_crash_nobody_knows(self):
        with pytest.raises(IndeterminateError):
            CommandHandler("look", ("true",)).probe("gr_1")

    def test_a_dry_run_shows_lines_without_personal_data(self):
        handler = CommandHandler("purge", ("false",), NAME, ("printf", "delete {name}\nof a@example.com\n"))
        assert handler.dry_run("crm", {"name": "x"}) == ("delete x", "of <email>")

    def test_without_a_dry_run_there_is_none(self):
        assert CommandHandler("purge", ("false",)).dry_run("crm", {}) is None

    def test_a_dry_run_that_fails_is_a_refusal(self):
        with pytest.raises(Refused, match="exit code 1"):
            CommandHandler("purge", ("true",), (), ("false",)).dry_run("crm", {})

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            pytest.param({}, "needs `days`", id="one is missing"),
            pytest.param({"days": "30"}, "a whole number", id="another type"),
            pytest.param({"days": True}, "a whole number", id="true is no number"),
            pytest.param({"days": 1, "more": 1}, "does not take `more`", id="one too many"),
        ],
    )
    def test_arguments_that_it_does_not_take(self, arguments, words):
        with pytest.raises(UsageError, match=words):
            CommandHandler("purge", ("true",), DAYS).check("crm", arguments)

    @pytest.mark.parametrize(("resource", "name"), [("--all", "x"), ("crm", "-rf")], ids=["resource", "argument"])
    def test_nothing_becomes_an_option(self, resource, name):
        with pytest.raises(UsageError, match="begins with a dash"):
            CommandHandler("purge", ("true",), NAME).check(resource, {"name": name})

    def test_a_negative_number_is_no_word_of_its_own(self):
        CommandHandler("purge", ("true", "--days={days}"), DAYS).check("crm", {"days": -1})
        for argv in ({"argv": ("true", "{days}")}, {"argv": ("true",), "dry_run_argv": ("true", "{days}")}):
            with pytest.raises(UsageError, match="begins with a dash"):
                CommandHandler("purge", parameters=DAYS, **argv).check("crm", {"days": -1})

    def test_however_much_it_prints_no_more_is_kept_than_is_shown(self):
        much = ("head", "-c", "100000000", "/dev/zero")
        tracemalloc.start()
        outcome = CommandHandler("look", much).run(order())
        shown = CommandHandler("look", ("true",), dry_run_argv=much).dry_run("crm", {})
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert outcome.output_bytes == 100_000_000
        assert len("".join(shown)) <= 1 << 16
        assert peak < 10_000_000

    def test_a_child_that_got_away_is_not_waited_for(self, tmp_path):
        script = f"setsid sh -c 'echo $$ > {tmp_path}/child; sleep 60' & sleep 60"
        with pytest.raises(IndeterminateError):
            CommandHandler("look", ("sh", "-c", script), seconds=1).run(order())
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)  # it is still there


class Recorder:
    """A server that remembers what it was sent."""

    def __init__(self) -> None:
        self.seen: list[tuple] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.seen.append((self.path, dict(self.headers), body))
                if outer.status == 0:
                    self.connection.close()
                    return
                self.send_response(outer.status)
                self.send_header("Location", "/elsewhere")
                self.end_headers()
                self.wfile.write(b"done")

            def log_message(self, *_):
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/purge"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def recorder():
    found = Recorder()
    yield found
    found.server.shutdown()
    found.server.server_close()


class TestHttp:
    """One fixed address, no redirects, the grant as the idempotency key."""

    def handler(self, recorder, **more):
        more = {"private": True, "headers": {"Authorization": "Bearer s"}} | more
        return HttpHandler("purge", "POST", recorder.url, NAME, **more)

    def test_it_calls_with_the_grant_as_key(self, recorder):
        outcome = self.handler(recorder).run(order(name="x"))
        assert (outcome.succeeded, outcome.exit_code, outcome.output_digest) == (True, 200, sha256(b"done"))
        ((path, headers, body),) = recorder.seen
        assert (path, headers["Idempotency-Key"], headers["Authorization"]) == ("/purge", "gr_1", "Bearer s")
        assert body == {"resource": "crm", "arguments": {"name": "x"}, "request": "req_1"}

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_another_status_is_no_success_and_is_not_followed(self, recorder, status):
        recorder.status = status
        outcome = self.handler(recorder).run(order(name="x"))
        assert (outcome.succeeded, outcome.exit_code, len(recorder.seen)) == (False, status, 1)

    def test_an_address_into_a_private_network_is_refused(self, recorder):
        with pytest.raises(Refused, match="private network"):
            self.handler(recorder, private=False).run(order(name="x"))
        assert recorder.seen == []

    def test_who_cannot_be_reached_did_nothing(self):
        with pytest.raises(Refused, match="cannot be reached"):
            HttpHandler("purge", "POST", "http://127.0.0.1:9/", private=True).run(order())

    def test_who_does_not_answer_may_have_done_it(self, recorder):
        recorder.status = 0
        with pytest.raises(IndeterminateError, match="did not answer"):
            self.handler(recorder).run(order(name="x"))

    def test_secrets_are_not_shown(self, recorder):
        handler = self.handler(recorder)
        assert "Bearer s" not in repr(handler) + json.dumps(handler.as_json())


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def database(request, tmp_path):
    if request.param == "SQLite":
        return f"sqlite:///{tmp_path / 'crm.db'}"
    return request.getfixturevalue("postgres_url").replace("postgresql://", "postgresql+psycopg://", 1)


@pytest.fixture
def people(database):
    """A table of three people, and a way of looking at it."""
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS people"))
        connection.execute(text("DROP TABLE IF EXISTS maskgate_actions"))
        connection.execute(text("CREATE TABLE people (id INTEGER, tenant VARCHAR(20))"))
        connection.execute(text("INSERT INTO people VALUES (1, 'crm'), (2, 'crm'), (3, 'shop')"))

    def look():
        with engine.connect() as connection:
            return [row.id for row in connection.execute(text("SELECT id FROM people ORDER BY id"))]

    yield look
    engine.dispose()


class TestSql:
    """The statement and a row with the grant are one transaction, so it can always be told whether it took place."""

    def handler(self, database, **more):
        statement = "DELETE FROM people WHERE tenant = :resource AND id <= :days"
        return SqlHandler("purge", database, statement, DAYS, **more)

    def test_it_changes_rows_once(self, database, people):
        handler = self.handler(database)
        assert handler.run(order(days=2)).exit_code == 2
        assert people() == [3]
        assert handler.probe("gr_1").exit_code == 2

    def test_a_dry_run_counts_and_changes_nothing(self, database, people):
        assert self.handler(database).dry_run("crm", {"days": 1}) == ("It would change 1 rows.",)
        assert people() == [1, 2, 3]

    def test_more_rows_than_it_may_change_are_a_refusal(self, database, people):
        with pytest.raises(Refused, match="would change 2 rows, and may change 1"):
            self.handler(database, at_most_rows=1).run(order(days=2))
        assert people() == [1, 2, 3]
        assert self.handler(database).probe("gr_1") is None

    def test_a_grant_does_it_once(self, database, people):
        handler = self.handler(database)
        handler.run(order(days=1))
        handler.run(order(days=2))
        assert people() == [2, 3]

    def test_a_value_is_never_a_part_of_the_statement(self, database, people):
        self.handler(database).run(order("crm' OR '1'='1", days=9))
        assert people() == [1, 2, 3]

    def test_what_the_database_refuses_was_not_done(self, database, people):
        broken = SqlHandler("purge", database, "DELETE FROM nowhere")
        with pytest.raises(Refused, match="refused the statement"):
            broken.run(order())

    def test_a_database_that_does_not_answer_leaves_it_open(self):
        with pytest.raises(IndeterminateError):
            SqlHandler("purge", "postgresql+psycopg://x:very-secret@127.0.0.1:9/x", "DELETE FROM x").probe("gr_1")

    def test_the_password_is_not_shown(self):
        handler = SqlHandler("purge", "postgresql+psycopg://x:very-secret@127.0.0.1:9/x", "DELETE FROM x")
        assert "very-secret" not in repr(handler) + json.dumps(handler.as_json())


def test_no_environment_is_left_changed():
    """Handlers read the gate's environment and never write to it."""
    assert "MASKGATE_GRANT" not in os.environ
