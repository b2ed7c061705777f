"""Signatures of people over their decisions, by passkey (WebAuthn).

* What is signed is the decision itself: the challenge is the digest of a statement of request, intent, context as
  shown, verdict, reason, person and account. Another byte is another challenge.
* The statement has a nonce and a time of this gate, so that no signature serves twice.
* The person was there and was verified (by a finger, a face, a code); the signature is of this gate's name and origin.
* What proves it is kept with the decision and in the ledger, so that anybody can verify it later, without the gate.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskgate.canonical import digest
from maskgate.errors import Refused
from maskgate.gate.relying_party import RelyingParty

if TYPE_CHECKING:
    from collections.abc import Mapping

STATEMENT = "maskgate-decision/1"
_SIGNED = (
    "request",
    "intent_digest",
    "context_digest",
    "verdict",
    "reason",
    "person",
    "account",
    "acting_for",
    "standing",
    "batch",
    "break_glass",
)


@dataclass(frozen=True)
class NewPasskey:
    """A public key that somebody's authenticator made for this gate."""

    credential: str
    public_key: bytes
    sign_count: int


def statement_of(decision: Mapping[str, Any], nonce: str, prepared_at: str) -> dict[str, Any]:
    """Return what a passkey signs of a decision.

    Args:
        decision: Its fields, as the ledger has them; what is not there is null.
        nonce: Random, of this gate.
        prepared_at: When this gate made it.
    """
    fields = {name: decision.get(name) for name in _SIGNED}
    return {"format": STATEMENT, **fields, "nonce": nonce, "prepared_at": prepared_at}


def challenge_of(statement: Mapping[str, Any]) -> bytes:
    """Return the challenge for a statement: its digest."""
    return bytes.fromhex(digest("passkey", statement).removeprefix("sha256:"))


def creation_options(
    party: RelyingParty, person: str, account: str, challenge: bytes, known: tuple[str, ...]
) -> dict[str, Any]:
    """Return what a browser needs to make a passkey.

    Args:
        party: This gate.
        person: Whose it will be.
        account: What to call it in the browser's list.
        challenge: Random.
        known: Ids of credentials that the person has already.
    """
    import webauthn  # noqa: PLC0415  slow to load, and most gates never ask
    from webauthn.helpers import structs  # noqa: PLC0415

    options = webauthn.generate_registration_options(
        rp_id=party.id,
        rp_name="Maskgate",
        user_id=bytes.fromhex(digest("passkey-person", person).removeprefix("sha256:")),
        user_name=account,
        user_display_name=person,
        challenge=challenge,
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[structs.PublicKeyCredentialDescriptor(id=_bytes(each)) for each in known],
    )
    made: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return made


def request_options(party: RelyingParty, challenge: bytes, known: tuple[str, ...]) -> dict[str, Any]:
    """Return what a browser needs to sign with one of the person's passkeys."""
    import webauthn  # noqa: PLC0415  slow to load, and most gates never ask
    from webauthn.helpers import structs  # noqa: PLC0415

    options = webauthn.generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        allow_credentials=[structs.PublicKeyCredentialDescriptor(id=_bytes(each)) for each in known],
        user_verification=structs.UserVerificationRequirement.REQUIRED,
    )
    made: dict[str, Any] = json.loads(webauthn.options_to_json(options))
    return made


def verify_new(party: RelyingParty, challenge: bytes, answer: Mapping[str, Any]) -> NewPasskey:
    """Verify what a browser answers to :func:`creation_options`.

    Raises:
        Refused: If it is not for this challenge and this gate, or nobody was verified.
    """
    import webauthn  # noqa: PLC0415  slow to load, and most gates never ask

    try:
        made = webauthn.verify_registration_response(
            credential=dict(answer),
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
        )
    except Exception as error:  # noqa: BLE001  a hostile answer may break its parser in any way
        raise Refused(f"this is no new passkey for this gate ({type(error).__name__}). Try again.") from None
    return NewPasskey(encoded(made.credential_id), made.credential_public_key, made.sign_count)


def verify_signature(
    party: RelyingParty, statement: Mapping[str, Any], answer: Mapping[str, Any], public_key: bytes, sign_count: int
) -> int:
    """Verify a signature over a statement, and return how often the passkey has signed by now.

    Raises:
        Refused: If it is not by this key, over this statement, at this gate, by somebody who was verified; or if the
            passkey has signed less often than it had before, as a copy of it would have.
    """
    import webauthn  # noqa: PLC0415  slow to load, and most gates never ask

    try:
        is_framed = json.loads(_bytes(answer["response"]["clientDataJSON"])).get("crossOrigin")
        verified = webauthn.verify_authentication_response(
            credential=dict(answer),
            expected_challenge=challenge_of(statement),
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except Exception as error:  # noqa: BLE001  a hostile answer may break its parser in any way
        raise Refused(
            f"the passkey's signature does not hold for this decision ({type(error).__name__}). Open the request, "
            "and sign again."
        ) from None
    if is_framed:
        raise Refused("the passkey was asked by a page of another site.")
    return verified.new_sign_count


def proof_of(
    party: RelyingParty, statement: Mapping[str, Any], answer: Mapping[str, Any], public_key: bytes
) -> dict[str, str]:
    """Return all that somebody needs to verify a signature later, beside the decision itself."""
    response = answer["response"]
    return {
        "credential": str(answer["id"]),
        "public_key": encoded(public_key),
        "rp_id": party.id,
        "origin": party.origin,
        "nonce": statement["nonce"],
        "prepared_at": statement["prepared_at"],
        "client_data": str(response["clientDataJSON"]),
        "authenticator_data": str(response["authenticatorData"]),
        "signature": str(response["signature"]),
    }


def verify_decision(decision: Mapping[str, Any], proof: Mapping[str, str]) -> None:
    """Verify a signed decision from the ledger's words alone.

    Args:
        decision: Its fields: the body of the entry, with ``verdict``.
        proof: What :func:`proof_of` made of it. Whose the public key is says the entry ``passkey.registered``.

    Raises:
        Refused: If a byte of it is another.
    """
    answer = {
        "id": proof["credential"],
        "rawId": proof["credential"],
        "type": "public-key",
        "response": {
            "clientDataJSON": proof["client_data"],
            "authenticatorData": proof["authenticator_data"],
            "signature": proof["signature"],
        },
    }
    statement = statement_of(decision, proof["nonce"], proof["prepared_at"])
    verify_signature(RelyingParty(proof["rp_id"], proof["origin"]), statement, answer, _bytes(proof["public_key"]), 0)


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encoded(content: bytes) -> str:
    """Write bytes as WebAuthn does in JSON: base64url, without padding."""
    return urlsafe_b64encode(content).rstrip(b"=").decode()
