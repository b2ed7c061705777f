"""Keys of the rules may lie in Prefect's Secret blocks."""

from __future__ import annotations

import base64
import json
import subprocess

import pytest
from demo.processes import program

from maskgate.keys import Key

NEW, OLD = bytes(range(65, 97)), bytes(range(129, 161))
N, O = (base64.b64encode(each).decode() for each in (NEW, OLD))  # noqa: E741  they stand in tables

SCRIPT = """
import asyncio, json, sys
from prefect import flow
from prefect.blocks.system import Secret
from maskgate.errors import KeyReferenceError
from maskgate.keys import KeyRing
from maskgate.testing.secret_traces import traces_of

values, secrets = json.loads(sys.stdin.read())


def look(name):
    try:
        key = KeyRing.resolve({"people": f"prefect-secret:{name}"}).get("people")
    except KeyReferenceError as error:
        assert not [place for secret in secrets for place in traces_of(secret, error)]
        return str(error)
    return [key.versions, key.subkey(purpose="token").hex()]


@flow
def in_a_flow(name):
    return look(name)


@flow
async def in_an_asynchronous_flow(name):
    return look(name)


def asynchronous(name):
    return asyncio.run(in_an_asynchronous_flow(name))


ways = {"no flow": look, "flow": in_a_flow, "asynchronous flow": asynchronous}
for name, value in values.items():
    if value is not None:
        Secret(value=value).save(name, overwrite=True)
print(json.dumps({name: {way: ask(name) for way, ask in ways.items()} for name in values}))
"""


@pytest.fixture
def looked_up(prefect_server):
    """Save blocks, look them up in a process of their own, and return what that said of each."""

    def looked_up(values):
        done = subprocess.run(
            [program("prefect", "python"), "-c", SCRIPT],
            input=json.dumps([values, [N, O]]),
            env={**prefect_server.environment(), "PREFECT_LOGGING_LEVEL": "DEBUG"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for secret in (N, O):
            assert secret not in done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return looked_up


def wherever(told):
    """What it says without a flow, in a flow and in an asynchronous one."""
    return dict.fromkeys(("no flow", "flow", "asynchronous flow"), told)


class TestPrefectSecret:
    """The value of a Secret block is the text of a key, wherever code runs."""

    def test_the_blocks(self, looked_up):
        digits = "1234567890123456789012345678901234567890"
        blocks = {"people": f"2:{N}\n1:{O}", "absent": None, "mapping": {"a": N}, "broken": f"{N}!", "digits": digits}
        told = looked_up(blocks)
        assert told["people"] == wherever([[2, 1], Key("x", NEW, 2).subkey(purpose="token").hex()])
        as_text = base64.b64decode(digits)
        assert told["digits"] == wherever([[1], Key("x", as_text).subkey(purpose="token").hex()])
        (words,) = set(told["absent"].values())
        assert 'key "people": prefect-secret:absent: there is no block secret/absent. Make it under Blocks' in words
        (words,) = set(told["mapping"].values())
        assert "the value of the block is no text" in words
        (words,) = set(told["broken"].values())
        assert "prefect-secret:broken does not hold base64" in words
