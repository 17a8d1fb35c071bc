"""What several processes see together: the batches of one, each example once, weighed right."""

import dataclasses

import numpy as np
import pytest
import tiny_data

from tfinspect.data import pipeline
from tfinspect.data.manifest import Shard
from tfinspect.data.share import Share, spread_files

EXAMPLES, BATCH = 101, 24


class Same:
    def apply(self, images):
        return images


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    directory = str(tmp_path_factory.mktemp("shards"))
    pixels, labels = tiny_data.images(EXAMPLES)
    # Every example can be told by its first pixel.
    pixels[:, 0, 0, 0] = np.arange(EXAMPLES)
    manifest = tiny_data.write_data(directory, {"train": tiny_data.raw_records(pixels, labels)})
    return directory, manifest


def make_batches(written, **changes):
    settings = {"split": "train", "batch_size": BATCH, "image_shape": (32, 32, 3)}
    return pipeline.Batches(*written, preprocessing=Same(), **settings | changes)


def steps_of(batches, start=0):
    """Returns, for each step, the numbers of its examples and their weights."""
    options = {"epochs": 2, "start_step": start}
    data = pipeline.training_dataset(batches, seed=3, augment=False, **options)
    if batches.share is None:
        return [(x.numpy()[:, 0, 0, 0].astype(int), None) for x, _ in data]
    weights = pipeline.step_weights(batches, **options)
    pairs = zip(data, weights, strict=True)
    return [(x.numpy()[:, 0, 0, 0].astype(int), w.numpy()) for (x, _), w in pairs]


def together(written, count, start=0, **changes):
    """Returns, for each step, the parts of all processes."""
    whole = make_batches(written, **changes)
    return list(
        zip(*(steps_of(pipeline.shared(whole, n, count), start) for n in range(count)), strict=True)
    )


def real(parts):
    return np.concatenate([numbers[weights > 0] for numbers, weights in parts])


@pytest.mark.parametrize("count", [2, 3, 4, 8])
@pytest.mark.parametrize("cache_bytes", [10**9, 0], ids=["cached", "streamed"])
def test_parts_by_record_are_the_batch_of_one_process_in_its_order(written, count, cache_bytes):
    limited = {"cache_bytes": cache_bytes, "keep_last": True, "limit": 100}
    alone = steps_of(make_batches(written, **limited))
    for (numbers, _), parts in zip(alone, together(written, count, **limited), strict=True):
        assert real(parts).tolist() == numbers.tolist()


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("cache_bytes", [10**9, 0], ids=["by record", "by file"])
def test_an_epoch_has_every_example_once_over_all_processes(written, count, cache_bytes):
    steps = together(written, count, cache_bytes=cache_bytes, keep_last=True)
    assert len(steps) == 10
    for epoch in (steps[:5], steps[5:]):
        seen = np.concatenate([real(parts) for parts in epoch])
        assert sorted(seen) == list(range(EXAMPLES))


@pytest.mark.parametrize("cache_bytes", [10**9, 0], ids=["by record", "by file"])
@pytest.mark.parametrize("keep_last", [True, False])
def test_mean_over_processes_of_weighted_means_is_the_mean_over_the_batch(
    written, cache_bytes, keep_last
):
    values = np.random.RandomState(0).rand(EXAMPLES)
    for parts in together(written, 3, cache_bytes=cache_bytes, keep_last=keep_last):
        sizes = {len(numbers) for numbers, _ in parts}
        assert len(sizes) == 1, "every process has equally many, fillers included"
        mean = np.mean([np.mean(values[numbers] * weights) for numbers, weights in parts])
        assert mean == pytest.approx(values[real(parts)].mean(), rel=1e-6)


@pytest.mark.parametrize("cache_bytes", [10**9, 0], ids=["by record", "by file"])
def test_a_later_start_gives_the_tail(written, cache_bytes):
    options = {"cache_bytes": cache_bytes, "keep_last": True}
    whole, tail = (together(written, 2, start, **options) for start in (0, 3))
    for expected, found in zip(whole[3:], tail, strict=True):
        assert [numbers.tolist() for numbers, _ in found] == [n.tolist() for n, _ in expected]


def test_without_the_last_batch_every_part_is_full_and_weighs_one(written):
    for parts in together(written, 2, cache_bytes=0):
        assert [len(numbers) for numbers, _ in parts] == [12, 12]
        assert all((weights == 1).all() for _, weights in parts)


def test_fewer_examples_than_processes_leave_some_with_fillers_alone(written):
    steps = together(written, 4, limit=25, keep_last=True)
    assert [weights.tolist() for _, weights in steps[1]] == [[4.0], [0.0], [0.0], [0.0]]


def test_split_is_shared_by_file_where_it_is_streamed_and_has_enough_shards(written):
    def files(count, **changes):
        return pipeline.shared(make_batches(written, **changes), 0, count).share.files

    assert files(3, cache_bytes=0, keep_last=True) == ((0,), (1,), (2,))
    assert files(3) is None, "in memory"
    assert files(4, cache_bytes=0) is None, "three shards"
    # 34 + 33 and 34 examples: the second process would be done two steps before the first.
    assert files(2, cache_bytes=0, batch_size=20, keep_last=True) is None


@pytest.mark.parametrize("count", [2, 3, 8])
@pytest.mark.parametrize("cache_bytes", [10**9, 0], ids=["cached", "streamed"])
def test_validation_has_every_example_once_and_equally_many_steps(written, count, cache_bytes):
    whole = make_batches(written, cache_bytes=cache_bytes, limit=50)
    found = []
    for number in range(count):
        share = dataclasses.replace(whole, share=Share(number, count))
        found.append([x.numpy()[:, 0, 0, 0] for x, _ in pipeline.evaluation_dataset(share)])
    assert {len(steps) for steps in found} == {3}
    assert sorted(np.concatenate([np.concatenate(steps) for steps in found])) == list(range(50))


def test_files_are_dealt_out_evenly():
    shards = tuple(Shard(f"{n}", size, 0, "") for n, size in enumerate([5, 1, 4, 2]))
    assert spread_files(shards, 2) == ((0, 1), (2, 3))
