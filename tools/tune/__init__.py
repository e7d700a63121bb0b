"""The tuner: `target -> search by successive halving -> renderer -> comparison on held-out conditions`."""
