"""No process outlives the test, or the module's fixture, that started it."""

import pytest
from processes import ending_processes


@pytest.fixture(autouse=True, scope="module")
def _ending_with_the_module():
    with ending_processes():
        yield


@pytest.fixture(autouse=True)
def _ending_with_the_test(_ending_with_the_module):
    with ending_processes():
        yield
