import numpy as np

from tfinspect.plots.scaling import scaled_to, shrunk, stretched


def test_small_images_are_enlarged_by_a_whole_factor():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    np.testing.assert_array_equal(scaled_to(image, 5), image.repeat(2, 0).repeat(2, 1))


def test_large_images_keep_their_proportions():
    assert scaled_to(np.zeros((300, 600, 3), np.uint8), 128).shape == (64, 128, 3)


def test_stretched_values_keep_their_place():
    heat = np.zeros((4, 4), np.float32)
    heat[1, 2] = 1
    found = stretched(heat, 40, 80)
    assert found.shape == (40, 80)
    rows, columns = np.nonzero(found == found.max())
    assert (rows.mean() + 0.5, columns.mean() + 0.5) == (15, 50)


def test_small_tiles_stay_as_they_are():
    tiles = np.random.RandomState(0).uniform(size=(3, 5, 7))
    np.testing.assert_array_equal(shrunk(tiles, 7), tiles)


def test_large_tiles_become_means_of_blocks():
    tiles = np.arange(25.0).reshape(1, 5, 5)
    expected = [[[(0 + 1 + 5 + 6) / 4, (2 + 3 + 7 + 8) / 4], [(10 + 11 + 15 + 16) / 4, 15.0]]]
    np.testing.assert_array_equal(shrunk(tiles, 3), expected)


def test_long_tiles_keep_at_least_one_value():
    assert shrunk(np.zeros((1, 1, 1000)), 10).shape == (1, 1, 10)
