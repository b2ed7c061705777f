"""The block ``MaskingRules``: which method each column gets, kept at Prefect instead of beside the flow."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field, model_validator

from prefect_maskgate.host_version import Block

if TYPE_CHECKING:
    import os
    from typing import Self

    from maskgate.rules import Rules


_TEXT_NAME = "<the block's rules>"


class MaskingRules(Block):
    """Says by which method each column of each table is masked.

    Args:
        path: Where the rules file is, as workers see it.
        text: Or the rules themselves, as YAML.

    Example:
        ```python
        from prefect_maskgate import MaskingRules

        rules = MaskingRules.load("BLOCK_NAME")
        ```
    """

    _block_type_name: ClassVar[str] = "Maskgate Masking Rules"
    _block_type_slug: ClassVar[str] = "maskgate-masking-rules"
    _documentation_url: ClassVar[str] = "https://docs.prefect.io/v3/concepts/blocks"  # type: ignore[assignment]

    path: str | None = Field(default=None, description="Where the rules file is, as workers see it.", min_length=1)
    text: str | None = Field(default=None, description="Or the rules themselves, as YAML.", min_length=1)

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if (self.path is None) == (self.text is None):
            raise ValueError("name either the path of the rules file, or the text of the rules")
        return self

    def rules(self) -> Rules:
        """Read the rules.

        Raises:
            RulesError: With every problem and its line.
        """
        # Late: whoever only reads the flow's file needs no YAML.
        from maskgate.rules import load_rules, read_rules  # noqa: PLC0415

        return read_rules(self.text, _TEXT_NAME) if self.text is not None else load_rules(self.path or "")


def read(rules: MaskingRules | str | os.PathLike[str]) -> Rules:
    """Read rules, given their block or the path of their file.

    Raises:
        RulesError: With every problem and its line.
    """
    from maskgate.rules import load_rules  # noqa: PLC0415  likewise

    return rules.rules() if isinstance(rules, MaskingRules) else load_rules(rules)
