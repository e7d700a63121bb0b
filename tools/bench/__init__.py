"""The benchmark of renderers: the published shape and pose protocols over the grid of distributions and T-conorms."""
