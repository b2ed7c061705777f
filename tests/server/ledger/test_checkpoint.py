"""Signed checkpoints, in the format of C2SP's signed notes."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from maskgate.errors import LedgerError
from maskgate.gate.signer import Signer
from maskgate.ledger import Head, read_checkpoint, sign_checkpoint

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(32)))
KEY = SIGNER.public_key
HEAD = Head(42, sha256(b"root").digest())


class TestCheckpoint:
    """Size and root come back from a note that the gate's key signed, and from no other."""

    def test_comes_back(self):
        assert read_checkpoint(sign_checkpoint(HEAD, SIGNER), KEY).head == HEAD

    def test_is_a_signed_note(self):
        origin, size, root, empty, signature, end = sign_checkpoint(HEAD, SIGNER).split("\n")
        assert (size, empty, end) == ("42", "", "")
        assert base64.b64decode(root) == HEAD.root
        dash, name, encoded = signature.split(" ")
        assert (dash, name) == ("\N{EM DASH}", origin)
        raw = KEY.public_bytes_raw()
        assert base64.b64decode(encoded)[:4] == sha256(origin.encode() + b"\n\x01" + raw).digest()[:4]
        KEY.verify(base64.b64decode(encoded)[4:], f"{origin}\n{size}\n{root}\n".encode())

    def test_further_signatures_of_witnesses_do_no_harm(self):
        note = sign_checkpoint(HEAD, SIGNER) + "\N{EM DASH} witness.example AAAAAAAA\n"
        assert read_checkpoint(note, KEY).head == HEAD

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            pytest.param(lambda note: "", "no checkpoint", id="nothing"),
            pytest.param(lambda note: "hello\n\nworld\n", "no checkpoint", id="another text"),
            pytest.param(lambda note: note.replace("\n42\n", "\n43\n"), "signature", id="another size"),
            pytest.param(lambda note: note.replace("\N{EM DASH}", "-"), "signature", id="no signature line"),
            pytest.param(lambda note: note.replace("maskgate/", "other/"), "another ledger", id="another origin"),
        ],
    )
    def test_a_changed_note_is_refused(self, change, words):
        with pytest.raises(LedgerError, match=words):
            read_checkpoint(change(sign_checkpoint(HEAD, SIGNER)), KEY)

    def test_a_note_of_another_key_is_refused(self):
        other = Signer(Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
        with pytest.raises(LedgerError, match="another ledger"):
            read_checkpoint(sign_checkpoint(HEAD, other), KEY)
