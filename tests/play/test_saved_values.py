import numpy as np
import pytest

from tfinspect.errors import ConfigError
from tfinspect.play.output import save_values

ARRAY = np.arange(3, dtype=np.float32)


def test_each_value_has_a_file_of_its_own(tmp_path):
    saved = save_values({"conv1/Relu:0": ARRAY, "logits:0": ARRAY + 1}, str(tmp_path))
    assert saved["conv1/Relu:0"] == str(tmp_path / "conv1_Relu_0.npy")
    np.testing.assert_array_equal(np.load(saved["logits:0"]), ARRAY + 1)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"a/b:0": ARRAY}, "the same file as another"),
        ({"words:0": np.array([b"x"], object)}, "it gives strings; leave out --output"),
    ],
)
def test_nothing_is_written_where_one_value_cannot_be(tmp_path, other, words):
    with pytest.raises(ConfigError, match=words):
        save_values({"a_b:0": ARRAY, **other}, str(tmp_path / "out"))
    assert list(tmp_path.iterdir()) == []
