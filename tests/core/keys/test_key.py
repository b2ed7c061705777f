"""A key hands out subkeys and never shows itself."""

from __future__ import annotations

import copy
import pickle
import traceback

import pytest

from maskgate.crypto.derive import derive_subkey
from maskgate.errors import KeyReferenceError
from maskgate.keys import Key, KeyRing

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

    @pytest.mark.parametrize("travel", [pickle.dumps, copy.copy, copy.deepcopy, lambda key: pickle.dumps([key])])
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
