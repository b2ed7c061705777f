"""``maskgate detokenize``: values back for named tokens, only against a signed grant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from maskgate.cli.documents import exit_code_of, progress, show
from maskgate.errors import UsageError
from maskgate.gate.client import GateClient

if TYPE_CHECKING:
    from maskgate.methods.method import Domain

_MOST = 1000
# So many digits are a whole number below 2^53, which every reader of JSON keeps.
_SURE_DIGITS = 15


@click.command(name="detokenize")
@click.argument("rules", type=click.Path(path_type=Path))
@click.option("--domain", required=True, help="The domain that the tokens are of.")
@click.option("--token", "tokens", multiple=True, help="A token; as often as needed.")
@click.option("--tokens", "file", type=click.Path(path_type=Path), help="A text file with one token a line.")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="A new file: .parquet or .csv.")
@click.option("--why", default="", help="Why, for the reviewer.")
@click.option("--action", default="detokenize", show_default=True, help="The verb that policies match.")
@click.option("--wait", type=float, metavar="SECONDS", help="Wait so long for a signature; else until it is decided.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document: the request, and no value.")
def detokenize(  # noqa: PLR0917  click passes options by name
    rules: Path,
    domain: str,
    tokens: tuple[str, ...],
    file: Path | None,
    output: Path,
    why: str,
    action: str,
    wait: float | None,
    *,
    as_json: bool,
) -> int:
    """Write the values that tokens of RULES stand for to a file, once somebody has signed.

    Needs MASKGATE_URL, MASKGATE_TOKEN and the keys. Because the keys are here, this is the level verify: it does not
    hold back somebody who uses them without it. Where only the gate holds them, register a handler there.
    """
    from maskgate.approval import values_back  # noqa: PLC0415  `maskgate --help` needs no pyarrow
    from maskgate.approval.call import Call  # noqa: PLC0415  likewise
    from maskgate.rules import load_rules  # noqa: PLC0415  likewise

    if output.suffix not in {".parquet", ".csv"}:
        raise UsageError("--output names a file that ends in .parquet or .csv")
    loaded, named = load_rules(rules), [*tokens, *_lines(file)]
    values_back.must_be_reversible(loaded, domain)
    arguments = {values_back.TOKENS: _typed(named, loaded.domains[domain])}
    checked = values_back.check_tokens(arguments, _MOST)
    signed = {**arguments, "rules": loaded.digest, "output": str(output.absolute())}
    with GateClient.from_environment() as client:
        call = Call(client, action, domain, why=why, arguments=signed)
        call.wait(wait, progress)
        begun = call.begin(signed)
        written = False
        try:
            with call.carrying_out(begun):
                values_back.write_privately(values_back.values_of(loaded, domain, checked), output)
            written = True
        finally:
            document = call.report(begun, succeeded=written, exit_code=len(checked) if written else None)
    show(document, as_json=as_json)
    return exit_code_of(document)


def _lines(file: Path | None) -> list[str]:
    if file is None:
        return []
    try:
        return [line for line in file.read_text(encoding="utf-8").splitlines() if line]
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{file} cannot be read as text") from None


def _typed(tokens: list[str], domain: Domain) -> list[str] | list[int | str]:
    """Read tokens as the whole numbers that they are; as texts where only a text says them as they are."""
    if domain.digits is None and domain.format != "integer":
        return tokens
    only_as_text = any(len(each) > _SURE_DIGITS or each.startswith("0") for each in tokens if each != "0")
    if domain.digits is not None and only_as_text:
        return [each.zfill(domain.digits) for each in tokens]
    return [_number(each) for each in tokens]


def _number(token: str) -> int | str:
    return int(token) if token.isascii() and token.isdigit() else token
