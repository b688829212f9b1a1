"""Published files, family by family.

Every address and hash is stated by its publisher, or by several projects that have nothing else in
common; each family says which.
"""
