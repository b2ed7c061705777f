"""Merkle trees of RFC 9162."""

from __future__ import annotations

from hashlib import sha256

import pytest

from maskgate.ledger.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root,
    verify_consistency,
    verify_inclusion,
)

# The leaves and roots that Certificate Transparency's own implementations are tested with.
LEAVES = [
    leaf_hash(bytes.fromhex(body))
    for body in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
MANY = [leaf_hash(str(number).encode()) for number in range(37)]


def recursive_root(leaves):
    """The definition of section 2.1.1, as written there."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256(b"").digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + recursive_root(leaves[:split]) + recursive_root(leaves[split:])).digest()


class TestRoot:
    """The root over the leaves, however they were added."""

    def test_of_nothing_is_the_hash_of_nothing(self):
        assert root([]) == EMPTY_ROOT == sha256(b"").digest()

    @pytest.mark.parametrize("size", range(1, 9))
    def test_known_roots(self, size):
        assert root(LEAVES[:size]).hex() == ROOTS[size - 1]

    @pytest.mark.parametrize("size", range(38))
    def test_is_the_definition(self, size):
        assert root(MANY[:size]) == recursive_root(MANY[:size])

    def test_a_frontier_goes_on_where_it_was_stored(self):
        frontier = Frontier()
        for leaf in MANY:
            frontier = Frontier.from_bytes(frontier.size, frontier.as_bytes()).push(leaf)
        assert frontier.root() == recursive_root(MANY)


class TestInclusion:
    """A few hashes prove that one record is in a tree of known root."""

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 20, 37])
    def test_every_leaf_can_be_proved(self, size):
        leaves = MANY[:size]
        for index, leaf in enumerate(leaves):
            assert verify_inclusion(leaf, index, size, inclusion_proof(index, leaves), root(leaves))

    def test_the_proof_of_the_standard_example_has_its_length(self):
        assert [len(inclusion_proof(index, MANY[:7])) for index in (0, 3, 4, 6)] == [3, 3, 3, 2]

    @pytest.mark.parametrize(
        ("leaf", "index", "size"),
        [
            pytest.param(MANY[4], 3, 37, id="another leaf"),
            pytest.param(MANY[3], 4, 37, id="another place"),
            pytest.param(MANY[3], 3, 4, id="another size"),
            pytest.param(MANY[3], 37, 37, id="beyond the end"),
            pytest.param(MANY[3], -1, 37, id="before the beginning"),
        ],
    )
    def test_a_wrong_claim_is_not_proved(self, leaf, index, size):
        assert not verify_inclusion(leaf, index, size, inclusion_proof(3, MANY), root(MANY))

    def test_a_longer_or_shorter_proof_is_none(self):
        proof = inclusion_proof(3, MANY)
        assert not verify_inclusion(MANY[3], 3, 37, proof[:-1], root(MANY))
        assert not verify_inclusion(MANY[3], 3, 37, [*proof, MANY[0]], root(MANY))


class TestConsistency:
    """A few hashes prove that a tree only grew."""

    @pytest.mark.parametrize("size", [1, 2, 7, 8, 21, 37])
    def test_every_earlier_tree_is_a_prefix(self, size):
        leaves = MANY[:size]
        for old in range(1, size + 1):
            proof = consistency_proof(old, leaves)
            assert verify_consistency(old, root(leaves[:old]), size, root(leaves), proof)

    @pytest.mark.parametrize("old", [1, 6, 8, 36, 37])
    def test_a_changed_entry_shows(self, old):
        changed = [leaf_hash(b"changed"), *MANY[1:]]
        proof = consistency_proof(old, changed)
        assert not verify_consistency(old, root(MANY[:old]), 37, root(changed), proof)

    def test_a_tree_that_lost_its_end_is_not_consistent(self):
        assert not verify_consistency(37, root(MANY), 30, root(MANY[:30]), [])
