from __future__ import annotations

import datetime as dt
import math

import pytest

from maskgate.agents.python_way import PythonWay
from maskgate.agents.tools_file import load_tools
from maskgate.errors import ConfigurationError, UsageError

MODULE = """
import datetime as dt

async def later(day): return {"day": day}
def same(value): return value
def fails(text): raise ValueError(text)
number = 5
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    (tmp_path / "tools_of_a_test.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "tools_of_a_test"


class TestPythonWay:
    """A function is called by name, and what it returns can always be told."""

    def test_a_coroutine_is_awaited(self, module):
        result = PythonWay(f"{module}:later").run({"day": "monday"})
        assert (result.succeeded, result.value) == (True, {"day": "monday"})

    @pytest.mark.parametrize(
        ("value", "text", "told"),
        [
            pytest.param(None, "null", None, id="nothing"),
            pytest.param("a text", "a text", "a text", id="a text"),
            pytest.param("half \ud800", "half ?", "half ?", id="half a character"),
            pytest.param({"a": ["\ud800"]}, '{"a": ["?"]}', {"a": ["?"]}, id="half a character inside"),
            pytest.param([dt.date(2026, 1, 2)], '["2026-01-02"]', ["2026-01-02"], id="a day"),
            pytest.param(math.nan, "nan", None, id="no number"),
            pytest.param({(1, 2): 3}, "{(1, 2): 3}", None, id="keys that JSON does not have"),
        ],
    )
    def test_values(self, module, value, text, told):
        result = PythonWay(f"{module}:same").run({"value": value})
        assert (result.succeeded, result.text, result.value) == (True, text, told)
        assert result.outcome["output_bytes"] == len(text)

    def test_a_value_that_shows_itself_to_nobody_is_told_as_well(self, module):
        class Shy:
            def __str__(self):
                raise RuntimeError("the session is closed")

        result = PythonWay(f"{module}:same").run({"value": Shy()})
        assert (result.succeeded, result.text) == (False, "RuntimeError: the session is closed")

    def test_what_it_raises_is_told(self, module):
        result = PythonWay(f"{module}:fails").run({"text": "no such month \ud800"})
        assert (result.succeeded, result.text) == (False, "ValueError: no such month ?")

    @pytest.mark.parametrize(
        ("function", "why"),
        [
            ("no_such_module_anywhere:f", r"cannot be imported \(ModuleNotFoundError\)"),
            ("tools_of_a_test:nothing", "no function tools_of_a_test:nothing"),
            ("tools_of_a_test:number", "no function tools_of_a_test:number"),
        ],
    )
    def test_what_is_not_there_is_found_out_before_the_grant_is_used(self, module, function, why):
        with pytest.raises(UsageError, match=why):
            PythonWay(function).check({})


class TestToolsFile:
    """What would mean nothing is refused, and a tool may take nothing."""

    def load(self, tmp_path, more):
        file = tmp_path / "tools.yaml"
        file.write_text(f"version: 1\ntools:\n  now:\n    description: x\n    resource: x\n{more}")
        return load_tools(file)

    def test_a_tool_that_takes_nothing(self, tmp_path):
        (tool,) = self.load(tmp_path, '    input: {}\n    python: "time:time"\n').tools
        assert tool.parameters == ()

    @pytest.mark.parametrize(
        ("more", "why"),
        [
            ('    timeout_seconds: 5\n    python: "time:time"\n', r":6, `tools\.now\.timeout_seconds` is not kept by"),
            ('    env: [HOME]\n    python: "time:time"\n', r":6, `tools\.now\.env` is not kept by `python`"),
            ('    env: [HOME]\n    http: {url: "http://127.0.0.1"}\n', r":6, `tools\.now\.env` is not kept by `http`"),
        ],
    )
    def test_options_that_nothing_keeps(self, tmp_path, more, why):
        with pytest.raises(ConfigurationError, match=why):
            self.load(tmp_path, more)

    def test_a_file_that_is_not_there(self, tmp_path):
        with pytest.raises(UsageError, match=r"tools\.yaml cannot be read: No such file"):
            load_tools(tmp_path / "tools.yaml")
