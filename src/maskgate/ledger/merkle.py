"""Merkle trees as in RFC 9162, section 2.1: roots, inclusion proofs and consistency proofs over SHA-256.

A hash chain does not notice a missing tail; a tree whose size and root were seen outside does, and it proves with
few hashes that one record is in it, or that an older tree is a prefix of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EMPTY_ROOT = sha256(b"").digest()
_HASH_LENGTH = 32


def leaf_hash(body: bytes) -> bytes:
    """Hash one entry; the 0 in front keeps it from passing for an inner node."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two neighbouring subtrees."""
    return sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Compute the root over leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier = frontier.push(leaf)
    return frontier.root()


@dataclass(frozen=True)
class Frontier:
    """The roots of the full subtrees at the right edge, largest first: all that appending needs.

    Attributes:
        size: How many leaves there are.
        hashes: One hash for each bit that is set in `size`.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def push(self, leaf: bytes) -> Frontier:
        """Add a leaf hash."""
        hashes, size, top = list(self.hashes), self.size, leaf
        while size & 1:
            top = node_hash(hashes.pop(), top)
            size >>= 1
        return Frontier(self.size + 1, (*hashes, top))

    def root(self) -> bytes:
        """Compute the root of all leaves so far."""
        if not self.hashes:
            return EMPTY_ROOT
        found = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            found = node_hash(left, found)
        return found

    def as_bytes(self) -> bytes:
        """Return the hashes one after another."""
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, hashes: bytes) -> Frontier:
        """Make the frontier that :meth:`as_bytes` wrote."""
        parts = [hashes[start : start + _HASH_LENGTH] for start in range(0, len(hashes), _HASH_LENGTH)]
        return cls(size, tuple(parts))


def inclusion_proof(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Prove that leaf `index` is in the tree (RFC 9162, 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(index, leaves[:split]), root(leaves[split:])]
    return [*inclusion_proof(index - split, leaves[split:]), root(leaves[:split])]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], expected: bytes) -> bool:
    """Check an inclusion proof (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node_hash(step, found)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            found = node_hash(found, step)
        position, last = position >> 1, last >> 1
    return last == 0 and found == expected


def consistency_proof(old_size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Prove that the first `old_size` leaves are unchanged in the tree (RFC 9162, 2.1.4.1)."""
    return [] if old_size in {0, len(leaves)} else _subproof(old_size, leaves, whole=True)


def _subproof(old_size: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if whole else [root(leaves)]
    split = _split(len(leaves))
    if old_size <= split:
        return [*_subproof(old_size, leaves[:split], whole=whole), root(leaves[split:])]
    return [*_subproof(old_size - split, leaves[split:], whole=False), root(leaves[:split])]


def verify_consistency(old_size: int, old_root: bytes, size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Check a consistency proof (RFC 9162, 2.1.4.2)."""
    if old_size == size:
        return not proof and old_root == new_root
    if not 0 < old_size < size:
        return False
    # An older tree that is full is its own first step.
    steps = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not steps:
        return False
    position, last = old_size - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    older = newer = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            older, newer = node_hash(step, older), node_hash(step, newer)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            newer = node_hash(newer, step)
        position, last = position >> 1, last >> 1
    return last == 0 and older == old_root and newer == new_root


def _split(size: int) -> int:
    """Return the largest power of two smaller than a size."""
    return 1 << (size - 1).bit_length() - 1
