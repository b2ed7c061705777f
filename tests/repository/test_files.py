from __future__ import annotations

import re

import pytest

# Spelled so that this file does not match itself.
INDEX = re.compile(r"pypi[.]org|pythonhosted[.]org|--(extra-)?index[-]url|--find[-]links|https?://[^\s\"'`)]*/simple\b")
MACHINE = re.compile(r"/(?:root|home/\w+|Users/\w+|work)/[\w.]+")
LATER = re.compile(r"\b(?:TO[D]O|FIX[M]E|X{3})\b")
REQUIREMENTS = ["core", "server", "presidio", "spark", "airflow", "prefect", "tools"]


class TestFiles:
    """What no file of this repository holds."""

    @pytest.mark.parametrize(
        ("pattern", "reason"),
        [
            pytest.param(INDEX, "anyone's package index will do", id="no address of a package index"),
            pytest.param(MACHINE, "paths belong to one machine", id="no path of somebody's machine"),
            pytest.param(LATER, "do it, or open an issue", id="nothing left for later"),
        ],
    )
    def test_no_file_holds(self, texts, pattern, reason):
        found = [f"{name}: {match[0]}" for name, text in texts.items() for match in pattern.finditer(text)]
        assert found == [], reason

    def test_there_is_no_lock_that_records_an_index(self, tracked):
        assert [path.name for path in tracked if path.name == "uv.lock"] == []

    def test_no_folder_of_tests_or_samples_shadows_a_host(self, tracked, root):
        for path in tracked:
            parts = path.relative_to(root).parts
            if parts[0] in {"tests", "sample_dags"}:
                assert not {"airflow", "prefect"} & set(parts[:-1])


class TestRequirements:
    """Every environment is pinned to hashes."""

    @pytest.mark.parametrize("name", REQUIREMENTS)
    def test_every_requirement_is_pinned_and_hashed(self, root, name):
        text = (root / "requirements" / f"{name}.txt").read_text(encoding="utf-8")
        blocks = [block for block in re.split(r"\n(?=\S)", text) if block and not block.startswith("#")]
        assert blocks
        for block in blocks:
            assert re.match(r"[\w.\[\],-]+==[\w.]+", block), block.splitlines()[0]
            assert "--hash=sha256:" in block, block.splitlines()[0]

    def test_there_is_one_file_an_environment(self, root):
        assert sorted(path.stem for path in (root / "requirements").iterdir()) == sorted(REQUIREMENTS)
