"""Textures of faces: the bilinear definition against scipy's, every wrap, odd coordinates, gradients, and errors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates
from torch import Tensor

from gendr.render.texture import WRAPS, FaceTextures

# scipy's modes of the same meaning: `reflect` repeats the border texel, as a mirrored image does.
SCIPY_MODE = {"repeat": "grid-wrap", "clamp": "nearest", "mirror": "reflect"}
CORNERS = torch.tensor([[[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])


def of_image(image: Tensor, wrap: str = "repeat") -> FaceTextures:
    return FaceTextures.from_image(CORNERS.to(image.dtype), image, wrap)


# --- the definition ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("size", [(5, 7), (1, 1), (1, 4), (3, 1), (2, 2)])
def test_samples_are_scipys(wrap: str, size: tuple[int, int]) -> None:
    image = torch.rand(*size, 2, dtype=torch.float64)
    uv = 6 * torch.rand(500, 2, dtype=torch.float64) - 3
    uv[:50] = torch.randint(-4, 5, (50, 2)) / 2  # borders and centres exactly
    x, y = (uv[:, 0] * size[1] - 0.5).numpy(), ((1 - uv[:, 1]) * size[0] - 0.5).numpy()
    values = of_image(image, wrap).sample(uv, torch.tensor(0))
    for channel in range(2):
        wanted = map_coordinates(image[..., channel].numpy(), [y, x], order=1, mode=SCIPY_MODE[wrap])
        np.testing.assert_allclose(values[:, channel].numpy(), wanted, atol=1e-14)  # 14 eps of coordinates up to 21


def test_texel_centres_and_the_direction_of_v() -> None:
    image = torch.arange(6.0).reshape(2, 3, 1)
    textures = of_image(image, "clamp")
    for i in range(2):
        for j in range(3):
            uv = torch.tensor([(j + 0.5) / 3, 1 - (i + 0.5) / 2])
            assert textures.sample(uv, torch.tensor(0)).item() == pytest.approx(image[i, j].item(), abs=1e-6)
    assert textures.sample(torch.tensor([0.0, 0.0]), torch.tensor(0)).item() == 3.0  # bottom left
    assert textures.sample(torch.tensor([1.0, 1.0]), torch.tensor(0)).item() == 2.0  # top right


def test_several_maps_do_not_mix() -> None:
    images = [torch.full((h, w, 3), float(k)) for k, (h, w) in enumerate([(3, 2), (1, 1), (4, 5)])]
    textures = FaceTextures.from_maps(CORNERS.expand(4, 3, 2), images, torch.tensor([2, 0, 1, 1]))
    uv = 4 * torch.rand(3, 50, 2) - 2
    values = textures.sample(uv, torch.arange(3)[:, None])
    assert torch.allclose(values, torch.arange(3.0)[:, None, None].expand(3, 50, 3), atol=1e-6)
    assert [tuple(textures.image(k).shape) for k in range(3)] == [(3, 2, 3), (1, 1, 3), (4, 5, 3)]
    assert (textures.n_faces, textures.n_channels) == (4, 3)


def test_a_grid_has_its_texels_at_the_barycentric_coordinates_of_its_docstring() -> None:
    for size in (1, 2, 5):
        grids = torch.rand(3, size, size, 2, dtype=torch.float64)
        textures = FaceTextures.from_grids(grids)
        n = max(size - 1, 1)
        for i in range(size):
            for j in range(size - i):
                weights = torch.tensor([1 - (i + j) / n, i / n, j / n], dtype=torch.float64)
                uv = (weights[:, None] * textures.uvs[0]).sum(1)
                assert torch.allclose(textures.sample(uv, textures.map_of_face), grids[:, i, j], atol=1e-12)


# --- odd input ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", WRAPS)
@pytest.mark.parametrize("size", [(1, 1), (2, 3)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_no_coordinate_is_too_large(wrap: str, size: tuple[int, int], dtype: torch.dtype) -> None:
    largest = torch.finfo(dtype).max
    odd = torch.tensor(
        [0.0, -0.0, 1e-45, -1e-30, 0.5, 1.0, -1.0, 1e8, -1e8, 1e19, 1e30, largest, -largest], dtype=dtype
    )
    uv = torch.cartesian_prod(odd, odd).requires_grad_()
    image = torch.rand(*size, 3, dtype=dtype, requires_grad=True)
    values = of_image(image, wrap).sample(uv, torch.tensor(0))
    assert (values >= image.min() - 1e-6).all()
    assert (values <= image.max() + 1e-6).all()
    values.sum().backward()
    for gradient in (uv.grad, image.grad):
        assert gradient is not None
        assert torch.isfinite(gradient).all()


def test_faces_without_any_area_in_the_texture_and_no_faces_at_all() -> None:
    point = torch.full((1, 3, 2), 0.3, requires_grad=True)
    textures = FaceTextures.from_image(point, torch.rand(4, 4, 3))
    textures.sample(textures.uvs, textures.map_of_face[:, None]).sum().backward()
    assert point.grad is not None
    assert torch.isfinite(point.grad).all()
    empty = FaceTextures.from_image(torch.zeros(0, 3, 2), torch.rand(4, 4, 3))
    assert empty.sample(empty.uvs, empty.map_of_face[:, None]).shape == (1, 0, 3, 3)
    assert FaceTextures.from_grids(torch.zeros(0, 4, 4, 3)).n_faces == 0


# --- derivatives -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrap", WRAPS)
def test_gradients_in_coordinates_and_texels(wrap: str) -> None:
    # Nine points away from the lines between texel centres, on which the derivative jumps.
    cells = torch.randint(-9, 9, (9, 2)) + 0.2 + 0.6 * torch.rand(9, 2, dtype=torch.float64)
    uv = ((cells + 0.5) / torch.tensor([3.0, 4.0], dtype=torch.float64)).detach().requires_grad_()
    image = torch.rand(4, 3, 2, dtype=torch.float64, requires_grad=True)
    small = torch.rand(1, 1, 2, dtype=torch.float64, requires_grad=True)
    index = torch.tensor([0, 0, 0, 0, 0, 0, 0, 1, 1])

    def sample(uv: Tensor, *images: Tensor) -> Tensor:
        return FaceTextures.from_maps(CORNERS.double(), images, torch.tensor([0]), wrap).sample(uv, index)

    assert torch.autograd.gradcheck(sample, (uv, image, small))
    assert torch.autograd.gradgradcheck(sample, (uv, image, small))


def test_gradients_through_grids_and_other_texels() -> None:
    grids = torch.rand(2, 3, 3, 2, dtype=torch.float64, requires_grad=True)

    def of_grids(grids: Tensor) -> Tensor:
        textures = FaceTextures.from_grids(grids)
        return textures.sample(textures.uvs.mean(2), textures.map_of_face)

    assert torch.autograd.gradcheck(of_grids, (grids,))
    textures = FaceTextures.from_image(CORNERS, torch.rand(4, 4, 3))
    texels = torch.zeros(16, 1, requires_grad=True)
    other = textures.with_texels(texels)
    assert other.texels is texels
    assert (other.uvs is textures.uvs, other.wrap, other.n_channels) == (True, "repeat", 1)
    other.sample(other.uvs, torch.tensor(0)).sum().backward()
    assert texels.grad is not None
    assert texels.grad.sum().item() == pytest.approx(3.0)


def test_to_another_dtype_keeps_gradients() -> None:
    uvs, image = CORNERS.clone().requires_grad_(), torch.rand(2, 2, 3, requires_grad=True)
    textures = FaceTextures.from_image(uvs, image, "mirror").to(dtype=torch.float64)
    assert (textures.uvs.dtype, textures.texels.dtype, textures.wrap) == (torch.float64, torch.float64, "mirror")
    textures.sample(textures.uvs, torch.tensor(0)).sum().backward()
    assert uvs.grad is not None
    assert image.grad is not None


# --- errors ------------------------------------------------------------------------------------------------------

UVS = torch.zeros(1, 2, 3, 2)
TEXELS = torch.zeros(6, 3)
MAPS = torch.tensor([[0, 2, 3]])
OF_FACE = torch.zeros(2, dtype=torch.int64)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"uvs": UVS[0]}, "uvs: expected float32 or float64 [B, F, 3, 2], got float32 [2, 3, 2]"),
        ({"uvs": UVS.half()}, "uvs: expected float32 or float64 [B, F, 3, 2], got float16 [1, 2, 3, 2]"),
        ({"uvs": UVS + math.nan}, "uvs[0, 0, 0, 0]: expected a finite number, got nan"),
        ({"texels": TEXELS.double()}, "texels: expected float32 [N, C], got float64 [6, 3]"),
        ({"texels": TEXELS[:, :0]}, "texels: expected one channel or more, got float32 [6, 0]"),
        ({"texels": TEXELS - math.inf}, "texels[0, 0]: expected a finite number, got -inf"),
        (
            {"texels": TEXELS[:5]},
            "maps[0]: expected one texel or more within the 5, got first texel 0, height 2, width",
        ),
        ({"maps": MAPS.int()}, "maps: expected int64 [M, 3], got int32 [1, 3]"),
        ({"maps": torch.tensor([[0, 2, 3], [0, 0, 3]])}, "maps[1]: expected one texel or more within the 6, got first"),
        ({"maps": torch.tensor([[-1, 2, 3]])}, "maps[0]: expected one texel or more within the 6, got first texel -1"),
        (
            {"maps": torch.tensor([[0, 2**62, 4]])},
            "maps[0]: expected one texel or more within the 6, got first texel 0",
        ),
        ({"map_of_face": OF_FACE[:1]}, "map_of_face: expected int64 [2], got int64 [1]"),
        ({"map_of_face": OF_FACE + 1}, "map_of_face[0]: expected one of 1 maps, got 1"),
        ({"map_of_face": OF_FACE - 1}, "map_of_face[0]: expected one of 1 maps, got -1"),
        ({"wrap": "tile"}, "wrap: expected one of repeat, clamp, mirror, got 'tile'"),
        ({"texels": TEXELS.to("meta")}, "texels: expected the device of uvs, cpu, got meta"),
    ],
)
def test_bad_arguments_say_name_wanted_and_got(changes: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"uvs": UVS, "texels": TEXELS, "maps": MAPS, "map_of_face": OF_FACE}
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (the message is compared below)
        FaceTextures(**(arguments | changes))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: FaceTextures.from_image(UVS[0, 0], TEXELS.view(2, 3, 3)),
            "uvs: expected float32 or float64 [*, F, 3, 2]",
        ),
        (lambda: FaceTextures.from_image(UVS, TEXELS), "images[0]: expected float32 [H, W, C], got float32 [6, 3]"),
        (
            lambda: FaceTextures.from_image(UVS, torch.zeros(0, 3, 3)),
            "images[0]: expected one texel or more, got float",
        ),
        (lambda: FaceTextures.from_maps(UVS, [], OF_FACE), "images: expected one or more, got none"),
        (
            lambda: FaceTextures.from_maps(UVS, [torch.zeros(1, 1, 3), torch.zeros(1, 1, 4)], OF_FACE),
            "images[1]: expected float32 [H, W, 3], got float32 [1, 1, 4]",
        ),
        (lambda: FaceTextures.from_grids(torch.zeros(2, 3, 4, 3)), "grids: expected [F, R, R, C], R 1 or more"),
        (lambda: FaceTextures.from_grids(torch.zeros(2, 0, 0, 3)), "grids: expected [F, R, R, C], R 1 or more"),
        (
            lambda: of_image(torch.zeros(1, 1, 3)).sample(UVS, torch.tensor(1)),
            "map_index: expected one of 1 maps, got 1",
        ),
        (
            lambda: of_image(torch.zeros(1, 1, 3)).sample(UVS.double(), OF_FACE),
            "uv: expected float32 [*, 2], got float64",
        ),
        (lambda: of_image(torch.zeros(1, 1, 3)).with_texels(TEXELS), "texels: expected 1 texels on cpu, got 6 on cpu"),
    ],
)
def test_bad_calls_say_name_wanted_and_got(call: Any, message: str) -> None:
    with pytest.raises(ValueError) as raised:  # noqa: PT011 (the message is compared below)
        call()
    assert message in str(raised.value)


def test_what_is_no_tensor_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="texels: expected a tensor"):
        FaceTextures(UVS, [[0.0]], MAPS, OF_FACE)  # type: ignore[arg-type]
