"""Training a classifier whose label should be among the first k, k drawn from a distribution."""
