"""Reading a file of a sealed copy, encrypted or not, as the bytes that were sealed.

What is read is hashed by whoever reads it, and compared with what was signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, cast

from maskgate.gate.staging_cipher import Decrypting, is_encrypted

if TYPE_CHECKING:
    from maskgate.gate.model import Sealed


def opened_sealed(descriptor: int, sealed: Sealed, path: str) -> BinaryIO:
    """Open a file for one reading from beginning to end.

    Args:
        descriptor: The file; it is closed with what is returned.
        sealed: The copy that it is of.
        path: Its path there.

    Raises:
        Refused: While it is read, if it is encrypted and was changed.
    """
    file = open(descriptor, "rb", buffering=0)  # noqa: SIM115  by its descriptor; the caller closes it
    # A copy that an earlier version made of an encrypted staging is plain.
    if sealed.key is None or not is_encrypted(file.read(4)):
        file.seek(0)
        return cast("BinaryIO", file)
    file.seek(0)
    return cast("BinaryIO", Decrypting(cast("BinaryIO", file), sealed.key, path))
