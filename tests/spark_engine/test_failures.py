from __future__ import annotations

import traceback

import pytest

from maskgate.errors import MaskingError

TRACE = """\
An exception was thrown from the Python worker:
Traceback (most recent call last):
  File "keys.py", line 1, in get
maskgate.errors.KeyReferenceError: key "people": it is not there

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "plan.py", line 1, in mask
maskgate.errors.MaskingError: column "c": 1 values are too long.
Shorten them.
"""


class TestTranslated:
    """An error of ours is told on the driver as itself, and any other stays as it is."""

    @pytest.mark.parametrize("behind", ["", "\n\nJVM stacktrace:\njava.lang.Exception"])
    def test_the_last_error_is_told_and_not_its_cause(self, behind):
        from pyspark.errors import PythonException  # noqa: PLC0415  only where there is Spark

        from maskgate.engines.spark.failures import translated  # noqa: PLC0415

        with pytest.raises(MaskingError) as caught, translated():
            raise PythonException(TRACE + behind)
        assert str(caught.value) == 'column "c": 1 values are too long.\nShorten them.'
        assert "Python worker" not in "".join(traceback.format_exception(caught.value))

    def test_an_error_of_somebody_else_stays(self):
        from pyspark.errors import PythonException  # noqa: PLC0415

        from maskgate.engines.spark.failures import translated  # noqa: PLC0415

        with pytest.raises(PythonException, match="ZeroDivisionError"), translated():
            raise PythonException("ZeroDivisionError: division by zero")
