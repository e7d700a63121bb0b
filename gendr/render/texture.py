"""Textures of faces: images of any sizes in one list of texels, and which piece of which image each face shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gendr import _check, _cuda, _ops
from gendr._autocast import in_single_precision, is_on, single, single_fields
from gendr._types import FaceUVs
from gendr.distributions._values import at_hand, concrete
from gendr.render.ordered_sums import taken
from gendr.render.texture_wraps import WRAPS, in_one_wrap


@dataclass(frozen=True, eq=False, repr=False)
class FaceTextures:
    r"""What faces show of `M` images (maps), sampled bilinearly; differentiable in the coordinates and the texels.

    uv (0, 0) is a map's bottom left corner, (1, 1) its top right one: u runs right, v up, as in OBJ. A map's row 0 is
    its top. The texel in row `i`, column `j` of an `H x W` map has its centre at `u = (j + 1/2) / W`,
    `v = 1 - (i + 1/2) / H`. Between the centres, with `x = u W - 1/2`, `y = (1 - v) H - 1/2`, `s = x - floor(x)` and
    `t = y - floor(y)`, the value is `(1-t) ((1-s) T[i,j] + s T[i,j+1]) + t ((1-s) T[i+1,j] + s T[i+1,j+1])` at
    `i = floor(y)`, `j = floor(x)`. Rows and columns beyond the map wrap: "repeat" has it again and again, "clamp" its
    border for ever, "mirror" the map and its mirror image in turn.

    Attributes:
        uvs: [B, F, 3, 2], the coordinates of the faces' corners; B = 1 where all images of a batch share them.
        texels: [N, C] of the dtype of `uvs`, all maps one after the other, each row by row from the top.
        maps: int64 [M, 3], a map's first texel, height and width.
        map_of_face: int64 [F], which map a face shows.
        wrap: "repeat", "clamp" or "mirror".

    Raises:
        TypeError: an argument is no tensor.
        ValueError: wrong shape, dtype or device, a value that is not finite, a map outside the texels or without any,
            or an index out of range (values on a GPU are not waited for here: the rasterizer looks at them).

    >>> image = torch.tensor([[[0.0], [1.0]], [[2.0], [3.0]]])  # 0 1 above 2 3
    >>> textures = FaceTextures.from_image(torch.rand(5, 3, 2), image)
    >>> textures
    FaceTextures(uvs=float32 [1, 5, 3, 2], texels=float32 [4, 1], maps=1, wrap='repeat')
    >>> textures.sample(torch.tensor([[0.25, 0.75], [0.5, 0.75], [0.25, 0.25]]), torch.tensor(0)).tolist()
    [[0.0], [0.5], [2.0]]
    """

    uvs: FaceUVs
    texels: Float[Tensor, "N C"]
    maps: Int64[Tensor, "M 3"]
    map_of_face: Int64[Tensor, " F"]
    wrap: str = "repeat"

    def __post_init__(self) -> None:
        single_fields(self, "uvs", "texels")
        _check.tensor("uvs", self.uvs, ["B", "F", 3, 2])
        _check_finite("uvs", self.uvs)
        _check_texels(self.texels, self.uvs)
        _check.tensor("maps", self.maps, ["M", 3], [torch.int64])
        _check.tensor("map_of_face", self.map_of_face, [self.n_faces], [torch.int64])
        _check.choice("wrap", self.wrap, WRAPS)
        for name, value in (("texels", self.texels), ("maps", self.maps), ("map_of_face", self.map_of_face)):
            if value.device != self.uvs.device:
                _check.fail(name, f"the device of uvs, {self.uvs.device}", str(value.device))
        if at_hand(self.maps):
            _ops.require_maps(self.maps, self.map_of_face, len(self.texels))

    def __repr__(self) -> str:
        tensors = f"uvs={_check.describe(self.uvs)}, texels={_check.describe(self.texels)}"
        return f"FaceTextures({tensors}, maps={len(self.maps)}, wrap={self.wrap!r})"

    @property
    def n_faces(self) -> int:
        """`F`, the number of faces."""
        return self.uvs.shape[1]

    @property
    def n_channels(self) -> int:
        """`C`, the numbers in a texel."""
        return self.texels.shape[1]

    @classmethod
    @in_single_precision
    def from_image(
        cls, uvs: Float[Tensor, "*B F 3 2"], image: Float[Tensor, "H W C"], wrap: str = "repeat"
    ) -> FaceTextures:
        """One image for all faces.

        Args:
            uvs: [F, 3, 2], or [B, F, 3, 2] with B = 1 or the batch's size.
            image: [H, W, C], row 0 on top; of any range, colours for instance in [0, 1].
            wrap: "repeat", "clamp" or "mirror".

        Raises:
            TypeError, ValueError: as for the class.

        >>> FaceTextures.from_image(torch.rand(7, 3, 2), torch.rand(4, 8, 3), wrap="clamp").maps.tolist()
        [[0, 4, 8]]
        """
        corners = _check_corners(uvs)
        return cls.from_maps(uvs, [image], torch.zeros(corners.shape[1], dtype=torch.int64, device=uvs.device), wrap)

    @classmethod
    @in_single_precision
    def from_maps(
        cls,
        uvs: Float[Tensor, "*B F 3 2"],
        images: Sequence[Tensor],
        map_of_face: Int64[Tensor, " F"],
        wrap: str | Sequence[str] = "repeat",
    ) -> FaceTextures:
        """Several images of any sizes and of one number of channels.

        Args:
            uvs: [F, 3, 2], or [B, F, 3, 2] with B = 1 or the batch's size.
            images: of [H, W, C] each, row 0 on top; differentiable.
            map_of_face: int64 [F], which image a face shows.
            wrap: "repeat", "clamp" or "mirror", for all images or for each; where they differ, images are redrawn to
                repeat, see `in_one_wrap`.

        Raises:
            TypeError, ValueError: as for the class; or the images differ in channels or dtype, or there is none.

        >>> images = [torch.zeros(4, 8, 3), torch.ones(1, 1, 3)]
        >>> FaceTextures.from_maps(torch.rand(2, 3, 2), images, torch.tensor([1, 0])).maps.tolist()
        [[0, 4, 8], [32, 1, 1]]
        """
        images = [single(image) for image in images] if is_on() else images
        corners = _check_corners(uvs)
        if not images:
            _check.fail("images", "one or more", "none")
        channels = images[0].shape[-1] if isinstance(images[0], Tensor) and images[0].dim() == 3 else "C"
        for index, image in enumerate(images):
            _check.tensor(f"images[{index}]", image, ["H", "W", channels], [uvs.dtype])
            if not image.numel():
                _check.fail(f"images[{index}]", "one texel or more", image)
        wraps = [wrap] * len(images) if isinstance(wrap, str) else list(wrap)
        if len(wraps) != len(images):
            _check.fail("wrap", f"one for each of {len(images)} images", f"{len(wraps)}")
        for each in wraps:
            _check.choice("wrap", each, WRAPS)
        _check.tensor("map_of_face", map_of_face, [corners.shape[1]], [torch.int64])
        maps, corners, one_wrap = in_one_wrap(images, corners, map_of_face, wraps)
        sizes = torch.tensor([image.shape[:2] for image in maps])
        area = sizes.prod(dim=1)
        table = _cuda.to_device(torch.cat([(area.cumsum(0) - area)[:, None], sizes], dim=1), uvs.device)
        texels = torch.cat([image.reshape(-1, image.shape[2]) for image in maps])
        return cls(corners, texels, table, map_of_face, one_wrap)

    @classmethod
    @in_single_precision
    def from_grids(cls, grids: Float[Tensor, "F R R C"]) -> FaceTextures:
        """A grid of `R x R` texels for each face, half of which it shows: a texture without coordinates of its own.

        The face's corners lie at the centres of the texels (0, 0), (R-1, 0) and (0, R-1), row and column. So
        `grids[f, i, j]` is the value at the barycentric coordinates `(1 - (i + j) / n, i / n, j / n)`, `n = R - 1`, and
        texels with `i + j > R` are never seen.

        Args:
            grids: [F, R, R, C], R of 1 or more (1: a colour for each face); differentiable.

        Raises:
            TypeError, ValueError: as for the class.

        >>> textures = FaceTextures.from_grids(torch.arange(4.0).reshape(1, 2, 2, 1))
        >>> textures.sample(textures.uvs, torch.tensor(0)).flatten().tolist()  # the corners
        [0.0, 2.0, 1.0]
        """
        _check.tensor("grids", grids, ["F", "R", "R", "C"])
        n, size = grids.shape[:2]
        if grids.shape[2] != size or not size:
            _check.fail("grids", "[F, R, R, C], R 1 or more", grids)
        low, high = 0.5 / size, (size - 0.5) / size
        corners = torch.tensor([[low, high], [low, low], [high, high]], dtype=grids.dtype)
        corners = _cuda.to_device(corners, grids.device)
        faces = torch.arange(n, device=grids.device)
        maps = torch.stack([faces * size**2, *(torch.full_like(faces, size),) * 2], dim=1)
        return cls(corners.expand(1, n, 3, 2), grids.reshape(n * size**2, grids.shape[3]), maps, faces, "clamp")

    def sample(self, uv: Float[Tensor, "*S 2"], map_index: Int64[Tensor, "*M"]) -> Float[Tensor, "*S C"]:
        """The maps' values at any points: the plain definition, which the kernels are tested against.

        Finite, with finite derivatives of any order, for all finite arguments, however large.

        Args:
            uv: [..., 2].
            map_index: int64, of a shape that broadcasts to the leading one of `uv`.

        Raises:
            TypeError, ValueError: wrong shapes or dtypes, or an index out of range.

        >>> textures = FaceTextures.from_image(torch.rand(1, 3, 2), torch.tensor([[[0.0], [1.0]]]), wrap="mirror")
        >>> textures.sample(torch.tensor([[0.75, 0.5], [1.25, 0.5], [1e30, -1e30]]), torch.tensor(0)).flatten().tolist()
        [1.0, 1.0, 0.0]
        """
        _check.tensor("uv", uv, ["*", 2], [self.texels.dtype])
        _check.tensor("map_index", map_index, ["*"], [torch.int64])
        if at_hand(map_index) and concrete(((map_index < 0) | (map_index >= len(self.maps))).any()):
            _check.fail("map_index", f"one of {len(self.maps)} maps", str(map_index.tolist())[:60])
        begin, height, width = self.maps[map_index].unbind(-1)
        left, right, s = _neighbours(uv[..., 0], width, self.wrap, flip=False)
        top, bottom, t = _neighbours(uv[..., 1], height, self.wrap, flip=True)
        above, below = begin + top * width, begin + bottom * width
        a, b, c, d = (self._gather(index) for index in (above + left, above + right, below + left, below + right))
        s, t = s[..., None], t[..., None]
        return (1 - t) * ((1 - s) * a + s * b) + t * ((1 - s) * c + s * d)

    def image(self, index: int) -> Float[Tensor, "H W C"]:
        """Map `index` as an image [H, W, C], a view of the texels.

        >>> FaceTextures.from_image(torch.rand(7, 3, 2), torch.rand(4, 8, 3)).image(0).shape
        torch.Size([4, 8, 3])
        """
        begin, height, width = self.maps[index].tolist()
        return self.texels[begin : begin + height * width].view(height, width, self.n_channels)

    @in_single_precision
    def with_texels(self, texels: Float[Tensor, "N C"]) -> FaceTextures:
        """The same maps with other texels, [N, C] with any C, for instance ones that carry gradients.

        >>> textures = FaceTextures.from_image(torch.rand(7, 3, 2), torch.rand(4, 8, 3))
        >>> textures.with_texels(torch.zeros(32, 1))
        FaceTextures(uvs=float32 [1, 7, 3, 2], texels=float32 [32, 1], maps=1, wrap='repeat')
        """
        _check_texels(texels, self.uvs)
        if len(texels) != len(self.texels) or texels.device != self.uvs.device:
            _check.fail(
                "texels", f"{len(self.texels)} texels on {self.uvs.device}", f"{len(texels)} on {texels.device}"
            )
        return self._with(texels=texels)

    def to(self, device: torch.device | str | None = None, dtype: torch.dtype | None = None) -> FaceTextures:
        """The textures on another device or in another dtype (indices stay int64); differentiable.

        >>> FaceTextures.from_image(torch.rand(7, 3, 2), torch.rand(4, 8, 3)).to(dtype=torch.float64)
        FaceTextures(uvs=float64 [1, 7, 3, 2], texels=float64 [32, 3], maps=1, wrap='repeat')
        """
        floats = {name: getattr(self, name).to(device=device, dtype=dtype) for name in ("uvs", "texels")}
        return replace(self, **floats, maps=self.maps.to(device), map_of_face=self.map_of_face.to(device))

    def for_faces(self, source: Int64[Tensor, " G"], uvs: Float[Tensor, "B G 3 2"]) -> FaceTextures:
        """The same maps on other faces, such as the pieces of these: `source` says which face each one is of.

        >>> textures = FaceTextures.from_image(torch.rand(7, 3, 2), torch.rand(4, 8, 3))
        >>> textures.for_faces(torch.tensor([6, 6]), textures.uvs[:, :2])
        FaceTextures(uvs=float32 [1, 2, 3, 2], texels=float32 [32, 3], maps=1, wrap='repeat')
        """
        return self._with(uvs=uvs, map_of_face=self.map_of_face[source])

    def _with(self, **changes: Tensor) -> FaceTextures:
        """What has passed its checks already, past __init__: loops come here at every step."""
        other = object.__new__(FaceTextures)
        other.__dict__.update(self.__dict__ | changes)
        return other

    def _gather(self, index: Tensor) -> Tensor:
        return taken(self.texels, 0, index.reshape(-1)).view(*index.shape, self.n_channels)


def _neighbours(u: Tensor, size: Tensor, wrap: str, flip: bool) -> tuple[Tensor, Tensor, Tensor]:
    """The two texels about a coordinate, and how far it is from the first to the second.

    First the coordinate goes where the numbers are small, so that none overflows; the shift is a constant to the
    derivative.
    """
    if wrap == "clamp":
        u = u.clamp(-1, 2)
    else:
        period = 1 if wrap == "repeat" else 2
        u = u - period * torch.floor(u.detach() / period)
    x = (1 - u if flip else u) * size - 0.5
    first = torch.floor(x.detach())
    index = first.long()
    return _wrapped(index, size, wrap), _wrapped(index + 1, size, wrap), x - first


def _wrapped(index: Tensor, size: Tensor, wrap: str) -> Tensor:
    if wrap == "repeat":
        return index % size
    if wrap == "mirror":
        index = index % (2 * size)
        return torch.minimum(index, 2 * size - 1 - index)
    return torch.minimum(index.clamp(min=0), size - 1)


def _check_corners(uvs: Tensor) -> Tensor:
    """The coordinates as [B, F, 3, 2]."""
    _check.tensor("uvs", uvs, ["*", "F", 3, 2])
    if uvs.dim() not in (3, 4):
        _check.fail("uvs", "float32 or float64 [F, 3, 2] or [B, F, 3, 2]", uvs)
    return uvs if uvs.dim() == 4 else uvs[None]


def _check_texels(texels: Tensor, uvs: Tensor) -> None:
    _check.tensor("texels", texels, ["N", "C"], [uvs.dtype])
    if not texels.shape[1]:
        _check.fail("texels", "one channel or more", texels)
    _check_finite("texels", texels)


def _check_finite(name: str, values: Tensor) -> None:
    if at_hand(values) and concrete(~torch.isfinite(values).all()):
        index = (~torch.isfinite(values)).nonzero()[0].tolist()
        _check.fail(f"{name}{index}", "a finite number", f"{values[tuple(index)].item():g}")
