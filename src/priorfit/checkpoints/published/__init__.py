"""Published files, family by family; every address and hash as its publisher states it."""
