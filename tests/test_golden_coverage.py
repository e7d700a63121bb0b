"""Pictures of coverage against their references: every distribution on one triangle, and T-conorms side by side."""

import re

import pytest

from gendr.distributions import DISTRIBUTIONS
from gendr.tools.gallery.aggregations import INSTANCES, soft_teapot
from gendr.tools.gallery.distributions import OTHERS, TABLE, soft_triangle
from golden_images import GOLDEN, check

CELLS = [distribution for row in [*TABLE, OTHERS] for distribution in row]


def file_name(spec):
    """`gamma-p0.5-reversed` for `gamma(p=0.5, reversed)`."""
    return "-".join(re.findall(r"[\w.]+", spec.replace("=", "")))


@pytest.mark.parametrize("distribution", CELLS, ids=str)
def test_golden_triangle(distribution, tmp_path):
    check(f"triangle-{file_name(str(distribution))}", soft_triangle(distribution, 48), tmp_path)


@pytest.mark.parametrize("instance", INSTANCES, ids=str)
def test_golden_aggregation(instance, tmp_path):
    check(f"teapot-{file_name(str(instance))}", soft_teapot(instance, 10**-1.75, 48), tmp_path)


def test_every_distribution_is_in_the_table():
    assert {distribution.name for distribution in CELLS} == set(DISTRIBUTIONS)
    assert sum(len(row) for row in TABLE) == 30


def test_no_reference_is_left_over():
    names = {f"triangle-{file_name(str(d))}" for d in CELLS} | {f"teapot-{file_name(str(i))}" for i in INSTANCES}
    assert {path.stem for path in GOLDEN.glob("t*.png")} == names
