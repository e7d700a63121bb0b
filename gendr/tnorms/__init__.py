"""T-norms and T-conorms: how the probabilities of many faces become the coverage of one pixel.

Every class of the family modules is exported by its module's `__all__`, and registers itself by name.
"""

from gendr.tnorms.average import *  # noqa: F403
from gendr.tnorms.base import TNORMS, TNorm
from gendr.tnorms.lattice import *  # noqa: F403
from gendr.tnorms.power import *  # noqa: F403
from gendr.tnorms.product import *  # noqa: F403
from gendr.tnorms.spec import from_spec

__all__ = ["TNORMS", "TNorm", "from_spec"]
__all__ += [cls.__name__ for cls in TNORMS.values()]
