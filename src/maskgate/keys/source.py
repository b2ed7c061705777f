"""What a source of keys is, for those who write one.

A source is a function, registered under a name in the entry point group ``maskgate.key_sources``. A reference in the
rules, ``NAME:REST``, asks it for the key::

    [project.entry-points."maskgate.key_sources"]
    acme-safe = "acme.safe:key_text"

    keys: {people: acme-safe:people/masking}       # calls key_text("people/masking")

* It returns the text of the key as `maskgate.keys.key_text` describes it: base64, or several ``VERSION:BASE64``.
* It raises `KeyReferenceError` with a sentence that holds no secret; the sentence is shown. Whatever else it raises
  is taken to hold one, and only the name of its class is shown.
"""

from __future__ import annotations

from typing import Protocol

ENTRY_POINT_GROUP = "maskgate.key_sources"


class KeySource(Protocol):
    """Gives the text of a key."""

    def __call__(self, name: str, /) -> str:
        """Return the text of the key.

        Args:
            name: What stands after the colon of the reference.

        Raises:
            KeyReferenceError: If there is no such key; the message is shown, and must hold no secret.
        """
