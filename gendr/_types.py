"""Shape aliases of the public signatures.

The letters: `B` batch, `V` vertices, `F` faces, `N` faces of all meshes, `C` channels, `H` image rows, `W` image
columns. Static checkers read them as plain tensors; the test suite turns on jaxtyping and beartype, which then check
the shapes of every call.
"""

from jaxtyping import Float, Int64
from torch import Tensor

Alpha = Float[Tensor, "B H W"]
FaceUVs = Float[Tensor, "B F 3 2"]
FaceVertices = Float[Tensor, "B F 3 3"]
Faces = Int64[Tensor, "F 3"]
Features = Float[Tensor, "B C H W"]
PackedFaceVertices = Float[Tensor, "N 3 3"]
RGB = Float[Tensor, "3"]
Vertices = Float[Tensor, "*B V 3"]
