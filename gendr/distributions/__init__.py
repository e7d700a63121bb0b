"""The distributions whose CDF turns signed distance into occlusion, one class each, and their combinators.

>>> import torch
>>> from gendr.distributions import Logistic, from_spec
>>> distribution = Logistic().squared()
>>> distribution.cdf(torch.tensor([-0.1, 0.0, 0.1]), tau=1e-2)
tensor([0.2689, 0.5000, 0.7311])
>>> from_spec(str(distribution)) == distribution
True
"""

from gendr.distributions.base import DISTRIBUTIONS as DISTRIBUTIONS
from gendr.distributions.base import EDGE as EDGE
from gendr.distributions.base import Distribution as Distribution
from gendr.distributions.base import Range as Range
from gendr.distributions.compact import *  # noqa: F403 (each family file lists its members in __all__)
from gendr.distributions.gumbel import *  # noqa: F403 (each family file lists its members in __all__)
from gendr.distributions.one_sided import *  # noqa: F403 (each family file lists its members in __all__)
from gendr.distributions.spec import from_spec as from_spec
from gendr.distributions.special import LOG_ZERO as LOG_ZERO
from gendr.distributions.symmetric import *  # noqa: F403 (each family file lists its members in __all__)
