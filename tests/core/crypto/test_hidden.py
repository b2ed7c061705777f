"""Bytes of a key show nowhere."""

from __future__ import annotations

import copy
import io
import pickle
import pprint
import traceback

import pyarrow as pa
import pytest
from rich.console import Console
from rich.traceback import Traceback

from maskgate.crypto import cmac, ff1, hmac_sha256, siv
from maskgate.crypto.derive import derive_subkey
from maskgate.crypto.hidden import HiddenBytes, hidden

SECRET = b"bytes-of-a-key-nobody-may-see-32"


def frames_of(error):
    """Write a traceback with all local variables of Maskgate's own frames, as tools do that print them."""
    while error.__traceback__.tb_next and "/src/maskgate/" not in error.__traceback__.tb_frame.f_code.co_filename:
        error.__traceback__ = error.__traceback__.tb_next
    shown = io.StringIO()
    rich = Traceback.from_exception(type(error), error, error.__traceback__, show_locals=True, locals_max_string=20)
    Console(file=shown, width=200).print(rich)
    lines = traceback.TracebackException.from_exception(error, capture_locals=True).format()
    return "".join(lines) + shown.getvalue()


class TestHiddenBytes:
    def test_no_bytes_at_all(self):
        assert repr(HiddenBytes()) == "<0 hidden bytes>"

    @pytest.mark.parametrize("show", [repr, str, ascii, format, pprint.pformat, "%s".__mod__, "{0!r:>50}".format])
    def test_they_do_not_show(self, show):
        for each in (hidden(SECRET), hidden(SECRET)[:20], hidden(SECRET)[5:]):
            assert "hidden bytes" in show(each)
            assert "nobody" not in show(each)

    @pytest.mark.parametrize("travel", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_they_do_not_travel(self, travel):
        with pytest.raises(TypeError, match="do not travel"):
            travel(hidden(SECRET))

    def test_they_are_bytes_to_calculate_with(self):
        assert hidden(bytearray(SECRET)) == SECRET
        assert hidden(SECRET)[3] == SECRET[3]
        assert isinstance(hidden(SECRET)[:3], HiddenBytes)

    @pytest.mark.parametrize("key", [16, "text", None, [1, 2]])
    def test_what_is_no_bytes(self, key):
        """Of a number, `bytes` would make as many zeros: a key that everybody knows."""
        with pytest.raises(TypeError, match="made of bytes"):
            hidden(key)

    def test_subkeys_are_hidden(self):
        assert "hidden" in repr(derive_subkey(SECRET, purpose="token", scheme="", domain="", version=1))


class TestTracebacks:
    @pytest.mark.parametrize(
        "work",
        [
            pytest.param(lambda: cmac.digest(pa.array([1]), SECRET), id="cmac of integers"),
            pytest.param(lambda: hmac_sha256.digest(pa.array([1]), SECRET), id="hmac of integers"),
            pytest.param(lambda: siv.encrypt(pa.array([1]), SECRET), id="siv of integers"),
            pytest.param(lambda: siv.decrypt(pa.array([b"forged"]), SECRET), id="siv of a forged cell"),
            pytest.param(lambda: siv.authentic(pa.array([1]), SECRET), id="authenticity of integers"),
            pytest.param(lambda: ff1.encrypt(pa.array(["x"]), SECRET), id="ff1 of other characters"),
            pytest.param(lambda: ff1.decrypt(pa.array(["x"]), SECRET), id="ff1 backwards of other characters"),
            pytest.param(lambda: cmac.digest(pa.array(["a"]), SECRET[:-1]), id="a key of another length"),
        ],
    )
    def test_local_variables_show_no_key(self, work):
        with pytest.raises((TypeError, ValueError)) as refused:
            work()
        shown = frames_of(refused.value)
        assert "hidden bytes" in shown
        assert "nobody" not in shown
        assert "bytes-of-a-key" not in shown
