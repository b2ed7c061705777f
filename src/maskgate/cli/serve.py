"""``maskgate serve``: the gate, in one process."""

from __future__ import annotations

from pathlib import Path

import click

from maskgate.errors import UsageError


@click.command(name="serve")
@click.option(
    "--config", type=click.Path(path_type=Path, dir_okay=False), help="The gate.yaml; by default in the home."
)
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Where the gate keeps its state.")
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A checkpoint kept elsewhere: refuse a database that is older than it, or another.",
)
def serve(config: Path | None, home: Path | None, checkpoint: Path | None) -> None:
    """Run the gate until it is stopped.

    The first start makes database, signing key and tokens, and prints the fingerprint to pin.
    """
    from maskgate.gate.without_pandas import keep_pandas_out  # noqa: PLC0415  the others may want it

    keep_pandas_out()
    try:
        from maskgate.server.start import run  # noqa: PLC0415  the server is an extra
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the gate needs the extra: pip install 'maskgate[server]' ({error.name} is missing)"
        ) from None
    run(config, home, say=lambda line: click.echo(line, err=True), checkpoint=checkpoint)
