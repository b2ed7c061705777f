from __future__ import annotations

from datetime import timedelta

import pytest

from maskgate.errors import (
    Conflict,
    DatasetError,
    GateUnreachable,
    NotAllowed,
    NotFound,
    Refused,
    StillPending,
    UsageError,
)
from maskgate_airflow.host_version import AirflowException, AirflowFailException
from maskgate_airflow.outcomes import airflow_outcomes, with_patience


class TestOutcomes:
    """A gate that does not answer may be asked again; whatever a gate says is final; nothing is ever skipped."""

    def test_nothing_wrong_passes_through(self, context):
        with airflow_outcomes(context):
            value = 1
        assert value == 1

    @pytest.mark.parametrize(
        "error",
        [
            pytest.param(Refused("no"), id="a refusal fails the task for good"),
            pytest.param(NotAllowed("no"), id="a wrong token fails the task for good"),
            pytest.param(NotFound("no"), id="an unknown request fails the task for good"),
            pytest.param(Conflict("no"), id="a conflict fails the task for good"),
            pytest.param(StillPending("no"), id="an unsigned request fails the task for good"),
            pytest.param(UsageError("no"), id="a wrong argument fails the task for good"),
            pytest.param(DatasetError("no"), id="unreadable data fails the task for good"),
        ],
    )
    def test_what_the_gate_says_is_final(self, context, error):
        with pytest.raises(AirflowFailException, match="no"), airflow_outcomes(context):
            raise error

    def test_an_unreachable_gate_is_asked_again(self, context):
        with pytest.raises(AirflowException) as caught, airflow_outcomes(context):
            raise GateUnreachable("the gate at x did not answer. Nothing was released; try again")
        assert not isinstance(caught.value, AirflowFailException)
        assert "This was try 1 of 3; Airflow tries again by itself." in str(caught.value)

    def test_the_last_try_says_that_nothing_left_and_what_to_do(self, context):
        context["ti"].try_number = 3
        with pytest.raises(AirflowException) as caught, airflow_outcomes(context):
            raise GateUnreachable("the gate at x did not answer")
        assert "the last of 3 tries" in str(caught.value)
        assert "it released nothing" in str(caught.value)
        assert "clear this task" in str(caught.value)

    def test_other_errors_are_not_touched(self, context):
        with pytest.raises(KeyError), airflow_outcomes(context):
            raise KeyError("other")


class TestPatience:
    """Tasks retry with back-off unless the task, or its DAG, says otherwise."""

    def test_by_default_tasks_retry_with_growing_pauses(self):
        given = with_patience({})
        assert given["retries"] >= 3
        assert given["retry_exponential_backoff"] > 1
        assert given["max_retry_delay"] > given["retry_delay"] > timedelta(0)

    def test_the_task_has_the_last_word(self):
        assert with_patience({"retries": 0})["retries"] == 0

    def test_the_dag_has_a_word_too(self):
        assert "retries" not in with_patience({"default_args": {"retries": 1}})
