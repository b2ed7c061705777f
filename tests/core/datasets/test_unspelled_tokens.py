from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskgate.datasets import Layout, mask_dataset
from maskgate.keys import Key, KeyRing
from maskgate.masking import MaskingPlan
from maskgate.methods.token import UnspelledToken
from maskgate.rules import read_rules

KEYS = KeyRing({"people": Key("people", bytes(range(32)))})
ROWS = 5_000

TOKEN = "{method: token, domain: d}"
REDACTING = "{method: token, domain: d, on_invalid: redact}"
CHECKED = "check: {unique: [text]}"
PROTECTED = "check: {no_value_survives: [text]}"


def rules(domain="scheme: cmac", rule=TOKEN, more=""):
    return read_rules(
        f"""
version: 1
keys: {{people: "env:UNUSED"}}
domains: {{d: {{{domain}}}}}
tables: {{people: {{columns: {{n: keep, text: {rule}}}, {more}}}}}
""",
        "rules.yaml",
    )


def table(texts):
    return pa.table({"n": range(len(texts)), "text": texts})


UNIQUE = [f"person {at}" for at in range(ROWS)]
SOME_NULL = [None if at % 7 == 0 else text for at, text in enumerate(UNIQUE)]


class TestUnspelledTokens:
    """Parquet files are, byte for byte, those that tokens written as text would make."""

    @pytest.fixture
    def masked(self, tmp_path, monkeypatch):
        def mask(name, source, rules, layout):
            asked = []
            made = UnspelledToken._made
            with monkeypatch.context() as patch:
                patch.setattr(UnspelledToken, "_made", lambda *args: asked.append(1) or made(*args))
                if name == "spelled":
                    patch.setattr(MaskingPlan, "unspelled", lambda plan: plan)
                mask_dataset(source, tmp_path / f"{name}.parquet", rules, table_name="people", keys=KEYS, layout=layout)
            return (tmp_path / f"{name}.parquet").read_bytes(), bool(asked)

        return mask

    @pytest.mark.parametrize(
        "texts",
        [
            pytest.param(pa.array(UNIQUE), id="all differ"),
            pytest.param(pa.array(SOME_NULL), id="nulls"),
            pytest.param(pa.array(SOME_NULL[:1] + UNIQUE[1:]), id="one null"),
            pytest.param(pa.array(SOME_NULL, pa.large_string()), id="large text"),
            pytest.param(pa.array(UNIQUE).cast(pa.binary()), id="bytes"),
            pytest.param(pa.array(range(ROWS)), id="numbers"),
            pytest.param(pa.array([None] * ROWS, pa.string()), id="nulls alone"),
            pytest.param(pa.array(["same"] * ROWS), id="one value"),
            pytest.param(pa.array([f"{at % 50}" for at in range(ROWS)]), id="few values"),
            pytest.param(pa.array(["", *UNIQUE]), id="the empty text"),
            pytest.param(pa.array(UNIQUE[:10]), id="few rows"),
        ],
    )
    def test_of_any_column(self, masked, texts):
        bare, asked = masked("bare", table(texts), rules(), Layout())
        assert asked
        assert bare == masked("spelled", table(texts), rules(), Layout())[0]

    @pytest.mark.parametrize(
        "domain",
        ["scheme: hmac", "scheme: cmac, length: 8", "scheme: cmac, length: 30", "scheme: cmac, normalize: [lower]"],
    )
    def test_of_any_domain_of_bare_digits(self, masked, domain):
        bare, asked = masked("bare", table(pa.array(SOME_NULL)), rules(domain), Layout())
        assert asked
        assert bare == masked("spelled", table(pa.array(SOME_NULL)), rules(domain), Layout())[0]

    @pytest.mark.parametrize(
        "layout",
        [
            Layout(row_group_rows=700),
            Layout(row_group_rows=1 << 20),
            Layout(compression="zstd", compression_level=1),
            Layout(row_group_rows=1500, file_bytes=50_000),
        ],
    )
    def test_in_any_layout(self, masked, layout):
        bare, asked = masked("bare", table(pa.array(SOME_NULL)), rules(), layout)
        assert asked
        assert bare == masked("spelled", table(pa.array(SOME_NULL)), rules(), layout)[0]

    def test_in_row_groups_of_several_batches(self, masked):
        many = table(pa.array([f"person {at}" for at in range(200_000)]))
        bare, asked = masked("bare", many, rules(), Layout(row_group_rows=200_000))
        assert asked
        assert bare == masked("spelled", many, rules(), Layout(row_group_rows=200_000))[0]

    @pytest.mark.parametrize(
        ("rules", "layout"),
        [
            pytest.param(rules("scheme: cmac, prefix: p_"), Layout(), id="a prefix"),
            pytest.param(rules("scheme: cmac, length: 31"), Layout(), id="an odd digit"),
            pytest.param(rules("scheme: cmac, format: base32"), Layout(), id="other digits"),
            pytest.param(rules("scheme: encrypt"), Layout(), id="ciphertexts"),
            pytest.param(
                rules(rule="{method: token, domain: d, on_invalid: nullify}"), Layout(), id="some are no tokens"
            ),
            pytest.param(rules(more=CHECKED), Layout(), id="a check of the text"),
            pytest.param(rules(more=PROTECTED), Layout(), id="a look for originals"),
            pytest.param(rules(), Layout(compression="snappy"), id="another codec"),
            pytest.param(rules(), Layout(encodings="plain"), id="encodings for any reader"),
        ],
    )
    def test_what_is_written_as_text(self, masked, rules, layout):
        source = table(pa.array(SOME_NULL))
        bare, asked = masked("bare", source, rules, layout)
        assert not asked
        assert bare == masked("spelled", source, rules, layout)[0]

    def test_the_schema_and_the_cells_are_those_of_text(self, masked, tmp_path):
        masked("bare", table(pa.array(SOME_NULL)), rules(), Layout())
        found = pq.read_table(tmp_path / "bare.parquet")
        assert found.schema.field("text").type == pa.string()
        assert found["text"].null_count == SOME_NULL.count(None)
        assert all(len(each) == 32 for each in found["text"].drop_null().to_pylist())
