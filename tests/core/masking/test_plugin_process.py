from __future__ import annotations

import gc
import os
import time

import pyarrow as pa
import pytest

from maskgate.errors import MaskingError
from maskgate.keys import Key, KeyRing
from maskgate.masking import mask_table
from maskgate.rules import read_rules

PLUGIN = """
from __future__ import annotations
import os, re
from dataclasses import dataclass
import pyarrow as pa, pyarrow.compute as pc
from maskgate.errors import MaskingError
from maskgate.methods import Declaration, Family, Method, Shape

@dataclass(frozen=True)
class Plugin(Method):
    declaration = Declaration(
        name="{name}", term="masking", summary="Does as told.", accepts=frozenset({{Family.STRING}}),
        needs_key={needs_key}, needs_entity={needs_entity},
    )
    @classmethod
    def configure(cls, options, domain):
        return cls()
    def output_type(self, input_type):
        return pa.string()
    def shape(self):
        return Shape(free=True)
    def reads(self):
        return {reads}
    def invalid(self, column, surroundings):
        return {invalid}
    def apply(self, column, surroundings):
        {apply}
"""


@pytest.fixture
def plugin(install):
    """Install a method that does what a line of Python says, and return what masks a table by it."""

    def make(name, apply, *, reads=(), invalid=None, frame="", needs_key=False, needs_entity=False):
        package = name.replace(".", "_")
        source = PLUGIN.format(
            name=name, apply=apply, reads=reads, invalid=invalid, needs_key=needs_key, needs_entity=needs_entity
        )
        install(package, source, {name: f"{package}:Plugin"})
        text = (
            "version: 1\nkeys: {k: env:NOWHERE}\n"
            f"tables: {{t: {{entity: who, columns: {{x: {{method: {name}{frame}}}, who: keep}}}}}}\n"
        )
        rules = read_rules(text, "rules.yaml")
        keys = KeyRing({"k": Key("k", bytes(range(32)), version=2, older={1: bytes(32)})})

        def mask(x, who=("a", "b", "c")):
            x = x if isinstance(x, pa.Array) else pa.array(x, pa.string())
            table = pa.table({"x": x, "who": pa.array(who[: len(x)], pa.string())})
            return mask_table(table, rules, table_name="t", keys=keys)

        return mask

    return make


class TestOwnProcess:
    """A plugin's method works in a process of its own, and the run outlives whatever it does there."""

    def test_no_rows(self, plugin):
        masked, _ = plugin("acme.nothing", "return pc.utf8_upper(column)")([])
        assert masked.column("x").to_pylist() == []

    def test_it_is_another_process(self, plugin):
        masked, _ = plugin("acme.pid", "return pa.array([str(os.getpid())] * len(column))")(["a", "b"])
        (pid,) = set(masked.column("x").to_pylist())
        assert pid != str(os.getpid())

    def test_it_sees_entity_and_other_columns(self, plugin):
        line = "return pc.binary_join_element_wise(column, surroundings.entity, surroundings.columns['who'], '-')"
        masked, _ = plugin("acme.sees", line, reads=("who",), needs_entity=True)(["x", None, "y"])
        assert masked.column("x").to_pylist() == ["x-a-a", None, "y-c-c"]

    def test_it_gets_subkeys_and_never_the_key(self, plugin):
        line = (
            "key = surroundings.key; assert not any(bytes(range(32)) in bytes(each) for each in vars(key).values() "
            "if isinstance(each, bytes)); parts = [key.subkey(purpose='p').hex(), key.at(1).subkey(purpose='p').hex(), "
            "repr(key), str(key.versions)]; return pa.array(['|'.join(parts)] * len(column))"
        )
        masked, _ = plugin("acme.keyed", line, needs_key=True, frame=", key: k")(["x"])
        key = Key("k", bytes(range(32)), version=2, older={1: bytes(32)})
        wanted = [key.subkey(purpose="p").hex(), key.at(1).subkey(purpose="p").hex(), "Key('k', version=2)", "(2, 1)"]
        assert masked.column("x").to_pylist() == ["|".join(wanted)]

    def test_what_it_cannot_take_is_asked_there_too(self, plugin):
        mask = plugin(
            "acme.picky",
            "return pc.utf8_upper(column)",
            invalid="pc.fill_null(pc.equal(column, 'bad'), False)",
            frame=", on_invalid: nullify",
        )
        masked, report = mask(["a", "bad", None])
        assert masked.column("x").to_pylist() == ["A", None, None]
        assert report.as_json()["columns"]["x"]["invalid"] == 1

    def test_texts_that_are_no_utf8_are_done_away_with(self, plugin):
        line = "return pa.array([each and each.upper() for each in column.to_pylist()])"
        mask = plugin("acme.reads", line, frame=", on_invalid: nullify")
        masked, report = mask(pa.Array.from_buffers(pa.string(), 2, pa.array([b"a", b"\xff"]).buffers()))
        assert masked.column("x").to_pylist() == ["A", None]
        assert report.as_json()["columns"]["x"]["invalid"] == 1

    @pytest.mark.parametrize(
        ("name", "line", "said"),
        [
            pytest.param(
                "acme.hangs",
                "return pa.array([str(re.fullmatch('(a+)+b', each or '')) for each in column.to_pylist()])",
                "took longer than 0.5 s for 2 rows, and was stopped",
                id="a pattern that never ends",
            ),
            pytest.param(
                "acme.fills", "return pc.fill_null(column, 'x')", "gave values for 1 nulls", id="a value for a null"
            ),
            pytest.param("acme.dies", "os.kill(os.getpid(), 11)", "ended its process (signal 11)", id="a crash"),
            pytest.param("acme.leaves", "os._exit(0)", "ended its process (exit code 0)", id="an exit"),
            pytest.param("acme.raises", "raise KeyError('aaaa')", "failed on a value (KeyError)", id="an error"),
            pytest.param("acme.none", "return None", "failed on a value (NoneType)", id="no answer"),
            pytest.param("acme.says", "raise MaskingError('too long: use `drop`')", "too long: use `drop`", id="words"),
        ],
    )
    def test_what_it_does_wrong_is_one_error(self, plugin, monkeypatch, name, line, said):
        monkeypatch.setenv("MASKGATE_PLUGIN_SECONDS", "0.5" if name == "acme.hangs" else "")
        mask = plugin(name, line)
        with pytest.raises(MaskingError) as caught:
            mask(["a" * 60, None])
        assert said in str(caught.value)
        assert "aaaa" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None

    def test_no_process_is_left_behind(self, plugin):
        mask = plugin("acme.left", "return pa.array([str(os.getpid())] * len(column))")
        masked, _ = mask(["a"])
        pid = int(masked.column("x")[0].as_py())
        gc.collect()
        until = time.monotonic() + 10
        while _is_there(pid) and time.monotonic() < until:
            time.sleep(0.05)
        assert not _is_there(pid)


def _is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
