"""Learning to read numbers from their order alone: the four-digit MNIST benchmark of sorting operators."""
