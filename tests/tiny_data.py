"""Small data sets as TFRecord shards, written by TensorFlow itself: an oracle for the reader."""

import hashlib

import numpy as np
import tensorflow as tf

from tfinspect.data.manifest import Manifest, Shard, SplitInfo, write_manifest

LABELS = tuple("abcdefghij")


def images(count, seed=0):
    """Random CHW images and their labels; every example differs from every other."""
    random = np.random.RandomState(seed)
    pixels = random.randint(0, 256, (count, 3, 32, 32), np.uint8)
    return pixels, random.randint(0, len(LABELS), count)


def feature(value):
    if isinstance(value, bytes):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
    return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))


def example(**features):
    named = {name: feature(value) for name, value in features.items()}
    return tf.train.Example(features=tf.train.Features(feature=named)).SerializeToString()


def raw_records(pixels, labels):
    return [example(image=p.tobytes(), label=int(n)) for p, n in zip(pixels, labels, strict=True)]


def encoded_records(files, labels):
    return [
        example(**{"image/encoded": data, "label": int(label)})
        for data, label in zip(files, labels, strict=True)
    ]


def write_split(directory, split, records, num_shards=3):
    """Writes records to shards and returns the split's description."""
    shards = []
    for number, part in enumerate(np.array_split(np.arange(len(records)), num_shards)):
        path = f"{directory}/{split}-{number}.tfrecord"
        with tf.io.TFRecordWriter(path) as writer:
            for index in part:
                writer.write(records[index])
        digest = hashlib.sha256(repr([records[i] for i in part]).encode()).hexdigest()
        size = tf.io.gfile.stat(path).length
        shards.append(Shard(f"{split}-{number}.tfrecord", len(part), size, digest))
    return SplitInfo(len(records), {}, tuple(shards))


def write_data(
    directory, splits, schema="raw", image_shape=(32, 32, 3), labels=LABELS, num_shards=3
):
    """Writes splits (name -> records) with their manifest, and returns it."""
    tf.io.gfile.makedirs(str(directory))
    manifest = Manifest(
        name="tiny",
        schema=schema,
        label_names=tuple(labels),
        image_shape=image_shape,
        splits={
            name: write_split(directory, name, records, num_shards)
            for name, records in splits.items()
        },
        source={},
        seed=0,
    )
    write_manifest(str(directory), manifest)
    return manifest


def numbered_data(directory, examples, num_shards=3):
    """Writes random images that can be told by their first pixel, 0..255; returns the directory."""
    records = {}
    for seed, (split, count) in enumerate(
        {"train": examples, "validation": 30, "test": 30}.items()
    ):
        pixels, labels = images(count, seed)
        pixels[:, 0, 0, 0] = np.arange(count)
        records[split] = raw_records(pixels, labels)
    write_data(directory, records, num_shards=num_shards)
    return directory
