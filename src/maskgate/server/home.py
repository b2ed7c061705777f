"""The gate's home: a folder that only its owner enters, and one gate at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from maskgate.errors import MaskgateError, UsageError
from maskgate.gate.tokens import USUAL_TOKENS

if TYPE_CHECKING:
    from typing import IO


@dataclass(frozen=True)
class Home:
    """Where a gate keeps what it must not lose.

    Attributes:
        folder: ``$MASKGATE_HOME``.
    """

    folder: Path

    @classmethod
    def find(cls, folder: Path | None) -> Home:
        """Return the home that was named, or that of the environment, or the usual one."""
        named = os.environ.get("MASKGATE_HOME")
        return cls((folder or (Path(named) if named else Path.home() / ".maskgate")).absolute())

    @property
    def configuration(self) -> Path:
        """The configuration, unless another is named."""
        return self.folder / "gate.yaml"

    @property
    def database(self) -> Path:
        """Ledger and state, where no server keeps them."""
        return self.folder / "gate.db"

    @property
    def store(self) -> str | Path:
        """Where ledger and state are: in the database that the environment names, or in a file here."""
        return os.environ.get("MASKGATE_DATABASE_URL") or self.database

    @property
    def has_store(self) -> bool:
        """Whether there is a database, as far as can be told without opening it."""
        return not isinstance(self.store, Path) or self.store.exists()

    def must_have_store(self) -> None:
        """See that there is a database.

        Raises:
            UsageError: If not, with what to name.
        """
        if not self.has_store:
            is_a_home = self.signing_key.exists()
            raise UsageError(
                f"there is no gate's database in {self.folder}. "
                + ("Name it by MASKGATE_DATABASE_URL" if is_a_home else "Name its home by --home or MASKGATE_HOME")
            )

    @property
    def signing_key(self) -> Path:
        """The Ed25519 key that signs grants and checkpoints."""
        return self.folder / "signing-key.pem"

    @property
    def signing_keys(self) -> Path:
        """Keys that took the place of the first one."""
        return self.folder / "signing-keys"

    @property
    def ring(self) -> Path:
        """The public keys of this gate, as it pins them for itself."""
        return self.folder / "ring.json"

    @property
    def sealed(self) -> Path:
        """The gate's own copies of staged files."""
        return self.folder / "sealed"

    def token(self, name: str) -> Path:
        """Where a token is kept for whoever sets up its holder."""
        return self.folder / f"{name}.token" if name in USUAL_TOKENS else self.folder / "tokens" / f"{name}.token"

    def make(self) -> None:
        """Make the folder, and close it to others."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.sealed.mkdir(mode=0o700, exist_ok=True)
            self.sealed.chmod(0o700)
        except OSError as error:
            raise MaskgateError(f"the gate's home {self.folder} cannot be used: {error.strerror}") from None

    def sealed_folder(self, shared: Path | None) -> Path:
        """Return where the gate's copies go: here, or in a folder that it shares with other gates.

        Raises:
            MaskgateError: If others than its owner can write to the shared one, or it cannot be made.
        """
        if shared is None:
            return self.sealed
        try:
            shared.mkdir(mode=0o700, parents=True, exist_ok=True)
            mode = shared.stat().st_mode
        except OSError as error:
            raise MaskgateError(f"`sealed:` {shared} cannot be used: {error.strerror}") from None
        if mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise MaskgateError(f"`sealed:` others than its owner can write to {shared}. Run: chmod go-w {shared}")
        return shared

    def lock(self) -> IO[bytes]:
        """Keep other gates out, for as long as the returned file is open.

        Raises:
            MaskgateError: If another gate runs here.
        """
        return _locked(self.folder / "gate.lock", f"another gate runs on {self.folder}. A home serves one gate")

    def lock_of_file(self, file: Path) -> IO[bytes]:
        """Keep gates with other homes away from a SQLite file, as long as the returned file is open.

        Raises:
            MaskgateError: If another gate uses it.
        """
        message = f"another gate runs on {file}. A SQLite file serves one gate; PostgreSQL serves several"
        return _locked(file.with_name(f"{file.name}.lock"), message)


def _locked(path: Path, message: str) -> IO[bytes]:
    file = path.open("wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise MaskgateError(f"{message}; stop that one first") from None
    return file
