"""`priorfit bench`: the whole command on named images, beside cheap methods and published ones."""
