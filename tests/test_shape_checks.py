"""The test suite's shape checks see what does not fit, and leave gendr's own errors and the compiler alone."""

import importlib
import sys

import jaxtyping
import pytest
import torch

import gendr
from gendr.render import losses
from gendr.render.rasterize import Raster

MODULE = """
from dataclasses import dataclass
from jaxtyping import Float
from torch import Tensor

def matching(a: Float[Tensor, "B 3"], b: Float[Tensor, "B"]) -> Float[Tensor, "B"]:
    return a[:, 0]

def lying(a: Float[Tensor, "B 3"]) -> Float[Tensor, "B"]:
    return a

def strict(a: Float[Tensor, "B 3"]) -> None:
    raise ValueError("a: refused by the function itself")

def crashing(a: Float[Tensor, "B 3"]) -> None:
    raise IndexError("out of range")

@dataclass(frozen=True)
class Record:
    a: Float[Tensor, "B 3"]

    def scaled(self, by: float) -> "Record":
        return Record(self.a * by)

    def repeated(self, times: int) -> int:
        return times
"""


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module of gendr that no other test knows."""
    (tmp_path / "probe.py").write_text(MODULE)
    monkeypatch.setattr(gendr, "__path__", [*gendr.__path__, str(tmp_path)])
    yield importlib.import_module("gendr.probe")
    del sys.modules["gendr.probe"]


def test_what_fits_passes(module):
    a = torch.ones(2, 3)
    assert module.matching(a, torch.ones(2)).shape == (2,)
    assert module.Record(a).scaled(2).a[0, 0] == 2  # an int is a float


@pytest.mark.parametrize("a", [torch.ones(2, 4), torch.ones(3, 3), torch.ones(2, 3, dtype=torch.int64)])
def test_wrong_arguments_are_seen(module, a):
    with pytest.raises(jaxtyping.TypeCheckError, match=r"the parameters of gendr\.probe\.matching"):
        module.matching(a, torch.ones(2))


def test_wrong_results_and_fields_are_seen(module):
    with pytest.raises(jaxtyping.TypeCheckError, match=r"the return value of gendr\.probe\.lying"):
        module.lying(torch.ones(2, 3))
    with pytest.raises(jaxtyping.TypeCheckError, match="a"):
        module.Record(torch.ones(3))
    with pytest.raises(jaxtyping.TypeCheckError, match="times"):
        module.Record(torch.ones(2, 3)).repeated(2.0)


def test_errors_of_the_function_itself_come_first(module):
    with pytest.raises(ValueError, match="refused by the function itself"):
        module.strict(torch.ones(7))
    with pytest.raises(jaxtyping.TypeCheckError):
        module.crashing(torch.ones(7))


def test_the_package_itself_is_checked():
    with pytest.raises(jaxtyping.TypeCheckError):
        Raster(alpha=torch.ones(4, 4))
    for function in (gendr.rasterize, losses.iou_loss, gendr.Camera.project, gendr.Mesh.__init__):
        assert function.is_checked


def test_compiled_code_is_not_checked(module):
    compiled = torch.compile(module.matching, fullgraph=True, backend="eager")
    assert compiled(torch.ones(2, 3), torch.ones(2)).shape == (2,)
