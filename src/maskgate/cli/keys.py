"""``maskgate keys``: make keys, look at those of a rules file, and add new versions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from maskgate.cli.key_file import check_key_name, write_key_file
from maskgate.errors import UsageError

if TYPE_CHECKING:
    from maskgate.keys.envelope import KeyWrapper


@click.group(name="keys")
def keys() -> None:
    """Make keys, look at those of a rules file, and add new versions."""


@keys.command(name="new")
@click.argument("name")
@click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it; by default keys/NAME.key, or keys/NAME.wrapped.",
)
@click.option(
    "--wrap-with",
    "wrapper",
    metavar="SERVICE:KEY",
    help="Have a service make and wrap the key: aws-kms:KMSKEY or vault-transit:[MOUNT/]KEY.",
)
def new(name: str, path: Path | None, wrapper: str | None) -> None:
    """Make the key NAME, 32 random bytes, in a file that only you can read.

    Prints the reference to write under `keys:` in a rules file that lies in this folder.
    """
    check_key_name(name)
    if wrapper is None:
        place = path or Path("keys", f"{name}.key")
        write_key_file(place)
        click.echo(f"{name}: file:{place}")
        click.echo("Keep a copy where your secrets are: without it, no further token will match.", err=True)
        return
    from maskgate.keys.wrappers import find_wrapper  # noqa: PLC0415  `--help` needs no keys

    place = path or Path("keys", f"{name}.wrapped")
    write_key_file(place, find_wrapper(wrapper).make_wrapped())
    click.echo(f"{name}: {wrapper}@{place}")
    click.echo(f"The key itself was seen by {wrapper} alone. Lose either, and no further token will match.", err=True)


@keys.command(name="list")
@click.argument("rules", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def list_keys(rules: str, *, as_json: bool) -> int:
    """Say of each key of RULES where it is, which versions it has, and what is wrong with it. Shows no key.

    Exits with 2 if a key cannot be had.
    """
    from maskgate.rules import load_rules  # noqa: PLC0415  `--help` needs no rules

    read = load_rules(rules, plugins=False)
    base = None if read.path is None else read.path.parent
    found = [_looked_up(name, reference, base) for name, reference in sorted(read.keys.items())]
    if as_json:
        click.echo(json.dumps({"keys": found}, ensure_ascii=False, indent=2))
    else:
        _show(found)
    return 2 if any(each["problem"] for each in found) else 0


@keys.command(name="rotate")
@click.argument("file")
def rotate(file: str) -> None:
    """Add the next version of a key on top of FILE; the old ones are kept.

    FILE is a path, or the reference to a file as the rules have it: file:PATH, aws-kms:KMSKEY@PATH or
    vault-transit:[MOUNT/]KEY@PATH, from this folder. It must have mode 0640 or stricter, and keeps it.
    """
    from maskgate.cli.key_rotation import rotate_key_file  # noqa: PLC0415  `--help` needs no keys

    path, wrapper = _file_of(file)
    current, *older = rotate_key_file(path, wrapper)
    click.echo(f"{path}: version {current}")
    kept = f"version{'s' * (len(older) > 1)} {', '.join(map(str, older))}"
    click.echo(
        f"New tokens are of version {current} from now on, and do not match those of {kept}.\n"
        "1. Give the file to every place that masks by this key, and keep a copy where your secrets are.\n"
        "2. Mask again what was masked before, all tables that are joined together; or carry tokens of `encrypt` and "
        "`fpe` over by the method `retokenize`.\n"
        "3. Once no token of an old version is left anywhere, delete its line. Until then it recognises them.",
        err=True,
    )


def _looked_up(name: str, reference: str, base: Path | None) -> dict[str, Any]:
    from maskgate.keys.sources import find_key, may_be_shown  # noqa: PLC0415  `--help` needs no keys

    found = find_key(reference, base)
    current = max(found.versions, default=None)
    return {
        "name": name,
        "reference": reference if may_be_shown(reference) else None,
        "versions": sorted(found.versions, reverse=True),
        "current": current,
        "bits": None if current is None else 8 * len(found.versions[current]),
        "problem": found.problem or None,
    }


def _show(found: list[dict[str, Any]]) -> None:
    if not found:
        click.echo("The rules refer to no key.", err=True)
    width = max((len(each["name"]) for each in found), default=0)
    for each in found:
        shown = f"{each['name']:<{width}}  {each['reference'] or '(no reference)'}"
        if each["problem"]:
            click.echo(f"{shown}  cannot be had")
            click.echo(f'key "{each["name"]}": {each["problem"]}', err=True)
            continue
        versions = ", ".join(map(str, each["versions"][1:]))
        older = f", and older: {versions}" if versions else ""
        click.echo(f"{shown}  version {each['current']} ({each['bits']} bits){older}")


def _file_of(file: str) -> tuple[Path, KeyWrapper | None]:
    """Tell a path from a reference; return the path, and what wraps the keys in it."""
    from maskgate.keys.sources import is_known_scheme  # noqa: PLC0415  `--help` needs no keys
    from maskgate.keys.wrappers import WRAPPERS, split_wrapped  # noqa: PLC0415

    scheme, colon, name = file.partition(":")
    if not colon or not is_known_scheme(scheme) or Path(file).exists():
        return Path(file), None
    if scheme in WRAPPERS:
        wrapper, path = split_wrapped(scheme, name)
        return Path(path), wrapper
    if scheme != "file":
        raise UsageError(_rotated_elsewhere(scheme, name))
    return Path(name), None


def _rotated_elsewhere(scheme: str, name: str) -> str:
    """Say how a key is rotated that no file holds."""
    from maskgate.keys.sources import find_key  # noqa: PLC0415  `--help` needs no keys

    versions = sorted(find_key(f"{scheme}:{name}", None).versions, reverse=True) or [1]
    written = ",".join(
        f"{version}:{'NEW' if version > versions[0] else '…'}" for version in (versions[0] + 1, *versions)
    )
    return (
        f"{scheme}:{name} is no file, so it is rotated where it is kept. Make a new version with "
        f"`openssl rand -base64 32`, and put it before the old: {written}. The highest version is the current one."
    )
