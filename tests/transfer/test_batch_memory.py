"""Images that are too large for the machine, in closed form."""

import pytest

from tfinspect.errors import ConfigError
from tfinspect.transfer import batch_memory
from tfinspect.transfer.batch_memory import require_memory


@pytest.fixture(autouse=True)
def machine(monkeypatch):
    """A machine of 48 MiB, of which a batch may take 12: 1024x1024 pixels of 3 float32 values."""
    monkeypatch.setattr(batch_memory, "available_memory", lambda: 48 * 2**20)


def test_largest_images_that_are_named_are_taken():
    require_memory((1024, 1024, 3), 1)
    with pytest.raises(ConfigError, match=r"one image takes .*give --image-size 1024 or less\.$"):
        require_memory((1024, 1025, 3), 1)


def test_batch_counts():
    require_memory((512, 512, 3), 4)
    with pytest.raises(ConfigError, match=r"a batch of 5 takes 0\.0 GiB.*--image-size 457 or less"):
        require_memory((512, 512, 3), 5)


def test_each_process_holds_its_part_of_a_batch_alone():
    require_memory((512, 512, 3), 12, processes=3)
    with pytest.raises(ConfigError, match=r"a batch of 5, one of 3 processes' part, takes"):
        require_memory((512, 512, 3), 13, processes=3)


def test_batch_of_which_even_pixels_are_too_large_is_to_be_smaller():
    require_memory((1, 1, 3), 2**20)
    require_memory((1, 1, 3), 2**21, processes=2)
    with pytest.raises(ConfigError, match=r"GiB; give a smaller --batch-size\.$"):
        require_memory((1, 1, 3), 2**20 + 1)
