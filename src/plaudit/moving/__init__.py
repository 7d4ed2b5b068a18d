"""Moving up: an embedded installation carried over to a cluster's store and log, once, with nothing lost."""
