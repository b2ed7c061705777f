"""What can go wrong, as one tree.

::

    MaskgateError                      exit code
    ├── UsageError                     2   what was asked for cannot be understood
    │   ├── RulesError                 2   the rules file; all problems together
    │   ├── PlanError                  2   the rules do not fit the data's schema
    │   ├── PolicyError                2   the policy file; all problems together
    │   ├── ConfigurationError         2   the gate's configuration
    │   └── KeyReferenceError          2   a key cannot be had, or is too weak
    ├── DatasetError                   1   a file is missing, corrupt or changed
    ├── MaskingError                   1   a method cannot take a value of a column
    ├── LedgerError                    1   the ledger does not agree with itself
    ├── Refused                        3   the gate says no, and why
    │   ├── NotAllowed                 3   this caller may not do this
    │   ├── NotFound                   3   there is no such thing, for this caller
    │   ├── Conflict                   3   the state does not permit it (any more)
    │   └── TooMany                    3   this caller keeps as many as it may; end some first
    ├── StillPending                   4   nobody has decided yet
    ├── HostUnreachable                5   Airflow or Prefect did not answer the gate; try again
    ├── DatabaseUnreachable            5   the gate's database did not answer; try again
    └── GateUnreachable                5   the gate did not answer; try again

A message answers where, what is wrong, and what would be right. No message holds a cell value, nor does its cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest


class MaskgateError(Exception):
    """Something that Maskgate says about your request, data or files."""

    exit_code = 1


class UsageError(MaskgateError):
    """What was asked for cannot be understood."""

    exit_code = 2


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file, and where; `file` names another file if it is one that the file includes."""

    message: str
    line: int | None = None
    file: str | None = None

    def at(self, file: str) -> str:
        """Say the problem with its place."""
        place = self.file or file
        return f"{place}: {self.message}" if self.line is None else f"{place}:{self.line}, {self.message}"


class FileProblems(UsageError):  # noqa: N818  one error that carries many problems
    """All problems of one file, shown together."""

    def __init__(self, file: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(file, problems)
        self.file = file
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join(problem.at(self.file) for problem in self.problems)


class RulesError(FileProblems):
    """The rules file cannot be used."""


class PolicyError(FileProblems):
    """The policy file cannot be used."""


class ConfigurationError(FileProblems):
    """The gate's configuration cannot be used."""


class PlanError(UsageError):
    """The rules do not fit the data's schema; `places` says of each problem where its rule stands, if it is known."""

    def __init__(self, table: str, problems: tuple[str, ...], places: tuple[str, ...] = ()) -> None:
        super().__init__(table, problems, places)
        self.table = table
        self.problems = problems
        self.places = places

    def __str__(self) -> str:
        told = [f'table "{self.table}": {problem}' for problem in self.problems]
        placed = zip_longest(self.places, told, fillvalue="")
        return "\n".join(f"{place}, {problem}" if place else problem for place, problem in placed)


class KeyReferenceError(UsageError):
    """A key cannot be had, or is too weak to use."""


class DatasetError(MaskgateError):
    """A file is missing, corrupt or not what its manifest says."""


class MaskingError(MaskgateError):
    """A method cannot take a value of a column."""


class LedgerError(MaskgateError):
    """The ledger does not agree with itself, or with a checkpoint."""


class Refused(MaskgateError):  # noqa: N818  the gate's answer is a refusal, not an error
    """The gate says no, and why."""

    exit_code = 3


class NotAllowed(Refused):
    """This caller may not do this."""


class NotFound(Refused):
    """There is no such thing, as far as this caller may know."""


class Conflict(Refused):
    """The state does not permit it, or does no longer."""


class TooMany(Refused):
    """This caller keeps as many of these as it may."""


class StillPending(MaskgateError):  # noqa: N818  pending is a state
    """Nobody has decided yet."""

    exit_code = 4


class HostUnreachable(MaskgateError):  # noqa: N818  reads as what it is
    """The orchestrator did not answer the gate. Nothing was decided or released; try again."""

    exit_code = 5


class DatabaseUnreachable(MaskgateError):  # noqa: N818  reads as what it is
    """The gate's database did not answer. Nothing was decided or released; try again."""

    exit_code = 5


class GateUnreachable(MaskgateError):  # noqa: N818  reads as what it is
    """The gate did not answer. Nothing was released; try again."""

    exit_code = 5
