"""A key hands out subkeys and never shows itself."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest

from maskgate.crypto.derive import derive_subkey
from maskgate.errors import KeyReferenceError
from maskgate.keys import Key, KeyRing
from maskgate.testing.secret_traces import traces_of

MATERIAL = b"material-of-a-key-nobody-may-see"


class TestKey:
    def test_fifteen_bytes_are_too_short(self):
        with pytest.raises(KeyReferenceError) as refused:
            Key("people", MATERIAL[:15])
        assert 'key "people": 15 bytes are too short' in str(refused.value)
        assert "at least 16" in str(refused.value)

    @pytest.mark.parametrize("length", [16, 24, 32, 64])
    def test_sixteen_bytes_and_more_will_do(self, length):
        assert len(Key("people", bytes(length)).subkey(purpose="token")) == 32

    def test_its_bytes_are_in_no_representation(self):
        key = Key("people", MATERIAL, 3)
        ring = KeyRing({"people": key})
        assert repr(key) == "Key('people', version=3)"
        for shown in (repr(key), str(key), f"{key}", repr(ring), repr({"key": key}), repr(dir(key))):
            assert "material" not in shown.lower().replace("__material", "")

    def test_it_has_no_dictionary_to_look_into(self):
        assert not hasattr(Key("people", MATERIAL), "__dict__")

    @pytest.mark.parametrize(
        "travel", [pickle.dumps, copy.copy, copy.deepcopy, lambda key: pickle.dumps([key]), Key.__getstate__]
    )
    def test_it_does_not_travel(self, travel):
        with pytest.raises(TypeError) as refused:
            travel(Key("people", MATERIAL))
        assert "does not travel" in str(refused.value)
        assert "nobody" not in "".join(traceback.format_exception(refused.value))

    def test_a_ring_does_not_travel_either(self):
        with pytest.raises(TypeError):
            pickle.dumps(KeyRing({"people": Key("people", MATERIAL)}))


class TestSubkeys:
    FIELDS = ({"purpose": "noise"}, {"scheme": "hmac"}, {"domain": "order"}, {"length": 16})

    @pytest.mark.parametrize("other", FIELDS[:3])
    def test_every_use_has_its_own(self, other):
        use = {"purpose": "token", "scheme": "cmac", "domain": "customer"}
        key = Key("people", MATERIAL)
        assert key.subkey(**use) == key.subkey(**use)
        assert key.subkey(**use) != key.subkey(**{**use, **other})

    def test_every_version_has_its_own(self):
        assert Key("people", MATERIAL, 1).subkey(purpose="token") != Key("people", MATERIAL, 2).subkey(purpose="token")

    def test_the_name_of_the_key_does_not_matter(self):
        """A team may call the same secret otherwise and still join."""
        assert Key("people", MATERIAL).subkey(purpose="token") == Key("contact", MATERIAL).subkey(purpose="token")

    def test_fields_do_not_run_into_each_other(self):
        """Each stands behind its length."""
        one = derive_subkey(MATERIAL, purpose="ab", scheme="c", domain="", version=1)
        other = derive_subkey(MATERIAL, purpose="a", scheme="bc", domain="", version=1)
        assert one != other

    def test_the_derivation_never_changes(self):
        """A change here would change every token; it needs a new version of the derivation."""
        subkey = derive_subkey(bytes(range(32)), purpose="token", scheme="cmac", domain="customer", version=1)
        assert subkey.hex() == "03d5a8fb3476ac5ed0f08f67f3b06f6fd78ca9ddfe13e1bff39431fdaeaa17bc"


class TestVersions:
    """A key keeps its older versions, each a key of its own."""

    OLDER = b"what-it-was-before-nobody-may-see"

    def test_one_version_is_the_only_one(self):
        assert Key("people", MATERIAL).versions == (1,)
        assert Key("people", MATERIAL, 3).versions == (3,)

    def test_the_current_one_makes_the_subkeys(self):
        key = Key("people", MATERIAL, 3, {1: self.OLDER})
        assert key.version == 3
        assert key.subkey(purpose="token") == Key("people", MATERIAL, 3).subkey(purpose="token")

    def test_an_older_one_is_a_key_of_its_own(self):
        key = Key("people", MATERIAL, 12, {2: self.OLDER, 11: self.OLDER[::-1]})
        assert key.versions == (12, 11, 2)
        assert [repr(key.at(each)) for each in (2, 12)] == ["Key('people', version=2)", "Key('people', version=12)"]
        assert key.at(2).versions == (2,)
        assert key.at(2).subkey(purpose="token") == Key("people", self.OLDER, 2).subkey(purpose="token")
        assert key.at(12).subkey(purpose="token") == key.subkey(purpose="token")

    @pytest.mark.parametrize("absent", [0, 1, 4, -1])
    def test_a_version_that_is_not_there(self, absent):
        with pytest.raises(KeyReferenceError) as refused:
            Key("people", MATERIAL, 3, {2: self.OLDER}).at(absent)
        assert str(refused.value) == f'key "people" has no version {absent}. It has: 3, 2.'

    @pytest.mark.parametrize(
        ("version", "older", "words"),
        [
            pytest.param(0, {}, "whole numbers from 1", id="version nought"),
            pytest.param(True, {}, "whole numbers from 1", id="a truth is no number"),
            pytest.param(2, {"1": MATERIAL}, "whole numbers from 1", id="a number written as text"),
            pytest.param(2, {0: MATERIAL}, "whole numbers from 1", id="an older version nought"),
            pytest.param(2, {2: MATERIAL}, "a lower number than the current one, which is 2", id="the same number"),
            pytest.param(2, {3: MATERIAL}, "a lower number than the current one, which is 2", id="a higher number"),
            pytest.param(2, {1: MATERIAL[:15]}, "15 bytes of version 1 are too short", id="a short older one"),
            pytest.param(2, {1: "text"}, "made of bytes", id="text in the place of bytes"),
            pytest.param(2, {1: 99}, "made of bytes", id="a number in the place of bytes"),
        ],
    )
    def test_versions_that_cannot_be(self, version, older, words):
        with pytest.raises(KeyReferenceError) as refused:
            Key("people", MATERIAL, version, older)
        assert words in str(refused.value)
        assert traces_of(MATERIAL, refused.value) == []

    def test_what_is_no_key_stays_hidden_too(self):
        for material in (MATERIAL[:15], MATERIAL.decode()):
            with pytest.raises(KeyReferenceError) as refused:
                Key("people", material)
            assert traces_of(MATERIAL[:15], refused.value) == []

    @pytest.mark.parametrize(
        "use",
        [
            pytest.param({"purpose": "token", "length": 0}, id="no bytes at all"),
            pytest.param({"purpose": "token", "length": 255 * 32 + 1}, id="more than HKDF gives"),
            pytest.param({"purpose": "token", "domain": "\ud800"}, id="a domain that is no text"),
        ],
    )
    def test_a_subkey_that_cannot_be_leaves_no_key_behind(self, use):
        """The frames of the derivation hold the key, so the error comes before them."""
        with pytest.raises(ValueError) as refused:
            Key("people", MATERIAL).subkey(**use)
        frames = [frame.f_code.co_name for frame, _ in traceback.walk_tb(refused.value.__traceback__)]
        assert "derive_subkey" not in frames
        assert "nobody" not in "".join(traceback.format_exception(refused.value))
