"""The rasterizer as a citizen of torch: compilers, functional transforms, operator checks, refusals."""

from __future__ import annotations

import functools

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from gendr import _ops, rasterize
from gendr.distributions import Logistic
from gendr.tnorms import Probabilistic, Yager
from renderers import distributions, random_triangles, t_conorms

FACES = random_triangles(2, 5, torch.float32)
TAU = 0.01


def draw(faces: torch.Tensor, tau: torch.Tensor | float = TAU) -> torch.Tensor:
    return rasterize(faces, 16, Logistic().squared(), tau, Yager(p=2.0)).alpha


def gradient(faces: torch.Tensor) -> torch.Tensor:
    leaf = faces.clone().requires_grad_()
    return torch.autograd.grad(draw(leaf).sum(), leaf)[0]


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # by Dynamo itself, torch 2.13
@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_whole(dynamic):
    compiled = torch.compile(draw, fullgraph=True, dynamic=dynamic, backend="aot_eager")
    for faces in (FACES, *([FACES[:, :3], random_triangles(3, 7, torch.float32)] if dynamic else [])):
        leaf, tau = faces.clone().requires_grad_(), torch.tensor(TAU).requires_grad_()
        alpha = compiled(leaf, tau)
        alpha.sum().backward()
        assert torch.equal(alpha, draw(faces))
        assert torch.equal(leaf.grad, gradient(faces))
        assert tau.grad != 0


def test_functional_gradient():
    assert torch.equal(torch.func.grad(lambda f: draw(f).sum())(FACES), gradient(FACES))


def test_vmap_folds_into_the_batch():
    several = torch.stack([FACES, FACES.flip(0)])
    each = torch.stack([draw(f) for f in several])
    assert torch.equal(torch.func.vmap(draw)(several), each)
    taus = torch.tensor([0.01, 0.02])
    assert torch.equal(torch.func.vmap(draw, in_dims=(None, 0))(FACES, taus)[1], draw(FACES, 0.02))
    gradients = torch.func.vmap(torch.func.grad(lambda f: draw(f).sum()))(several)
    assert torch.equal(gradients, torch.stack([gradient(f) for f in several]))


def test_checkpoint():
    leaf = FACES.clone().requires_grad_()
    checkpoint(draw, leaf, use_reentrant=False).sum().backward()
    assert torch.equal(leaf.grad, gradient(FACES))


def test_operators_pass_torch_s_own_checks():
    options = _ops.CoverageOptions(8, 8, "logistic", 0.0, False, True, "yager", 1e-6, 1.0, 100.0, 0)
    inputs = (FACES.clone(), torch.full((2,), TAU), torch.zeros(()), torch.tensor(2.0), None)
    torch.library.opcheck(torch.ops.gendr.coverage.default, (*inputs, *options))
    alpha, state = torch.ops.gendr.coverage(*inputs, *options)
    backward = (torch.rand_like(alpha), state, True, *inputs, *options)
    torch.library.opcheck(torch.ops.gendr.coverage_backward.default, backward)


@pytest.mark.filterwarnings(
    "ignore:.*torch.jit.script:DeprecationWarning"
)  # by torch's forward mode itself, torch 2.13
def test_what_has_no_derivative_says_so():
    leaf = FACES.clone().requires_grad_()
    options = _ops.CoverageOptions(8, 8, "logistic", 0.0, False, True, "yager", 1e-6, 1.0, 100.0, 0)
    with pytest.raises(RuntimeError, match="no derivative of the raw operators"):
        torch.ops.gendr.coverage(leaf, torch.full((2,), TAU), torch.zeros(()), torch.tensor(2.0), None, *options)
    (first,) = torch.autograd.grad(draw(leaf).sum(), leaf, create_graph=True)
    with pytest.raises(RuntimeError, match="no second derivatives"):
        first.square().sum().backward()
    with pytest.raises(RuntimeError, match="no second derivatives"):
        torch.func.grad(lambda f: torch.func.grad(lambda g: draw(g).sum())(f).square().sum())(FACES)
    with pytest.raises((RuntimeError, NotImplementedError), match="forward mode"):
        torch.func.jvp(draw, (FACES,), (FACES,))


def test_reference_has_second_derivatives():
    leaf = random_triangles(1, 2).requires_grad_()

    def alpha(faces: torch.Tensor) -> torch.Tensor:
        return rasterize(faces, (2, 3), Logistic(), 0.2, Probabilistic(), backend="reference").alpha

    assert torch.autograd.gradgradcheck(alpha, (leaf,), atol=1e-6)


def test_autocast_is_single_precision():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert rasterize(FACES.bfloat16(), 8).alpha.dtype == torch.float32


def draw_small(distribution, t_conorm, faces, tau, shift, *p):
    return rasterize(faces, (3, 4), distribution.shifted(shift), tau, t_conorm(*p), cutoff=0.0).alpha


SMOOTH = [d for d in distributions() if d.name != "heaviside"]  # a step has no derivative for differences to find


@pytest.mark.parametrize("distribution", SMOOTH, ids=str)
def test_gradients_are_finite_differences(distribution):
    """gradcheck in float64 over every pair: corners, tau, shift and p at once."""
    faces = random_triangles(1, 3).requires_grad_()
    tau = torch.tensor([0.07 if distribution.is_squared else 0.3], dtype=torch.float64).requires_grad_()
    shift = torch.tensor(0.05, dtype=torch.float64).requires_grad_()
    for t_conorm in t_conorms(like=faces):
        inputs = (faces, tau, shift, *([] if t_conorm.p is None else [t_conorm.p]))
        alpha = functools.partial(draw_small, distribution, type(t_conorm))
        # One random projection of the Jacobian. A CDF with corners moves by its slope times the step at most.
        assert torch.autograd.gradcheck(alpha, inputs, fast_mode=True, eps=1e-7, atol=2e-4, rtol=1e-3), t_conorm
