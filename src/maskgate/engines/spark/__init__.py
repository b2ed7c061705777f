"""Mask inside of Spark, by the same rules and with the same values as on one machine.

* Keys travel by reference: every executor resolves what the rules name, and no key is in what the driver sends.
* Everything is planned and checked on the driver before the first row is read.
* Methods that need all rows, shuffle and swap, run by Spark's own shuffles, and need a ``row_key:``.
"""

from __future__ import annotations

from maskgate.engines.spark.dataframe import SparkMasking, mask_dataframe

__all__ = ["SparkMasking", "mask_dataframe"]
