"""Lens distortion: OpenCV's radial-tangential and fisheye models, held where they fold over."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from gendr import _check
from gendr._autocast import in_single_precision
from gendr.render.camera.inputs import Numbers, as_tensor

MODELS = {"radial-tangential": 8, "fisheye": 4}
MAX_RADIUS = {"radial-tangential": 1e2, "fisheye": 1e6}


@dataclass(frozen=True, eq=False)
class Distortion:
    r"""What `B` lenses do to a point `(x, y) = (X / Z, Y / Z)` before the focal length and the principal point.

    In OpenCV's image frame, **y down**, with `s = r² = x² + y²`:

    - `"radial-tangential"`: `f = (1 + k1 s + k2 s² + k3 s³) / (1 + k4 s + k5 s² + k6 s³)`,
      `x' = f x + 2 p1 x y + p2 (s + 2 x²)`, `y' = f y + p1 (s + 2 y²) + 2 p2 x y`.
    - `"fisheye"`: with `t = atan(r)`, `(x', y') = (t + k1 t³ + k2 t⁵ + k3 t⁷ + k4 t⁹) (x, y) / r`.

    **Fold-over.** Beyond some radius such a polynomial turns round and would draw points far outside of the view into
    the image. `limit` is the radius up to which the lens is certainly one to one; points beyond it are held at it, in
    their own direction. Faces stay straight between their distorted corners: subdivide those that are large in the
    image.

    Attributes:
        model: `"radial-tangential"` or `"fisheye"`.
        coefficients: [B, 8], `(k1, k2, p1, p2, k3, k4, k5, k6)`, OpenCV's order, or [B, 4], `(k1, k2, k3, k4)`.

    Raises:
        TypeError, ValueError: wrong model, shape or dtype.

    Source: OpenCV's manual, modules calib3d ("Detailed Description") and calib3d_fisheye.

    >>> barrel = Distortion.opencv([-0.2, 0.0, 0.0, 0.0])
    >>> barrel.distort(torch.tensor([[[0.5, 0.0], [0.0, 100.0]]], dtype=torch.float64))
    tensor([[[0.4750, 0.0000],
             [0.0000, 0.8607]]], dtype=torch.float64)
    """

    model: str
    coefficients: Float[Tensor, "B K"]

    def __post_init__(self) -> None:
        _check.choice("model", self.model, tuple(MODELS))
        _check.tensor("coefficients", self.coefficients, ("B", MODELS[self.model]))

    @classmethod
    @in_single_precision
    def opencv(cls, coefficients: Numbers) -> Distortion:
        """Radial-tangential distortion from the vector that OpenCV's calibration returns.

        Args:
            coefficients: [n] or [B, n], `(k1, k2, p1, p2[, k3[, k4, k5, k6[, s1, s2, s3, s4[, tx, ty]]]])`; what is
                left out is 0, and thin prism (`s`) and tilted sensor (`tx`, `ty`) must be.

        Raises:
            TypeError, ValueError: another number of coefficients, values that are not finite, or a thin prism or tilt.

        >>> Distortion.opencv([0.1, 0.01, 0.001, 0.002, 0.003]).coefficients
        tensor([[0.1000, 0.0100, 0.0010, 0.0020, 0.0030, 0.0000, 0.0000, 0.0000]],
               dtype=torch.float64)
        """
        given = _coefficients(coefficients, (4, 5, 8, 12, 14))
        if bool((given[:, 8:] != 0.0).any()):
            _check.fail("distortion", "no thin prism and no tilt (coefficients 9 to 14 are 0)", "others")
        return cls("radial-tangential", torch.nn.functional.pad(given[:, :8], (0, max(0, 8 - given.shape[1]))))

    @classmethod
    @in_single_precision
    def fisheye(cls, coefficients: Numbers) -> Distortion:
        """Fisheye distortion from the vector of OpenCV's `fisheye` module.

        Args:
            coefficients: [4] or [B, 4], `(k1, k2, k3, k4)`; four zeros are the equidistant lens.

        Raises:
            TypeError, ValueError: another number of coefficients, or values that are not finite.

        >>> Distortion.fisheye([0.0] * 4).distort(torch.tensor([[[1.0, 0.0]]]).double()) * 4.0 / torch.pi
        tensor([[[1., 0.]]], dtype=torch.float64)
        """
        return cls("fisheye", _coefficients(coefficients, (4,)))

    @cached_property
    def limit(self) -> Float[Tensor, " B"]:
        """Radius `r` up to which the lens is one to one, a constant for derivatives; at most `MAX_RADIUS`.

        Fisheye: where `d t' / dt` reaches 0, or 90 degrees from the axis. Radial-tangential: where the smaller of `f`
        and `d (r f) / dr` reaches `6 r |p|`, which bounds the Jacobian of the tangential part, so that up to there the
        Jacobian of the whole is positive definite; without `p1` and `p2` that is where `r f` stops rising. If `f` has a
        pole before that, it is 0.9999 of the pole's radius.
        """
        k = self.coefficients.detach().to(torch.float64)
        one = k.new_ones(len(k), 1)
        if self.model == "fisheye":
            odd = k.new_tensor([3.0, 5.0, 7.0, 9.0])
            angle = _smallest_root(torch.cat((one, odd * k), 1)).sqrt()
            radius = torch.where(angle < math.pi / 2.0, angle.clamp_max(math.pi / 2.0).tan(), math.inf)
        else:
            k1, k2, p1, p2, k3, k4, k5, k6 = k.split(1, 1)
            above, below = torch.cat((one, k1, k2, k3), 1), torch.cat((one, k4, k5, k6), 1)
            tangential = 6.0 * torch.linalg.vector_norm(torch.cat((p1, p2), 1), dim=1, keepdim=True)
            degree = k.new_tensor([0.0, 2.0, 4.0, 6.0])  # of the terms of `above` and `below` in r
            slope = _product(above + degree * above, below) - _product(above, degree * below)
            pole = _smallest_root(below).sqrt() * 0.9999
            rising = _smallest_root(_minus(slope, tangential * _product(below, below)))
            turning = _smallest_root(_minus(above, tangential * below))
            radius = torch.minimum(torch.minimum(pole, rising), turning)
        return radius.clamp_max(MAX_RADIUS[self.model]).to(self.coefficients.dtype)

    @in_single_precision
    def distort(self, points: Float[Tensor, "*B V 2"]) -> Float[Tensor, "B V 2"]:
        """Distort points `(X / Z, Y / Z)`, y down.

        Args:
            points: [V, 2] or [B, V, 2]; a batch of one, of points or of lenses, is broadcast.

        Returns:
            [B, V, 2], differentiable in points and coefficients; finite, and so are the derivatives.

        Raises:
            TypeError, ValueError: wrong shape, or another dtype than the coefficients'.

        >>> Distortion.opencv([0.1, 0.0, 0.0, 0.0]).distort(torch.tensor([[1.0, 1.0]], dtype=torch.float64))
        tensor([[[1.2000, 1.2000]]], dtype=torch.float64)
        """
        _check.tensor("points", points, ("*", "V", 2), (self.coefficients.dtype,))
        if points.ndim > 3:
            _check.fail("points", "[V, 2] or [B, V, 2]", points)
        return torch.stack(self.distort_xy(*points.unbind(-1)), -1)

    def distort_xy(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """The same for coordinates [V] or [B, V] of their own."""
        x, y = _held(x, y, self.limit[:, None])
        s = x * x + y * y
        if self.model == "fisheye":
            k1, k2, k3, k4 = self.coefficients[:, None].unbind(-1)
            ratio = _atan_ratio(s)
            t = ratio * ratio * s
            ratio = ratio * (1.0 + t * (k1 + t * (k2 + t * (k3 + t * k4))))
            return ratio * x, ratio * y
        k1, k2, p1, p2, k3, k4, k5, k6 = self.coefficients[:, None].unbind(-1)
        f = (1.0 + s * (k1 + s * (k2 + s * k3))) / (1.0 + s * (k4 + s * (k5 + s * k6)))
        along = 2.0 * (p1 * y + p2 * x)
        return x * (f + along) + p2 * s, y * (f + along) + p1 * s

    def mirrored(self) -> Distortion:
        """The lens whose image is this one's turned left to right: `p2` changes its sign."""
        if self.model == "fisheye":
            return self
        before, p2, behind = self.coefficients.tensor_split((3, 4), 1)
        return self._with_limit(torch.cat((before, -p2, behind), 1), self.limit)

    def to(self, target: torch.dtype | torch.device | str) -> Distortion:
        """Return the same in another dtype or on another device; itself when nothing changes."""
        moved = self.coefficients.to(target)
        return self if moved is self.coefficients else self._with_limit(moved, self.limit.to(target))

    def expand(self, batch: int) -> Distortion:
        """One lens for a batch of cameras."""
        return self._with_limit(self.coefficients.expand(batch, -1), self.limit.expand(batch))

    def __len__(self) -> int:
        return len(self.coefficients)

    def __getitem__(self, index: slice | Tensor) -> Distortion:
        return self._with_limit(self.coefficients[index], self.limit[index])

    @staticmethod
    def cat(distortions: Sequence[Distortion]) -> Distortion:
        """Join lenses of one model into one batch.

        Raises:
            ValueError: there are none, or their models differ.
        """
        models = sorted({distortion.model for distortion in distortions})
        if len(models) != 1:
            _check.fail("cameras", "at least one and one model of distortion", f"models {models}")
        return Distortion(models[0], torch.cat([distortion.coefficients for distortion in distortions]))

    def _with_limit(self, coefficients: Tensor, limit: Tensor) -> Distortion:
        """A copy that knows its limit, which takes longer to find than a thousand points to distort."""
        copy = Distortion(self.model, coefficients)
        copy.__dict__["limit"] = limit
        return copy


def lens_for(given: Numbers | Distortion | None, like: Tensor) -> Distortion | None:
    """The distortion of a batch of cameras, in the dtype and on the device of one of its tensors."""
    if given is None:
        return None
    lens = (given if isinstance(given, Distortion) else Distortion.opencv(given)).to(like.dtype).to(like.device)
    if len(lens) not in (1, len(like)):
        _check.fail("distortion", f"a batch of {len(like)}", lens.coefficients)
    return lens.expand(len(like))


def _coefficients(given: Numbers, lengths: Sequence[int]) -> Tensor:
    tensor = as_tensor("distortion", given)
    tensor = tensor if tensor.ndim > 1 else tensor[None]
    if tensor.ndim > 2 or tensor.shape[-1] not in lengths:
        _check.fail("distortion", f"[n] or [B, n] with n one of {', '.join(map(str, lengths))}", tensor)
    return tensor


def _held(x: Tensor, y: Tensor, limit: Tensor) -> tuple[Tensor, Tensor]:
    """Points moved towards the middle until their radius is `limit`."""
    # Divided by the larger one, so that no square overflows; a constant factor, for the derivative too.
    largest = torch.maximum(x.detach().abs(), y.detach().abs()).clamp_min(1.0)
    squared = (x / largest).square() + (y / largest).square()
    beyond = squared.detach().sqrt() * largest > limit
    factor = torch.where(beyond, limit / (torch.where(beyond, squared, 1.0).sqrt() * largest), 1.0)
    return x * factor, y * factor


def _atan_ratio(s: Tensor) -> Tensor:
    """`atan(r) / r` of `s = r²`, smooth at 0."""
    small = s < 0.04
    near, series = torch.where(small, s, 0.0), torch.zeros_like(s)
    for term in reversed(range(12)):
        series = 1.0 / (2 * term + 1) - near * series
    r = torch.where(small, 1.0, s).sqrt()
    return torch.where(small, series, r.atan() / r)


def _smallest_root(polynomial: Tensor) -> Tensor:
    """Smallest positive roots [B] of polynomials [B, n], ascending coefficients of which the first is 1; inf: none."""
    # The reversed polynomial is monic, its roots are the reciprocals: the eigenvalues of its companion matrix.
    size = polynomial.shape[1] - 1
    companion = torch.diag_embed(polynomial.new_ones(len(polynomial), size - 1), -1)
    companion[:, 0] = -polynomial[:, 1:]
    values = torch.linalg.eigvals(companion)
    # A double root, where the slope only touches 0, comes out as a pair with a small imaginary part.
    real = torch.where(values.imag.abs() <= 1e-7 * values.real.abs(), values.real, 0.0)
    return 1.0 / real.amax(-1).clamp_min(0.0)


def _product(a: Tensor, b: Tensor) -> Tensor:
    """Product of polynomials [B, n] and [B, m]."""
    shifted = [torch.nn.functional.pad(a[:, i : i + 1] * b, (i, a.shape[1] - 1 - i)) for i in range(a.shape[1])]
    return torch.stack(shifted).sum(0)


def _minus(even: Tensor, odd: Tensor) -> Tensor:
    """The polynomial `even(r²) - r odd(r²)` in r."""
    both = torch.stack((even, -torch.nn.functional.pad(odd, (0, even.shape[1] - odd.shape[1]))), -1)
    return both.flatten(1)
