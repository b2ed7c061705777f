from __future__ import annotations

import asyncio
import collections
import enum
import functools
import itertools

import pytest

from maskgate import requires_approval
from maskgate.errors import Conflict, Refused, StillPending, UsageError

_NUMBERS = itertools.count()


class TestRequiresApproval:
    """A function runs only after a signature, with exactly the arguments that were signed, once."""

    def test_it_waits_runs_and_reports(self, environment):
        ran = []

        @requires_approval(action="rotate-key", resource="prod/one", why="it leaked")
        def rotate(bits, *more, name="main", **extra):
            ran.append((bits, more, name, extra))
            return "rotated"

        signer = environment.sign_when_asked("prod/one")
        assert rotate(256, 1, 2, dry=False) == "rotated"
        signer.join()
        assert ran == [(256, (1, 2), "main", {"dry": False})]
        (document,) = environment.read_all("prod/one")
        assert (document["state"], document["level"]) == ("released", "verify")
        assert document["call"]["arguments"] == {"bits": 256, "more": [1, 2], "name": "main", "extra": {"dry": False}}

    def test_what_policy_allows_runs_at_once(self, environment):
        @requires_approval(action="rotate-key", resource=lambda name: f"dev/{name}")
        def rotate(name):
            return name

        assert rotate("two") == "two"
        assert environment.read_all("dev/two")[0]["state"] == "released"

    def test_the_same_call_later_is_another_request(self, environment):
        @requires_approval(action="rotate-key", resource="dev/three")
        def rotate():
            return 1

        rotate()
        rotate()
        assert len(environment.read_all("dev/three")) == 2

    def test_it_does_not_wait_longer_than_it_was_told(self, environment):
        @requires_approval(action="rotate-key", resource="prod/four", wait=0)
        def rotate():
            raise AssertionError("nobody signed")

        with pytest.raises(StillPending, match=r"pending.* Its page: http"):
            rotate()
        (document,) = environment.pending("prod/four")
        environment.decide(document["id"])
        with pytest.raises(AssertionError, match="nobody signed"):
            rotate()
        assert [each["state"] for each in environment.read_all("prod/four")] == ["failed"]

    def test_a_denial_is_a_refusal(self, environment):
        @requires_approval(action="rotate-key", resource="prod/five")
        def rotate():
            raise AssertionError("it was denied")

        environment.sign_when_asked("prod/five", "deny")
        with pytest.raises(Refused, match=r"is denied: .* wrote: “"):
            rotate()

    def test_what_no_policy_permits_is_not_run(self, environment):
        @requires_approval(action="rotate-key", resource="forbidden/x")
        def rotate():
            raise AssertionError("it was refused")

        with pytest.raises(Refused, match="refuses this"):
            rotate()

    def test_arguments_that_change_while_people_read_are_not_used(self, environment):
        ran, rows = [], [1, 2]

        @requires_approval(action="rotate-key", resource="prod/six")
        def delete(rows):
            ran.append(list(rows))

        environment.sign_when_asked("prod/six", before=lambda: rows.append(3))
        with pytest.raises(Conflict, match="changed since"):
            delete(rows)
        assert ran == []
        assert environment.read_all("prod/six")[0]["state"] == "approved"

    @pytest.mark.parametrize("given", [object(), {1, 2}, {1: 2}, b"x"], ids=["object", "set", "name", "bytes"])
    def test_what_json_cannot_say_is_refused(self, environment, given):
        @requires_approval(action="rotate-key", resource="prod/seven")
        def rotate(value):
            raise AssertionError("nothing was asked")

        with pytest.raises(UsageError, match=r"arguments\.value"):
            rotate(given)
        assert environment.read_all("prod/seven") == []

    def test_a_function_may_say_what_is_signed(self, environment):
        class Key:
            def __init__(self, name):
                self.name = name

            @requires_approval(
                action="rotate-key", resource="dev/eight", arguments=lambda self, bits: {"key": self.name, "bits": bits}
            )
            def rotate(self, bits):
                return self.name, bits

        assert Key("main").rotate(bits=8) == ("main", 8)
        assert environment.read_all("dev/eight")[0]["call"]["arguments"] == {"key": "main", "bits": 8}

    def test_a_function_that_raises_has_used_its_grant(self, environment):
        @requires_approval(action="rotate-key", resource="dev/nine")
        def rotate():
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            rotate()
        assert environment.read_all("dev/nine")[0]["state"] == "failed"

    def test_a_coroutine_waits_without_blocking_others(self, environment):
        @requires_approval(action="rotate-key", resource="prod/ten")
        async def rotate(bits):
            await asyncio.sleep(0)
            return bits

        async def both():
            beats = 0
            task = asyncio.ensure_future(rotate(4))
            while not task.done():
                beats += 1
                await asyncio.sleep(0.01)
            return await task, beats

        environment.sign_when_asked("prod/ten")
        result, beats = asyncio.run(both())
        assert result == 4
        assert beats > 2
        assert environment.read_all("prod/ten")[0]["state"] == "released"

    def test_a_generator_cannot_be_held(self):
        with pytest.raises(UsageError, match="generator"):

            @requires_approval(action="rotate-key", resource="dev/x")
            def rotate():
                yield 1

    def test_a_gate_with_another_key_is_not_believed(self, environment, monkeypatch):
        @requires_approval(action="rotate-key", resource="dev/eleven")
        def rotate():
            raise AssertionError("the key is another")

        monkeypatch.setenv("MASKGATE_FINGERPRINT", "sha256:" + "0" * 64)
        with pytest.raises(Refused, match="not the pinned one"):
            rotate()
        assert environment.read_all("dev/eleven")[0]["state"] == "failed", "and does not wait for what never comes"

    def test_it_keeps_name_and_text_of_the_function(self):
        @requires_approval(action="rotate-key", resource="dev/x")
        def rotate():
            """Rotate."""

        assert (rotate.__name__, rotate.__doc__) == ("rotate", "Rotate.")


class Vault:
    """Something with methods that need a signature."""

    def __init__(self, region):
        self.region = region

    @requires_approval(action="rotate-key", resource="dev/method")
    def rotate(self, bits):
        return self.region, bits

    @classmethod
    @requires_approval(action="rotate-key", resource="dev/class")
    def make(cls, bits):
        return cls(bits)

    @requires_approval(action="rotate-key", resource="prod/method", wait=0)
    def rotate_in_production(self):
        return self.region


class TestMethods:
    """Of a method, the object is signed as well: its class and all that it holds."""

    def test_a_method_runs_with_the_object_that_was_signed(self, environment):
        assert Vault("eu").rotate(256) == ("eu", 256)
        (document,) = environment.read_all("dev/method")
        object_of = {"class": f"{__name__}.Vault", "attributes": {"region": "eu"}}
        assert document["call"]["arguments"] == {"self": object_of, "bits": 256}

    def test_a_class_method_runs_with_its_class(self, environment):
        assert Vault.make(7).region == 7
        (document,) = environment.read_all("dev/class")
        assert document["call"]["arguments"] == {"cls": f"{__name__}.Vault", "bits": 7}

    def test_another_object_is_another_request(self, environment):
        for region in ("eu", "us"):
            with pytest.raises(StillPending):
                Vault(region).rotate_in_production()
        (american, _european) = environment.pending("prod/method")
        environment.decide(american["id"])
        with pytest.raises(StillPending):
            Vault("eu").rotate_in_production()
        assert Vault("us").rotate_in_production() == "us"

    def test_an_object_that_json_cannot_say_is_refused(self, environment):
        with pytest.raises(UsageError, match=r"self holds what JSON cannot say.*by `arguments=`"):
            Vault(object()).rotate(256)
        assert environment.pending("dev/method") == []


class TestWhatIsSigned:
    """All that a call depends on is signed: what was bound before, what an object holds, and what a value really is."""

    @pytest.fixture
    def signed(self, environment):
        """Return what is signed of the call that a function makes, which policy allows."""

        def arguments_of(function, *args):
            resource = f"dev/signed-{next(_NUMBERS)}"
            requires_approval(action="rotate-key", resource=resource)(function)(*args)
            return environment.read_all(resource)[0]["call"]["arguments"]

        return arguments_of

    def test_what_a_partial_brings_along(self, signed):
        def rotate(name, bits, dry):
            pass

        bound = functools.partial(functools.partial(rotate, "main", dry=True), dry=False)
        assert signed(bound, 256) == {"name": "main", "bits": 256, "dry": False}

    def test_the_object_of_a_bound_method_and_of_a_callable(self, signed):
        class Key:
            __slots__ = ("__hidden", "name")

            def __init__(self, name):
                self.name = name
                self.__hidden = 1

            def rotate(self):
                pass

            def __call__(self, bits):
                pass

        attributes = {"name": "main", "_Key__hidden": 1}
        assert signed(Key("main").rotate)["self"]["attributes"] == attributes
        called = signed(Key("main"), 8)
        assert (called["self"]["attributes"], called["bits"]) == (attributes, 8)

    def test_a_value_whose_class_shows_it_otherwise(self, signed):
        class Place(str, enum.Enum):  # noqa: UP042  shows itself as Place.LIVE, where StrEnum shows its value
            LIVE = "live"

        class Shy(str):
            __slots__ = ()

            def __str__(self):
                return "harmless"

        assert signed(lambda places: None, [Place.LIVE, Shy("live")]) == {"places": ["live", "live"]}

    @pytest.mark.parametrize("function", [[].append, [].__iadd__], ids=["a builtin", "an operator"])
    def test_what_does_not_show_what_it_is_bound_to_is_refused(self, function):
        with pytest.raises(UsageError, match="bound to an object that it does not show"):
            requires_approval(action="rotate-key", resource="dev/x")(function)

    @pytest.mark.parametrize("kind", [set, dict, collections.deque])
    def test_an_object_whose_class_in_c_holds_more_than_its_attributes_is_refused(self, environment, kind):
        class Accounts(kind):
            def delete(self):
                raise AssertionError("it was not signed of which accounts")

        accounts = Accounts()
        accounts.owner = "anna"
        with pytest.raises(UsageError, match=r"Accounts does not show what it holds.*by `arguments=`"):
            requires_approval(action="rotate-key", resource="dev/accounts")(accounts.delete)()
        assert environment.read_all("dev/accounts") == []

    def test_an_object_that_is_a_mapping_alone_is_signed_as_that(self, signed):
        class Accounts(dict):
            def delete(self):
                pass

        assert signed(Accounts(anna=1).delete) == {"self": {"anna": 1}}

    def test_a_coroutine_that_is_returned_does_nothing(self, environment):
        ran = []

        async def later(bits):
            ran.append(bits)

        @requires_approval(action="rotate-key", resource="dev/later")
        def rotate(bits):
            return later(bits)

        with pytest.raises(UsageError, match="returned a coroutine"):
            asyncio.run(_awaited(rotate, 8))
        assert ran == []
        assert [each["state"] for each in environment.read_all("dev/later")] == ["failed"]


async def _awaited(function, *args):
    return await function(*args)
