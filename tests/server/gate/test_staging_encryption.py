"""Encrypted stagings: nothing of the data lies at the root, nothing is believed that was changed there."""

from __future__ import annotations

import dataclasses
import io
import random
from pathlib import Path

import pytest

from maskgate.errors import Refused
from maskgate.gate.encrypting_file import EncryptingFile
from maskgate.gate.model import Identity
from maskgate.gate.staging_cipher import DecryptedFile, Decrypting, Encrypting, StagingKey
from maskgate.keys import Key
from maskgate.testing.gate_world import GateWorld
from maskgate.testing.staged_tables import masked_tables, sample_rules, staged_bytes

CHUNK = 1 << 20
WRAPPING = Key("staging", bytes(range(32)))
PART = "customers/part-00000.parquet"
KEY = StagingKey.new("stg_of_any_order")


class EncryptedWorld(GateWorld):
    """A gate whose staging root is encrypted."""

    wrapping = WRAPPING

    @property
    def registry(self):
        usual = super().registry
        root = dataclasses.replace(usual.staging["shared"], encrypt=self.wrapping)
        return dataclasses.replace(usual, staging={"shared": root})

    def stage(self, rows=4):
        opened = self.gate.open_staging(self.pipeline)
        assert (opened["uri"], opened["upload"]) == (None, True)
        for path, content in staged_bytes(masked_tables(rows), sample_rules()).items():
            put = self.gate.put_file(self.pipeline, opened["id"], path, io.BytesIO(content))
            assert put["size"] == len(content)
        return opened["id"]

    def staged(self):
        root = self.folder / "staging"
        return {str(path.relative_to(root)): path for path in root.rglob("*") if path.is_file()}


@pytest.fixture
def world(tmp_path):
    return EncryptedWorld(tmp_path)


class TestStaging:
    """What is staged is encrypted; what is sealed, signed and released is what was put in."""

    def test_nothing_of_it_can_be_read_at_the_root(self, world):
        world.stage()
        plain = staged_bytes(masked_tables(4), sample_rules())
        for path in world.staged().values():
            stored = path.read_bytes()
            assert b"PAR1" not in stored
            assert b"em_" not in stored
            assert not any(content in stored for content in plain.values())

    def test_it_is_released_as_it_was_put_in(self, world):
        done = world.release(world.decide(world.ask()))
        assert done["state"] == "released"
        wanted = staged_bytes(masked_tables(4), sample_rules())[PART]
        (part,) = [name for name in world.released() if name.endswith(PART)]
        assert (world.folder / "released" / part).read_bytes() == wanted

    @pytest.mark.parametrize("how", ["denied", "released", "expired"])
    def test_its_key_is_erased_before_its_files(self, world, how):
        if how == "released":
            world.release(world.decide(world.ask()))
        elif how == "denied":
            world.decide(world.ask(), verdict="deny")
        else:
            world.stage()
            world.clock.forward(hours=25)
        world.gate.sweep()
        assert world.staged() == {}
        types = [entry["type"] for entry in world.entries("staging.key_erased", "staging.deleted")]
        assert types == ["staging.key_erased", "staging.deleted"]

    def test_a_changed_file_is_refused_before_anybody_is_asked(self, world):
        staging = world.stage()
        path = world.staged()[f"{staging}/{PART}"]
        stored = bytearray(path.read_bytes())
        stored[-20] ^= 1
        path.write_bytes(stored)
        document = world.ask(staging=staging)
        assert document["state"] == "refused"
        assert "is not as the gate wrote it" in document["message"]

    def test_a_file_of_another_staging_is_refused(self, world):
        one, other = world.stage(), world.stage()
        Path(world.staged()[f"{one}/{PART}"]).write_bytes(world.staged()[f"{other}/{PART}"].read_bytes())
        assert "is not as the gate wrote it" in world.ask(staging=one)["message"]

    def test_another_wrapping_key(self, world):
        staging = world.stage()
        world.wrapping = Key("staging", bytes(32))
        world.start()
        assert "cannot be unwrapped" in world.ask(staging=staging)["message"]

    def test_a_wrapping_key_with_a_new_version(self, world):
        staging = world.stage()
        world.wrapping = Key("staging", bytes(32), version=2, older={1: bytes(range(32))})
        world.start()
        assert world.ask(staging=staging)["state"] == "pending"

    def test_a_root_that_is_encrypted_no_more(self, world):
        staging = world.stage()
        world.wrapping = None
        world.start()
        assert world.ask(staging=staging)["state"] == "refused"


class TestSealedCopy:
    """The gate's own copy lies encrypted too: it is measured, shown and released without being written in the open."""

    def sealed(self, world, document):
        root = world.folder / "sealed" / document["id"]
        return {path.parent.name + "/" + path.name: path for path in root.rglob("*") if path.is_file()}

    def test_nothing_of_it_can_be_read_in_the_home(self, world):
        document = world.ask()
        assert document["state"] == "pending", document["message"]
        plain = staged_bytes(masked_tables(4), sample_rules())
        sealed = self.sealed(world, document)
        assert set(sealed) == {"1/manifest.json", "customers/part-00000.parquet", "orders/part-00000.parquet"}
        for path in sealed.values():
            stored = path.read_bytes()
            assert not any(content in stored for content in (*plain.values(), b"PAR1", b"em_", b"customers"))

    def test_it_is_measured_and_shown(self, world):
        document = world.ask()
        assert document["evidence"]["measured"]["tables"]["customers"]["rows"] == 4
        who = Identity(("okta|bert",), "web", (), world.clock.now())
        rows = world.gate.view_sample(document["id"], who)["orders"].rows
        assert [row[1] for row in rows] == ["0", "1", "2", "3"]

    def test_a_changed_copy_is_not_released(self, world):
        document = world.decide(world.ask())
        path = self.sealed(world, document)[PART]
        stored = bytearray(path.read_bytes())
        stored[-20] ^= 1
        path.chmod(0o600)
        path.write_bytes(stored)
        assert world.release(document)["state"] == "failed"
        assert world.released() == []

    def test_nor_a_plain_one_of_other_bytes_in_its_place(self, world):
        document = world.decide(world.ask())
        path = self.sealed(world, document)[PART]
        path.chmod(0o600)
        path.write_bytes(staged_bytes(masked_tables(5), sample_rules())[PART])
        done = world.release(document)
        assert "is not what was signed" in done["message"]
        assert world.released() == []

    @pytest.mark.parametrize("verdict", ["approve", "deny"])
    def test_its_deletion_is_an_entry(self, world, verdict):
        document = world.decide(world.ask(), verdict=verdict)
        if verdict == "approve":
            world.release(document)
        world.gate.sweep()
        assert self.sealed(world, document) == {}
        types = [entry["type"] for entry in world.entries("sealed_copy.deleted", "staging.key_erased")]
        assert types == ["sealed_copy.deleted", "staging.key_erased"]
        (entry,) = world.entries("sealed_copy.deleted")
        assert entry["state"] == ("released" if verdict == "approve" else "denied")
        world.gate.sweep()
        assert len(world.entries("sealed_copy.deleted")) == 1

    def test_the_root_names_no_key_any_more(self, world):
        document = world.ask()
        world.wrapping = None
        world.store.close()
        world.start()
        with pytest.raises(Refused, match="no longer names"):
            world.gate.view_sample(document["id"], Identity(("okta|bert",), "web", (), world.clock.now()))


class TestAnyOrder:
    """Where it is measured, an encrypted file is read in any order."""

    @pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 5])
    def test_reads_what_was_put_in(self, size):
        plain = random.Random(size).randbytes(size)
        file = DecryptedFile(io.BytesIO(encrypted(plain, KEY)), KEY, PART)
        assert file.seek(0, io.SEEK_END) == size
        assert file.read() == b""
        for start in (0, 1, CHUNK - 2, CHUNK, size - 3, size + 10):
            file.seek(max(0, start))
            wanted = plain[max(0, start) :][: CHUNK + 2]
            assert file.read(CHUNK + 2) == wanted
            assert file.tell() == max(0, start) + len(wanted)

    @pytest.mark.parametrize("at", [30, -1, CHUNK + 40])
    def test_a_changed_byte(self, at):
        stored = bytearray(encrypted(bytes(2 * CHUNK), KEY))
        stored[at] ^= 1
        with pytest.raises(OSError, match="was changed"):
            DecryptedFile(io.BytesIO(stored), KEY, PART).read()

    def test_a_chunk_that_was_cut_off(self):
        stored = encrypted(bytes(2 * CHUNK), KEY)[: 20 + CHUNK + 16]
        with pytest.raises(OSError, match="was changed"):
            DecryptedFile(io.BytesIO(stored), KEY, PART).read()


def encrypted(plain, key, path=PART):
    return Encrypting(io.BytesIO(plain), key, path, 1 << 30).read(1 << 30)


def decrypted(stored, key, path=PART):
    stream, parts = Decrypting(io.BytesIO(stored), key, path), []
    while part := stream.read(100_000):
        parts.append(part)
    return b"".join(parts)


class TestCipher:
    """What is read is what was written, to the last byte, or nothing."""

    @pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK])
    def test_any_size(self, size):
        key = StagingKey.new("stg_1")
        plain = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
        assert decrypted(encrypted(plain, key), key) == plain

    def test_the_same_bytes_never_look_the_same(self):
        key = StagingKey.new("stg_1")
        assert encrypted(b"the same", key) != encrypted(b"the same", key)

    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(lambda stored: b"", id="emptied"),
            pytest.param(lambda stored: stored[:10], id="cut in its head"),
            pytest.param(lambda stored: stored[:20], id="cut after its head"),
            pytest.param(lambda stored: stored[: 20 + CHUNK + 16], id="cut between chunks"),
            pytest.param(lambda stored: stored[:-1], id="cut at its end"),
            pytest.param(lambda stored: stored + b"x", id="longer"),
            pytest.param(lambda stored: stored[:20] + stored[20 + CHUNK + 16 :], id="without its first chunk"),
            pytest.param(
                lambda stored: stored[:20] + 2 * stored[20 : 20 + CHUNK + 16] + stored[20 + 2 * (CHUNK + 16) :],
                id="with a chunk twice",
            ),
            pytest.param(lambda stored: b"MGS2" + stored[4:], id="of another format"),
            pytest.param(lambda stored: stored[:4] + b"x" * 16 + stored[20:], id="with another salt"),
        ],
    )
    def test_changed(self, change):
        key = StagingKey.new("stg_1")
        stored = encrypted(b"a" * CHUNK + b"b" * CHUNK + b"c", key)
        with pytest.raises(Refused, match="is not as the gate wrote it"):
            decrypted(change(stored), key)

    def test_under_another_name(self):
        key = StagingKey.new("stg_1")
        with pytest.raises(Refused):
            decrypted(encrypted(b"x", key), key, "orders/part-00000.parquet")

    def test_too_large(self):
        stream = Encrypting(io.BytesIO(b"123456"), StagingKey.new("stg_1"), PART, 5)
        with pytest.raises(Refused, match="larger than the 5 bytes"):
            stream.read(100)

    def test_a_wrapped_key_is_for_one_staging(self):
        wrapped = StagingKey.new("stg_1").wrapped(WRAPPING)
        with pytest.raises(Refused, match="cannot be unwrapped"):
            StagingKey.unwrapped("stg_2", wrapped, WRAPPING)

    def test_keys_do_not_show(self):
        assert repr(StagingKey("stg_1", b"\x07" * 32)) == "StagingKey('stg_1')"


class TestEncryptedWhileWritten:
    """A file that is written encrypted reads as one that was encrypted on the way."""

    @pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5])
    @pytest.mark.parametrize("piece", [1 << 16, 3 * CHUNK])
    def test_what_was_written_is_read(self, tmp_path, size, piece):
        plain = random.Random(size).randbytes(size)
        file = EncryptingFile((tmp_path / "part").open("xb"), KEY, PART)
        for start in range(0, size, piece):
            file.write(memoryview(plain)[start : start + piece])
        file.close()
        with (tmp_path / "part").open("rb") as stream:
            assert Decrypting(stream, KEY, PART).read(size + 1) == plain
        with (tmp_path / "part").open("rb") as stream:
            assert DecryptedFile(stream, KEY, PART).read() == plain

    def test_what_was_cut_off_is_not_taken_for_whole(self, tmp_path):
        file = EncryptingFile((tmp_path / "part").open("xb"), KEY, PART)
        file.write(b"x" * (2 * CHUNK + 1))
        file.discard()
        with (tmp_path / "part").open("rb") as stream, pytest.raises(Refused, match="not as the gate wrote it"):
            Decrypting(stream, KEY, PART).read(4 * CHUNK)
