from __future__ import annotations

import base64
import pickle
from types import SimpleNamespace

import pytest
from prefect.testing.standard_test_suites import BlockStandardTestSuite
from prefect.utilities.collections import visit_collection
from pydantic import ValidationError

from maskgate.errors import KeyReferenceError, RulesError, UsageError
from prefect_maskgate import MaskingKeys, MaskingRules
from prefect_maskgate import mask as masking

TEXT = "version: 1\nkeys: {people: env:NOWHERE}\ntables: {customers: {columns: {email: drop}}}\n"
KEY = base64.b64encode(b"geheim-geheim-geheim-geheim-1234").decode()


class TestBlockStandards(BlockStandardTestSuite):
    """The blocks are described as Prefect's pages want it."""

    test_has_a_valid_image = None  # a logo has to be fetched from somewhere, and there is no such place

    @pytest.fixture(params=[MaskingKeys, MaskingRules])
    def block(self, request):
        return request.param


class TestMaskingRules:
    """Rules are in a file that workers see, or in the block itself."""

    def test_of_a_file_and_of_a_text_are_the_same(self, tmp_path):
        (tmp_path / "rules.yaml").write_text(TEXT)
        by_path = MaskingRules(path=str(tmp_path / "rules.yaml")).rules()
        assert MaskingRules(text=TEXT).rules().tables == by_path.tables

    def test_problems_have_their_line(self):
        with pytest.raises(RulesError, match="the block's rules>:3"):
            MaskingRules(text=TEXT.replace("drop", "redcat")).rules()

    @pytest.mark.parametrize("given", [{}, {"path": "a.yaml", "text": TEXT}, {"text": ""}])
    def test_it_is_one_of_both(self, given):
        with pytest.raises(ValidationError):
            MaskingRules(**given)


class TestMaskingKeys:
    """Keys are there for masking, and show nowhere."""

    def test_keys_with_versions(self):
        ring = MaskingKeys(texts={"people": f"1:{KEY}\n2:{KEY}", "contact": KEY}).key_ring()
        assert (ring.get("people").version, ring.get("contact").version) == (2, 1)

    def test_they_show_nowhere_and_do_not_travel(self):
        block = MaskingKeys(texts={"people": KEY})
        for shown in (repr(block), str(block), block.model_dump_json(), repr(block.key_ring())):
            assert KEY not in shown
        with pytest.raises(UsageError, match="do not travel"):
            pickle.dumps(block)

    def test_it_can_be_handed_to_a_task(self):
        seen = []
        visit_collection({"keys": MaskingKeys(texts={"people": KEY})}, visit_fn=seen.append, return_data=False)
        assert any(isinstance(each, MaskingKeys) for each in seen)

    def test_what_is_no_key_is_told_without_showing_it(self):
        with pytest.raises(KeyReferenceError) as caught:
            MaskingKeys(texts={"people": "geheim", "contact": "Z2VoZWlt"}).key_ring()
        assert str(caught.value).count("\n") == 1
        assert "people" in str(caught.value)
        assert "geheim" not in str(caught.value).lower()


class TestSameMasking:
    """A flow run that is retried masks nothing anew, unless something else is asked for."""

    @pytest.fixture
    def named(self, monkeypatch):
        monkeypatch.setattr(masking, "flow_run_id", lambda: "run-1")

        def named(rules, keys=None):
            parameters = {"sources": {"customers": "a.parquet"}, "rules": rules, "keys": keys}
            return masking.same_masking_in_this_run(SimpleNamespace(), parameters)

        return named

    def test_the_same(self, named, tmp_path):
        (tmp_path / "rules.yaml").write_text(TEXT)
        path = str(tmp_path / "rules.yaml")
        assert named(path) == named(MaskingRules(path=path)) == named(MaskingRules(text=TEXT))

    def test_other_rules_and_other_keys_are_another(self, named):
        rules, others = MaskingRules(text=TEXT), MaskingRules(text=TEXT.replace("drop", "redact"))
        assert len({named(rules), named(others), named(rules, "one"), named(rules, "two")}) == 4

    def test_other_shared_domains_are_another(self, named, tmp_path):
        (tmp_path / "rules.yaml").write_text(f"include: domains.yaml\n{TEXT}")
        seen = set()
        for scheme in ("hmac", "cmac"):
            shared = f"version: 1\ndomains: {{email: {{scheme: {scheme}, key: people}}}}\n"
            (tmp_path / "domains.yaml").write_text(shared)
            seen.add(named(str(tmp_path / "rules.yaml")))
        assert len(seen) == 2
        assert None not in seen

    def test_keys_without_a_name_are_masked_anew(self, named):
        assert named(MaskingRules(text=TEXT), MaskingKeys(texts={"people": KEY})) is None
        assert named("/no/such/rules.yaml") is None
