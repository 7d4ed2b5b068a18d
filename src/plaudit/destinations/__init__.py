"""Where events go: the vocabulary of a destination, and the catalog of those that are installed."""
