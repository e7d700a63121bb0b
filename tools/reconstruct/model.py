"""From images to meshes: an encoder, a decoder, and the sphere whose faces all predictions share."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from gendr import _check
from gendr._types import Vertices
from gendr.render import Mesh
from gendr.tools.fit.shapes import sphere
from gendr.tools.reconstruct.modern import SMOOTHNESS, ResNet18, SmoothDecoder
from gendr.tools.reconstruct.published import Decoder, Encoder

MODELS = ("published", "modern", "modern-plain", "modern-convolutions")
"""Two networks, and for comparisons the second without one of its parts."""
IMAGE_SIZE = 64
PRECISIONS = ("float32", "bfloat16")
"""What the encoder computes in; its weights, and all that follows, are float32."""


CODES_BEGIN = 0.1
"""Standard deviation of fresh codes."""


class Reconstructor(nn.Module):
    """Predicts a mesh from an image.

    Args:
        encoder: images `[B, 4, H, W]` to numbers `[B, D]`.
        decoder: these to vertices `[B, V, 3]`.
        template: the mesh whose vertices are predicted.
        precision: "float32", or "bfloat16" for the encoder's layers, on processors that have it about twice as fast.
        codes: numbers `[N, D]` for each of N objects, which the decoder takes like those of an image; or None.

    >>> model = build("modern", objects=5)
    >>> model(torch.zeros(2, 4, 64, 64)).shape, model.of_objects(torch.tensor([0, 3, 4])).shape
    (torch.Size([2, 642, 3]), torch.Size([3, 642, 3]))
    """

    def __init__(
        self,
        encoder: nn.Module,
        decoder: nn.Module,
        template: Mesh,
        precision: str = "float32",
        codes: nn.Embedding | None = None,
    ) -> None:
        super().__init__()
        _check.choice("precision", precision, PRECISIONS)
        self.encoder, self.decoder, self.template, self.precision = encoder, decoder, template, precision
        self.codes = codes

    def forward(self, inputs: Float[Tensor, "B 4 H W"] | Int64[Tensor, " B"]) -> Vertices:
        """The vertices `[B, V, 3]` of every image's mesh, or of the meshes that objects' codes stand for.

        Images are red, green, blue, alpha in [0, 1]; objects are numbers of `codes`. Both come through here because
        what joins the gradients of several processes hears of nothing else.
        """
        return self.decoder(self.features(inputs)) if inputs.is_floating_point() else self.of_objects(inputs)

    def of_objects(self, objects: Int64[Tensor, " B"]) -> Vertices:
        """The vertices `[B, V, 3]` of the meshes that the objects' codes stand for."""
        assert self.codes is not None
        return self.decoder(self.codes(objects))  # type: ignore[no-any-return]

    def features(self, images: Float[Tensor, "B 4 H W"]) -> Float[Tensor, "B D"]:
        """What the encoder makes of images: the numbers that the decoder takes."""
        with torch.autocast(images.device.type, torch.bfloat16, enabled=self.precision == "bfloat16"):
            features = self.encoder(images)
        return features.to(images.dtype)  # type: ignore[no-any-return]

    def mesh(self, vertices: Float[Tensor, "V 3"]) -> Mesh:
        """One prediction as a mesh."""
        return self.template.with_vertices(vertices)


def build(name: str, precision: str = "float32", objects: int = 0) -> Reconstructor:
    """The network of that name, with fresh weights from torch's random numbers, and codes for so many objects.

    `published` is the network of the published comparisons, 25,961,417 weights; `modern` a narrow ResNet-18 whose
    decoder is smooth, 5,304,332 weights, a third of the time. `modern-plain` does not smooth the displacements;
    `modern-convolutions` has the published encoder.

    Raises:
        ValueError: an unknown name or precision.

    >>> sum(weights.numel() for weights in build("published").parameters())
    25961417
    """
    _check.choice("model", name, MODELS)
    is_published, is_wide = name == "published", name in ("published", "modern-convolutions")
    start, features = sphere(3, 0.5 if is_published else 0.25), 512 if is_wide else 256
    lambda_ = 0.0 if name == "modern-plain" else SMOOTHNESS
    encoder = Encoder(IMAGE_SIZE) if is_wide else ResNet18(32, IMAGE_SIZE)
    decoder = Decoder(start, features) if is_published else SmoothDecoder(start, features, lambda_)
    codes = None
    if objects:
        codes = nn.Embedding(objects, features)
        nn.init.normal_(codes.weight, std=CODES_BEGIN)
    return Reconstructor(encoder, decoder, start, precision, codes)
