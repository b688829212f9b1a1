"""The shape of the code, held by reading it."""

import priorfit


def test_the_package_says_its_version():
    assert priorfit.__version__.count(".") == 2
