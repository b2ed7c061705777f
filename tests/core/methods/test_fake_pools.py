"""A pool is a function of kind, locale and Faker's version, and of nothing else."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from maskgate.methods import fake_pools
from maskgate.methods.fake_kinds import KINDS
from maskgate.methods.fake_pools import pool_of

ELSEWHERE = """
import random, sys
random.seed(int(sys.argv[1]))
from faker import Faker
Faker.seed(int(sys.argv[1])); Faker("de_DE").name()
from maskgate.methods.fake_pools import pool_of
print(*(pool_of(kind, locale).digest for kind, locale in (("company", "de_DE"), ("city", "en_GB"))))
"""


class TestPool:
    def test_it_does_not_depend_on_the_process(self):
        """Neither on the hash seed, nor on what else draws random numbers, nor on what Faker did before."""

        def digests(seed):
            environment = {**os.environ, "PYTHONHASHSEED": seed}
            command = [sys.executable, "-c", ELSEWHERE, seed]
            return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()

        random.seed(3)
        here = [pool_of(kind, locale).digest for kind, locale in (("company", "de_DE"), ("city", "en_GB"))]
        assert digests("1") == digests("2") == here

    def test_it_is_made_once_whoever_asks(self):
        with ThreadPoolExecutor(4) as threads:
            pools = list(threads.map(lambda _: pool_of("city", "fr_FR"), range(8)))
        assert all(pool is pools[0] for pool in pools)

    def test_it_leaves_the_random_numbers_of_others_alone(self):
        random.seed(1)
        expected = random.random()
        random.seed(1)
        fake_pools._made.__wrapped__("state", "en_US")
        assert random.random() == expected

    def test_no_two_entries_differ_by_case_alone(self):
        entries = pool_of("company", "en_US").entries.to_pylist()
        assert len({each.lower() for each in entries}) == len(entries)

    def test_templates_are_filled(self):
        """Names are made of all first and last names, as Faker puts them together."""
        names = pool_of("name", "en_US").entries.to_pylist()
        first, last = (set(pool_of(kind, "en_US").entries.to_pylist()) for kind in ("first_name", "last_name"))
        plain = [name.split(" ") for name in names if name.count(" ") == 1]
        assert len(plain) > 50_000
        assert all(one in first and other in last for one, other in plain)
        assert not [name for name in names if "{" in name]

    def test_a_lot_of_people_are_no_doctors(self):
        """Templates are as frequent as Faker has them."""
        names = pool_of("name", "en_US").entries.to_pylist()
        assert sum(name.startswith("Dr.") for name in names) < len(names) / 20

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "iban"])
    def test_every_kind_has_one(self, kind):
        assert len(pool_of(kind, "en_US").entries) >= 50

    @pytest.mark.parametrize("locale", ["es_CL", "es_AR", "fil_PH", "it_IT", "hu_HU", "zh_CN"])
    def test_odd_locales_have_streets_too(self, locale):
        """Where Faker's methods do more than fill a template, or need weights."""
        entries = pool_of("street_address", locale).entries.to_pylist()
        assert len(entries) > 1_000
        assert not [each for each in entries if "{" in each or "\n" in each]
