"""Every GPU kernel compiles with nvcc, and none in float32 spills registers. Runs wherever nvcc is, without a GPU."""

from __future__ import annotations

import json

import pytest

from gendr.tools import cuda_resources
from source_tree import ROOT

pytestmark = pytest.mark.skipif(cuda_resources.nvcc() is None, reason="nvcc is not on the path")


@pytest.fixture(scope="module", params=cuda_resources.kernel_files(), ids=lambda file: file.name)
def kernels(request):
    return cuda_resources.compiled(request.param, "sm_90")


def test_no_kernel_spills_in_float32(kernels):
    assert kernels
    for kernel in kernels:
        if "<float" in kernel.kernel or "<" not in kernel.kernel:
            assert kernel.registers > 0
            assert kernel.spill_stores == kernel.spill_loads == 0, kernel


def test_the_record_is_of_these_kernels(kernels):
    """Names only: registers differ from one nvcc to the next."""
    record = json.loads((ROOT / "docs" / "benchmarks" / "cuda_resources.json").read_text())
    recorded = {kernel["kernel"] for kernel in record["kernels"]}
    assert {kernel.kernel for kernel in kernels} <= recorded, "run: python -m gendr.tools.cuda_resources"


def test_the_document_shows_the_record():
    record = json.loads((ROOT / "docs" / "benchmarks" / "cuda_resources.json").read_text())
    kernels = [cuda_resources.Resources(**kernel) for kernel in record["kernels"]]
    text = (ROOT / "docs" / "cuda.md").read_text()
    assert cuda_resources.filled(text, kernels) == text
    assert cuda_resources.table(kernels) in text
