"""What of a policy stands for nothing at this gate is said when it starts."""

from __future__ import annotations

from maskgate.testing.gate_world import POLICY, GateWorld


def test_nothing_where_all_is_known(tmp_path):
    assert GateWorld(tmp_path).gate.warnings_about_names(["okta"]) == ()


def test_a_reviewer_who_cannot_come_in(tmp_path):
    world = GateWorld(tmp_path, POLICY.replace('cleo: ["airflow:prod|cleo", "okta|cleo"]', 'cleo: ["oktaa|cleo"]'))
    (said,) = world.gate.warnings_about_names(["okta"])
    assert said == (
        'warning: reviewers "legal": cleo can never sign here; their accounts are at oktaa, and this gate knows: '
        "airflow:prod, okta."
    )


def test_a_destination_and_a_token_that_are_not_there(tmp_path):
    policy = POLICY.replace("destination: {trust: external}", "destination: {id: [prtner, 'p*', partner]}", 1)
    policy = policy.replace("action: publish,", "action: publish, requester: {token: pipline},")
    said = GateWorld(tmp_path, policy).gate.warnings_about_names(["okta"])
    assert [line.removeprefix("warning: policy ") for line in said] == [
        "\"external export\": this gate has no destination 'prtner'. Known are: archive, partner, site.",
        "\"publication\": this gate has no token 'pipline'. Known are: auditor, pipeline.",
    ]
