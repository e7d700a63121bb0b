"""Single-view reconstruction: a network that predicts a mesh from one image, trained from silhouettes alone."""
