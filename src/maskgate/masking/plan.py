"""Rules against a schema: what will happen to each column, decided before the first row.

* A column without a rule, a rule without a column, a type that a method does not take: nothing is masked, and all of
  it is said at once.
* Every method reads the original batch; no method sees another's output.
* The output has no metadata, and no field keeps a promise of the input that masking may break.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from maskgate.errors import MaskgateError, MaskingError, PlanError
from maskgate.masking.bare_schema import bare_field
from maskgate.masking.checked_columns import (
    protected_columns,
    protected_problems,
    unique_columns,
    unique_problems,
)
from maskgate.masking.column_plan import ColumnPlan, shown
from maskgate.masking.frames import Frame, find_reference
from maskgate.masking.nodes import Leaf, Pass
from maskgate.masking.planner import Planner
from maskgate.masking.report import ColumnReport, MaskingReport
from maskgate.masking.survivors import Survivors
from maskgate.masking.tally import Spending, Tally
from maskgate.methods.token import Token
from maskgate.methods.token_input import check_token_input
from maskgate.rules.findings import places_of
from maskgate.rules.path import Path
from maskgate.rules.strict_yaml import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from maskgate.keys import KeyRing
    from maskgate.masking.nodes import Node
    from maskgate.rules.model import Rules, TableRules

T = TypeVar("T")


@dataclass(frozen=True)
class MaskingPlan:
    """What happens to one table.

    Attributes:
        table: Its name in the rules.
        columns: What has a rule, or a stand-in for one, in the order of the data.
        entity: The path of the column that says whose row it is.
        output_schema: The schema that comes out.
        unique: Paths of the masked columns in which no value may stand twice.
        protected: Paths of the original columns of which no value may come out.
    """

    table: str
    columns: tuple[ColumnPlan, ...]
    entity: str | None
    output_schema: pa.Schema
    unique: frozenset[str] = frozenset()
    protected: tuple[str, ...] = ()
    _nodes: Mapping[str, Node] = field(default_factory=dict, repr=False)

    @classmethod
    def make(cls, rules: Rules, table_name: str, schema: pa.Schema, keys: KeyRing) -> MaskingPlan:
        """Check the rules of a table against its schema.

        Args:
            rules: The rules.
            table_name: The table's name in the rules.
            schema: The schema of the data.
            keys: The keys that the rules refer to.

        Raises:
            PlanError: With everything that does not fit.
            KeyReferenceError: If a key is not in the ring.
        """
        table = table_rules(rules, table_name)
        planner = Planner(rules, table, schema, keys)
        problems = list(_name_problems(schema))
        nodes = planner.columns()
        problems += planner.problems
        problems += _row_problems("entity", table.entity, schema)
        problems += _row_problems("row key", table.row_key, schema)
        columns = tuple(plan for node in nodes.values() for plan in node.leaves())
        problems += unique_problems(table, columns, complete=not problems)
        problems += protected_problems(table, schema)
        outputs = [bare_field(name, node.type) for name, node in nodes.items() if node.type is not None]
        if not problems and not outputs:
            problems.append("every column is dropped, so that nothing would be left. Keep one, or leave the table out.")
        if problems:
            raise PlanError(table_name, tuple(problems), places_of(problems, table_name, rules))
        unique, protected = unique_columns(table, columns), protected_columns(table, schema)
        return cls(table_name, columns, table.entity, pa.schema(outputs), unique, protected, nodes)

    @cached_property
    def _seen_by_others(self) -> frozenset[str]:
        """The columns that the method of another column, or of an element in a list, looks at."""
        references = (each for plan in self.columns for case in plan.cases for each in case.references())
        return frozenset(each.names[0] for each in references if not each.depth)

    @property
    def whole_table(self) -> bool:
        """Whether some method must see all rows at once."""
        return any(plan.whole_table for plan in self.columns)

    def mask_batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Mask one batch.

        Raises:
            MaskingError: If a method cannot take a value; the message names the column.
        """
        return self.mask_and_report(batch)[0]

    def mask_and_report(self, batch: pa.RecordBatch) -> tuple[pa.RecordBatch, MaskingReport]:
        """Mask one batch, and count what was done.

        What only a whole table can say is left out: the checks of the rules, and epsilon. :class:`MaskingRun` has it.
        """
        run = Pass(self.table, Tally(self.table))
        return self.mask_in(run, [batch]), MaskingReport(self.table, batch.num_rows, run.reports)

    def mask_in(self, run: Pass, held: list[pa.RecordBatch]) -> pa.RecordBatch:
        """Mask one batch of a run.

        Args:
            run: The run.
            held: The batch, which is taken out: where nobody else has it, a column is gone as soon as it is masked, but
                for those that methods of others look at.
        """
        batch = held.pop()
        frame = Frame(batch.select([name for name in self._nodes if name in self._seen_by_others]))
        columns = [batch.column(name) for name in reversed(list(self._nodes))]
        del batch
        masked = [self._masked(name, columns.pop(), frame, run) for name in self._nodes]
        return pa.RecordBatch.from_arrays([each for each in masked if each is not None], schema=self.output_schema)

    def look(self, batch: pa.RecordBatch, see: Callable[[ColumnPlan, pa.Array, Frame], None]) -> None:
        """Show the cells of all columns that a batch has, as their plans get them.

        Raises:
            MaskingError: If a column cannot be taken apart, or what looks at them raises it.
        """
        frame = Frame(batch)
        for name in batch.schema.names:
            column = batch.column(name)
            self._apart(name, column, partial(self._nodes[name].look, column, frame, see))

    def leaves(self) -> Iterator[tuple[str, ColumnPlan]]:
        """Give the plans of all columns, each with the column of the table that it is in."""
        for name, node in self._nodes.items():
            for plan in node.leaves():
                yield name, plan

    def with_columns(self, change: Callable[[ColumnPlan], ColumnPlan]) -> MaskingPlan:
        """Return the same plan with other methods for some columns, which give the same types."""
        nodes = {name: node.with_plans(change) for name, node in self._nodes.items()}
        return replace(self, columns=tuple(plan for node in nodes.values() for plan in node.leaves()), _nodes=nodes)

    def unspelled(self) -> MaskingPlan:
        """Return the same plan for a format that spells tokens by itself.

        Its columns of tokens that spell bytes are these bytes, unless something wants to look at the text.
        """
        if self.protected or self.whole_table:
            return self
        found = {name: _unspelled(node.plan) for name, node in self._nodes.items() if isinstance(node, Leaf)}
        bare = {name: plan for name, plan in found.items() if plan is not None and name not in self.unique}
        nodes = {name: Leaf(plan) if (plan := bare.get(name)) else node for name, node in self._nodes.items()}
        fields = [item.with_type(bare[item.name].type) if item.name in bare else item for item in self.output_schema]
        columns = tuple(plan for node in nodes.values() for plan in node.leaves())
        return replace(self, columns=columns, output_schema=pa.schema(fields), _nodes=nodes)

    def _masked(self, name: str, column: pa.Array, frame: Frame, run: Pass) -> pa.Array | None:
        def mask() -> pa.Array | None:
            masked = self._nodes[name].mask(column, frame, run)
            if masked is not None:
                masked.validate()
            return masked

        return self._apart(name, column, mask)

    def _apart(self, name: str, column: pa.Array, act: Callable[[], T]) -> T:
        """Act on what is inside of a column; a failure tells which column it was, and nothing of its cells."""
        failure = ""
        try:
            return act()
        except MaskgateError:
            raise
        except Exception as error:  # noqa: BLE001  what Arrow says may quote a cell, and so may its traceback
            failure = type(error).__name__
        # Raised outside of the handler, so that not even the context of the error holds the original one.
        raise MaskingError(
            f'table "{self.table}", column "{name}" ({shown(column.type)}): its layout cannot be taken apart '
            f"({failure}). Drop the column, or convert it."
        )

    def tally(self) -> Tally:
        """Return what collects over all batches what no single one can say."""
        spending = {}
        for plan in self.columns:
            entity = next((case.entity for case in plan.cases if case.entity is not None), None)
            if "epsilon" in plan.facts and entity is not None and plan.output is not None:
                place = plan.input.rpartition("[]")[0]
                spending[plan.input] = Spending(plan.facts["epsilon"], entity, place)
        return Tally(self.table, self.unique, spending)

    def survivors(self) -> Survivors | None:
        """Return what collects over all batches whether originals come out; None if nobody asks."""
        return Survivors(self.table, self.protected, self.output_schema) if self.protected else None

    def empty_report(self) -> MaskingReport:
        """Return the report on no rows."""
        columns = {
            each.input: ColumnReport(each.methods, 0, None if each.output is None else 0, facts=each.facts)
            for each in self.columns
        }
        return MaskingReport(self.table, 0, columns)

    def key_versions(self) -> dict[str, int]:
        """Return the version of each key in use."""
        keys = [case.key for plan in self.columns for case in plan.cases if case.key is not None]
        return {key.name: key.version for key in keys}


def table_rules(rules: Rules, name: str) -> TableRules:
    """Return the rules of a table.

    Raises:
        PlanError: If there are none.
    """
    if name not in rules.tables:
        problems = (f"the rules have no such table.{did_you_mean(str(name), rules.tables)}",)
        raise PlanError(name, problems, places_of(problems, name, rules))
    return rules.tables[name]


def _name_problems(schema: pa.Schema) -> list[str]:
    repeated = [name for name, count in Counter(schema.names).items() if count > 1]
    return [f'column "{name}" is there more than once. Rename one of them.' for name in repeated]


def _row_problems(use: str, column: str | None, schema: pa.Schema) -> list[str]:
    """Say what keeps a column from telling whose row it is, or which."""
    if column is None:
        return []
    try:
        found = find_reference(column, schema, Path(()))
    except ValueError as error:
        said = str(error).removeprefix("it ")
        return [f'the {use} column "{column}" {said}{"" if said[-1] in ".?" else "."}']
    try:
        check_token_input(found.type)
    except ValueError as error:
        return [f'the {use} column "{column}" ({shown(found.type)}): {str(error).rstrip(".")}.']
    return []


def _unspelled(plan: ColumnPlan) -> ColumnPlan | None:
    """Return the plan of a column as bytes that its tokens spell; None if not all its cells are such tokens."""
    case = plan.cases[0]
    if len(plan.cases) > 1 or case.tests or case.rule.on_invalid != "fail" or not isinstance(case.method, Token):
        return None
    bare = case.method.unspelled() if plan.type in (pa.string(), pa.large_string()) else None
    if bare is None:
        return None
    return replace(plan, type=bare.output_type(pa.string()), cases=(replace(case, method=bare),))
