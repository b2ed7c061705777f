"""Keys from Prefect's blocks: ``prefect-secret:NAME`` in a rules file.

The value of the `Secret` block is the text of the key: base64, or several ``VERSION:BASE64``, a line each.
"""

from __future__ import annotations

from maskgate.errors import KeyReferenceError
from prefect_maskgate.host_version import Secret


def from_secret(name: str) -> str:
    """Return the text of a key.

    Args:
        name: The name of the block.

    Raises:
        KeyReferenceError: If there is no such block, or its value is no text.
    """
    try:
        # Also where a flow is asynchronous, this is called from code that is not.
        block = Secret.load(name, _sync=True)
    except ValueError:
        raise KeyReferenceError(
            f"there is no block secret/{name}. Make it under Blocks, or by Secret(value=…).save({name!r})"
        ) from None
    # `Secret.get` would read a text that happens to be JSON as such.
    value = block.value.get_secret_value()
    if not isinstance(value, str):
        raise KeyReferenceError("the value of the block is no text. It must be the text of the key")
    return value
