"""What a decision may say beside verdict and reason: for whom, for how much, and in which haste."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from maskgate.gate.model import BreakGlassInput
from maskgate.server.strict_json import Body

if TYPE_CHECKING:
    from maskgate.gate.model import DecisionInput

_Name = Annotated[str, Field(max_length=200)]
_Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]


class BreakGlassBody(Body):
    """The incident for which somebody goes without the usual signatures."""

    ticket: _Name


class DecisionFieldsBody(Body):
    """The same in JSON: the person whom one stands in for, the standing approval's digest, the incident."""

    acting_for: _Name | None = None
    standing: _Digest | None = None
    break_glass: BreakGlassBody | None = None

    def beside(self) -> dict[str, Any]:
        """Return the fields as the gate takes them."""
        glass = None if self.break_glass is None else BreakGlassInput(self.break_glass.ticket)
        return {"acting_for": self.acting_for, "standing": self.standing, "break_glass": glass}


class DecisionFieldsForm(BaseModel):
    """The same in a form, where what is not chosen is empty."""

    model_config = ConfigDict(extra="forbid")

    acting_for: _Name = ""
    standing: _Name = ""
    break_glass: Annotated[str, Field(max_length=10)] = ""
    ticket: _Name = ""

    def beside(self) -> dict[str, Any]:
        """Return the fields as the gate takes them."""
        glass = BreakGlassInput(self.ticket) if self.break_glass else None
        return {"acting_for": self.acting_for or None, "standing": self.standing or None, "break_glass": glass}


def fields_of(decision: DecisionInput) -> dict[str, str]:
    """Return the hidden fields that carry these over another page."""
    glass = decision.break_glass
    given = {
        "acting_for": decision.acting_for,
        "standing": decision.standing,
        "break_glass": None if glass is None else "yes",
        "ticket": None if glass is None else glass.ticket,
    }
    return {name: value for name, value in given.items() if value}
