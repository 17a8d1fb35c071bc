"""What all tests share: a quiet TensorFlow and a cache of their own."""

import os

import pytest
from hypothesis import settings

# Of the directories' own ones, which have its name too, one would be taken for this one when its
# doctests are looked for.
collect_ignore = ["conftest.py"]

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("MPLBACKEND", "agg")
# The same examples in every run: a new failure comes from a change, not from chance.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory):
    """Keeps the user's own cache out of the tests; the digits are converted once a session."""
    directory = str(tmp_path_factory.mktemp("cache"))
    before = os.environ.get("TFINSPECT_CACHE")
    os.environ["TFINSPECT_CACHE"] = directory
    yield directory
    if before is None:
        del os.environ["TFINSPECT_CACHE"]
    else:
        os.environ["TFINSPECT_CACHE"] = before


def pytest_addoption(parser):
    parser.addoption(
        "--update-golden", action="store_true", help="write golden files instead of comparing"
    )


def pytest_collection_modifyitems(config, items):
    """Leaves out what minutes of computing check once more, unless `make test-full` asks for it."""
    if os.environ.get("TFINSPECT_ORACLE_FULL"):
        return
    left_out = [item for item in items if item.get_closest_marker("oracle_full")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def golden(request):
    """Returns a function that compares a text with a file, or writes the file when asked to."""

    def compare(path, text):
        if request.config.getoption("--update-golden"):
            path.write_text(text)
        assert path.read_text() == text, f"{path} is out of date: run pytest --update-golden"

    return compare


@pytest.fixture
def calls_here(monkeypatch):
    """Returns a function that gives the list of a function's calls to come, in this process."""

    def watch(module, name):
        calls, function = [], getattr(module, name)

        def watched(*arguments):
            calls.append(arguments)
            return function(*arguments)

        monkeypatch.setattr(module, name, watched)
        return calls

    return watch
