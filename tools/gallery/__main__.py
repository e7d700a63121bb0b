"""`python -m gendr.tools.gallery`."""

import sys

import tyro

from gendr.tools.gallery import Gallery

sys.exit(tyro.cli(Gallery, description=Gallery.help).run())
