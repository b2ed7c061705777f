from __future__ import annotations

import pyarrow as pa
import pytest

from maskgate.datasets.arrow_memory import kept_memory


@pytest.fixture
def own():
    """Arrow's own pool, whatever the environment says."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.mimalloc_memory_pool())
    yield
    pa.set_memory_pool(before)


class TestKeptMemory:
    """While runs last, Arrow takes memory from glibc; afterwards all is as before."""

    def test_the_pool_is_another_until_the_last_run_ends(self, own, monkeypatch):
        monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
        first, second = kept_memory(), kept_memory()
        first.__enter__()
        second.__enter__()
        assert pa.default_memory_pool().backend_name == "system"
        first.__exit__(None, None, None)
        assert pa.default_memory_pool().backend_name == "system"
        second.__exit__(None, None, None)
        assert pa.default_memory_pool().backend_name == "mimalloc"

    def test_it_comes_back_after_an_error(self, own, monkeypatch):
        monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
        with pytest.raises(ZeroDivisionError), kept_memory():
            raise ZeroDivisionError
        assert pa.default_memory_pool().backend_name == "mimalloc"

    def test_a_pool_that_somebody_chose_stays(self, own, monkeypatch):
        monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "mimalloc")
        with kept_memory():
            assert pa.default_memory_pool().backend_name == "mimalloc"
