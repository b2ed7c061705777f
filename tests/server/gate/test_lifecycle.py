"""The life of a request, as the law in lifecycle.py draws it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from maskgate.errors import Conflict
from maskgate.gate.client import SETTLED as SETTLED_FOR_CLIENTS
from maskgate.gate.lifecycle import SETTLED, State, after_decision, after_sealing, check_step, is_over
from maskgate.gate.requirement import Requirement
from maskgate.testing.still_clock import StillClock

NOW = StillClock().now()
STEPS = {
    ("sealing", "pending"),
    ("sealing", "approved"),
    ("sealing", "refused"),
    ("sealing", "expired"),
    ("sealing", "withdrawn"),
    ("pending", "approved"),
    ("pending", "denied"),
    ("pending", "expired"),
    ("pending", "withdrawn"),
    ("approved", "releasing"),
    ("approved", "released"),
    ("approved", "expired"),
    ("approved", "withdrawn"),
    ("releasing", "released"),
    ("releasing", "failed"),
    ("releasing", "indeterminate"),
}


class TestSteps:
    """Only the steps of the drawing; what is settled stays settled."""

    @pytest.mark.parametrize("before", State)
    @pytest.mark.parametrize("after", State)
    def test_steps(self, before, after):
        if (before, after) in STEPS:
            check_step("req_1", before, after)
            return
        with pytest.raises(Conflict, match=f"req_1 is {before}, and cannot become {after}"):
            check_step("req_1", before, after)

    def test_clients_know_the_same_settled_states(self):
        assert {str(state) for state in SETTLED} == SETTLED_FOR_CLIENTS


class TestNextState:
    """What becomes of a request, by values alone."""

    @pytest.mark.parametrize(
        ("refusals", "is_allowed", "state"),
        [
            pytest.param((), False, State.PENDING, id="somebody is asked"),
            pytest.param((), True, State.APPROVED, id="an allowing policy asks nobody"),
            pytest.param(("raw data",), False, State.REFUSED, id="below the floor nobody is asked"),
            pytest.param(("raw data",), True, State.REFUSED, id="and nothing is allowed"),
        ],
    )
    def test_after_sealing(self, refusals, is_allowed, state):
        assert after_sealing(refusals, is_allowed=is_allowed) is state

    @pytest.mark.parametrize(
        ("verdict", "approvals", "state"),
        [
            pytest.param("approve", {"p": {"a"}}, State.PENDING, id="one of two"),
            pytest.param("approve", {"p": {"a"}, "q": {"a"}}, State.APPROVED, id="two of two"),
            pytest.param("approve", {"p": {"a"}, "q": {"b"}}, State.PENDING, id="two of which one counts"),
            pytest.param("approve", {"p": {"a"}, "q": {"a"}, "r": {"a"}}, State.APPROVED, id="more than enough"),
            pytest.param("deny", {"p": {"a"}}, State.DENIED, id="one denial"),
        ],
    )
    def test_after_a_decision(self, verdict, approvals, state):
        given = {person: frozenset(groups) for person, groups in approvals.items()}
        assert after_decision(verdict, Requirement({"a": 2}, 2).missing(given)) is state

    @pytest.mark.parametrize(
        ("left", "over"),
        [(timedelta(milliseconds=1), False), (timedelta(0), True), (timedelta(seconds=-1), True)],
        ids=["just before", "at the moment", "after"],
    )
    def test_the_time_is_over_at_the_moment_itself(self, left, over):
        assert is_over(NOW + left, NOW) is over

    def test_no_time_is_never_over(self):
        assert not is_over(None, NOW)
