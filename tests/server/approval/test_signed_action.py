from __future__ import annotations

import pytest

from maskgate.approval import carry_out
from maskgate.errors import Conflict, Refused, StillPending, UsageError


@pytest.fixture
def signed(gate, client):
    """Have an action signed, and return its request."""

    def signed(resource, *, sign=True, **arguments):
        asked = client.request(action="rotate-key", resource=resource, why="it leaked", arguments=arguments)
        if sign:
            gate.decide(asked["id"])
        return asked["id"]

    return signed


def into(acted):
    """Return an action that says with which bits it was called."""

    def act(bits):
        acted.append(bits)

    return act


class TestCarryOut:
    """What one step has asked for, and somebody has signed since, a later step carries out, once."""

    def test_it_acts_once(self, client, signed):
        request, acted = signed("prod/steps", bits=256), []
        done = carry_out(client, request, arguments={"bits": 256}, call=into(acted))
        assert (done["state"], done["receipt"]["succeeded"], acted) == ("released", True, [256])
        again = carry_out(client, request, arguments={"bits": 256}, call=into(acted))
        assert (again["receipt"], acted) == (done["receipt"], [256])

    def test_before_it_is_signed_nothing_is_done(self, client, signed):
        request, acted = signed("prod/unsigned", sign=False), []
        with pytest.raises(StillPending, match="Waiting for a signature"):
            carry_out(client, request, call=lambda: acted.append(1))
        assert acted == []

    def test_with_other_arguments_nothing_is_done_and_nothing_is_asked(self, gate, client, signed):
        request, acted = signed("prod/others", bits=256), []
        with pytest.raises(Refused, match="is for another call than this one"):
            carry_out(client, request, arguments={"bits": 512}, call=into(acted))
        assert acted == []
        assert [each["state"] for each in gate.read_all("prod/others")] == ["approved"]

    def test_what_fails_is_reported_and_not_repeated(self, client, signed):
        request = signed("prod/failing")

        def fail():
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            carry_out(client, request, call=fail)
        assert client.request(request)["state"] == "failed"
        with pytest.raises((Refused, Conflict)):
            carry_out(client, request, call=fail)

    def test_with_nothing_to_call_the_grant_is_kept(self, client, signed):
        request = signed("prod/nothing")
        with pytest.raises(UsageError, match="Say what to call"):
            carry_out(client, request, arguments={})
        assert client.request(request)["state"] == "approved"
