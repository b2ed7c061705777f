"""The block ``MaskingKeys``: named masking keys, kept among Prefect's secrets.

* No key shows in a repr, a log or an error.
* No key travels: a flow gives the block's name, and each worker loads it where it masks. The block is not pickled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from pydantic import Field, SecretStr

from maskgate.errors import UsageError
from prefect_maskgate.host_version import Block

if TYPE_CHECKING:
    from maskgate.keys import KeyRing


class MaskingKeys(Block):
    """Holds the keys that a rules file names, instead of the references that stand there.

    Args:
        texts: The text of each key by its name in the rules: base64, or several `VERSION:BASE64`, a line each.

    Example:
        ```python
        from prefect_maskgate import MaskingKeys

        keys = MaskingKeys.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str] = "Maskgate Masking Keys"
    _block_type_slug: ClassVar[str] = "maskgate-masking-keys"
    _documentation_url: ClassVar[str] = "https://docs.prefect.io/v3/concepts/blocks"  # type: ignore[assignment]

    # Not `keys`: whatever has that attribute is taken for a mapping, by Prefect too.
    texts: dict[str, SecretStr] = Field(
        default=...,
        description="The text of each key by its name in the rules, such as `openssl rand -base64 32` prints it.",
        min_length=1,
    )

    def key_ring(self) -> KeyRing:
        """Return the keys.

        Raises:
            KeyReferenceError: If any text is no key, or too weak a one.
        """
        # Late: whoever only reads the flow's file needs no cryptography.
        from maskgate.keys import KeyRing  # noqa: PLC0415

        return KeyRing.from_texts({name: text.get_secret_value() for name, text in self.texts.items()})

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        raise UsageError("masking keys do not travel between processes. Give the name of their block instead")


def ring_of(keys: MaskingKeys | str | None) -> Any:
    """Return a ring of keys, given their block, its name, or nothing.

    Raises:
        UsageError: If there is no such block.
    """
    if keys is None:
        return None
    if isinstance(keys, MaskingKeys):
        return keys.key_ring()
    try:
        block = MaskingKeys.load(keys, _sync=True)
    except ValueError:
        raise UsageError(
            f"there is no block maskgate-masking-keys/{keys}. Make it under Blocks, or by MaskingKeys(texts={{…}})"
            f".save({keys!r})"
        ) from None
    return block.key_ring()
