"""Whose labels the data may have."""

from types import SimpleNamespace

import pytest
import tiny_data

from tfinspect.errors import DataError
from tfinspect.ranking.examples import open_split

DIGITS = tuple(map(str, range(10)))


@pytest.fixture
def animals(tmp_path):
    records = tiny_data.raw_records(*tiny_data.images(5))
    tiny_data.write_data(str(tmp_path), {"train": records}, labels=("cat", "dog"))
    return str(tmp_path)


def opened(data, labels):
    return open_split("m", data, "train", None, SimpleNamespace(name="m", labels=labels))


def test_a_model_of_digits_takes_no_animals(animals):
    with pytest.raises(DataError, match="the label 'cat', unknown to the model 'm', which has '0'"):
        opened(animals, DIGITS)


@pytest.mark.parametrize("labels", [None, ("cat", "dog")])
def test_a_model_with_these_labels_or_none_takes_them(animals, labels):
    assert opened(animals, labels).manifest.label_names == ("cat", "dog")
