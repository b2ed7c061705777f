"""The gate's database: one file, one history of migrations, one transaction for a change and its ledger entry."""

from maskgate.store.database import Store, Work
from maskgate.store.deferred import defer
from maskgate.store.prepared import Asked

__all__ = ["Asked", "Store", "Work", "defer"]
