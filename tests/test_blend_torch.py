"""Blending as a citizen of torch: compilers, functional transforms, operator checks, refusals."""

from __future__ import annotations

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from gendr import _ops, rasterize
from gendr.distributions import Logistic
from gendr.render import FaceTextures
from gendr.tnorms import Yager
from renderers import random_triangles

FACES = random_triangles(2, 5, torch.float32)
COLOURS = torch.rand(2, 5, 3, 2, generator=torch.Generator().manual_seed(0))
UVS = torch.rand(1, 5, 3, 2, generator=torch.Generator().manual_seed(1))
TEXELS = torch.rand(12, 3, generator=torch.Generator().manual_seed(2))
MAPS, MAP_OF_FACE = torch.tensor([[0, 3, 4]]), torch.zeros(5, dtype=torch.int64)
OPTIONS = _ops.CoverageOptions(8, 8, "logistic", 0.0, False, True, "yager", 1e-6, 1.0, 100.0, 0)
SURFACES = {
    "attributes": _ops.SurfaceTensors(COLOURS),
    "shared attributes": _ops.SurfaceTensors(COLOURS[:1]),
    "textures": _ops.SurfaceTensors(None, UVS, TEXELS, MAPS, MAP_OF_FACE),
    "both": _ops.SurfaceTensors(COLOURS, UVS, TEXELS, MAPS, MAP_OF_FACE),
    "depth alone": _ops.SurfaceTensors(),
}


def everything(raster) -> torch.Tensor:
    parts = [raster.alpha[:, None], raster.depth[:, None], raster.background_weight[:, None]]
    return torch.cat([*parts, *([] if raster.features is None else [raster.features])], 1)


def draw(faces: torch.Tensor, colours: torch.Tensor | None = COLOURS, gamma=0.1, blend="soft") -> torch.Tensor:
    return everything(
        rasterize(faces, 12, Logistic().squared(), 0.01, Yager(p=2.0), attributes=colours, gamma=gamma, blend=blend)
    )


def draw_textured(faces, uvs, texels, colours=None, background=None) -> torch.Tensor:
    textures = FaceTextures.from_image(uvs, texels.reshape(3, 4, 3))
    options = {"attributes": colours, "textures": textures, "background": background, "gamma": 0.1}
    return everything(rasterize(faces, 12, Logistic().squared(), 0.01, Yager(p=2.0), **options))


def gradients(call, *tensors: torch.Tensor) -> list[torch.Tensor]:
    leaves = [t.clone().requires_grad_() for t in tensors]
    return list(torch.autograd.grad(call(*leaves).square().sum(), leaves))


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # by Dynamo itself, torch 2.13
@pytest.mark.parametrize("dynamic", [False, True])
def test_compiles_whole(dynamic):
    gamma = torch.tensor(0.1)
    for call, inputs in (
        (draw, (FACES, COLOURS, gamma)),
        (draw_textured, (FACES, UVS, TEXELS, COLOURS, torch.rand(5))),
        (lambda faces: draw(faces, None, blend="hard"), (FACES,)),
    ):
        compiled = torch.compile(call, fullgraph=True, dynamic=dynamic, backend="aot_eager")
        assert torch.equal(compiled(*inputs), call(*inputs))
        for got, want in zip(gradients(compiled, *inputs), gradients(call, *inputs), strict=True):
            assert torch.equal(got, want)


def test_functional_gradient():
    (want,) = gradients(draw, FACES)
    assert torch.equal(torch.func.grad(lambda f: draw(f).square().sum())(FACES), want)
    got = torch.func.grad(lambda *t: draw_textured(*t).square().sum(), argnums=(0, 1, 2))(FACES, UVS, TEXELS)
    for one, other in zip(got, gradients(draw_textured, FACES, UVS, TEXELS), strict=True):
        assert torch.equal(one, other)


def test_vmap():
    several = torch.stack([FACES, FACES.flip(0)])
    assert torch.equal(torch.func.vmap(draw)(several), torch.stack([draw(f) for f in several]))
    gammas = torch.tensor([0.1, 0.5])
    assert torch.equal(
        torch.func.vmap(draw, in_dims=(None, None, 0))(FACES, COLOURS, gammas)[1], draw(FACES, gamma=0.5)
    )
    colours = torch.stack([COLOURS, 1 - COLOURS])
    assert torch.equal(torch.func.vmap(draw, in_dims=(None, 0))(FACES, colours)[1], draw(FACES, 1 - COLOURS))
    mapped = torch.func.vmap(torch.func.grad(lambda f: draw(f).square().sum()))(several)
    assert torch.equal(mapped, torch.stack([gradients(draw, f)[0] for f in several]))


def test_checkpoint():
    leaf = FACES.clone().requires_grad_()
    checkpoint(draw, leaf, use_reentrant=False).square().sum().backward()
    assert torch.equal(leaf.grad, gradients(draw, FACES)[0])


@pytest.mark.parametrize("is_hard", [False, True])
@pytest.mark.parametrize("surface", SURFACES)
def test_operators_pass_torch_s_own_checks(surface, is_hard):
    scalars = (torch.full((2,), 0.01), torch.zeros(()), torch.tensor(2.0), torch.tensor(0.1))
    inputs = (FACES.clone(), *scalars, *SURFACES[surface], None, is_hard, True, 0.0, 0, *OPTIONS)
    torch.library.opcheck(torch.ops.gendr.blend.default, inputs)
    alpha, sums, record, state = torch.ops.gendr.blend(*inputs)
    wants_texels = SURFACES[surface].texels is not None
    incoming = (torch.rand_like(alpha), torch.rand_like(record), sums, record, state, True, True, wants_texels)
    torch.library.opcheck(torch.ops.gendr.blend_backward.default, (*incoming, *inputs))


def test_packed_operators_pass_torch_s_own_checks():
    scalars = (torch.full((2,), 0.01), torch.zeros(()), torch.tensor(2.0), torch.tensor(0.1))
    surface = _ops.SurfaceTensors(COLOURS[0], UVS[0], TEXELS, MAPS, MAP_OF_FACE)
    ranges = torch.tensor([[0, 2], [2, 4]])
    inputs = (FACES[0].clone(), *scalars, *surface, ranges, False, True, 0.0, 0, *OPTIONS)
    torch.library.opcheck(torch.ops.gendr.blend.default, inputs)
    alpha, sums, record, state = torch.ops.gendr.blend(*inputs)
    incoming = (torch.rand_like(alpha), torch.rand_like(record), sums, record, state, True, True, True)
    torch.library.opcheck(torch.ops.gendr.blend_backward.default, (*incoming, *inputs))


@pytest.mark.filterwarnings(
    "ignore:.*torch.jit.script:DeprecationWarning"
)  # by torch's forward mode itself, torch 2.13
def test_what_has_no_derivative_says_so():
    leaf = FACES.clone().requires_grad_()
    scalars = (torch.full((2,), 0.01), torch.zeros(()), torch.tensor(2.0), torch.tensor(0.1))
    with pytest.raises(RuntimeError, match="no derivative of the raw operators"):
        torch.ops.gendr.blend(leaf, *scalars, *SURFACES["both"], None, False, True, 0.0, 0, *OPTIONS)
    colours = COLOURS.clone().requires_grad_()
    first = torch.autograd.grad(draw(leaf, colours).square().sum(), (leaf, colours), create_graph=True)
    for gradient in first:
        with pytest.raises(RuntimeError, match="no second derivatives"):
            gradient.square().sum().backward(retain_graph=True)
    with pytest.raises((RuntimeError, NotImplementedError), match="forward mode"):
        torch.func.jvp(draw, (FACES,), (FACES,))


def test_only_what_is_wanted_is_differentiated():
    """Each gradient alone is what it is among the others."""
    tensors = (FACES, UVS, TEXELS, COLOURS)
    together = gradients(draw_textured, *tensors)
    for i, want in enumerate(together):
        leaves = [t.clone().requires_grad_(i == k) for k, t in enumerate(tensors)]
        draw_textured(*leaves).square().sum().backward()
        assert torch.equal(leaves[i].grad, want)
        assert all(leaf.grad is None for k, leaf in enumerate(leaves) if k != i)


def test_strided_inputs_are_read_right():
    faces, colours = (t.transpose(0, 1).contiguous().transpose(0, 1) for t in (FACES, COLOURS))
    assert not faces.is_contiguous()
    assert torch.equal(draw(faces, colours), draw(FACES, COLOURS))
    for got, want in zip(gradients(draw, faces, colours), gradients(draw, FACES, COLOURS), strict=True):
        assert torch.equal(got, want)


def test_autocast_is_single_precision():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        raster = rasterize(
            FACES.bfloat16(),
            8,
            attributes=COLOURS.bfloat16(),
            background=torch.ones(2, dtype=torch.bfloat16),
            gamma=torch.tensor(0.1, dtype=torch.bfloat16),
        )
    assert raster.alpha.dtype == raster.features.dtype == raster.depth.dtype == torch.float32
