"""Folders of generated images for the tests of fine-tuning."""

import numpy as np
from PIL import Image

NETWORK = "cifar_resnet8_v1"
SIZE = 8


def write_images(folder, counts, seed=0):
    """Writes noise of a class's own brightness, `counts[name]` images each."""
    random = np.random.RandomState(seed)
    for place, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True)
        for number in range(count):
            low = 200 * place // len(counts)
            pixels = random.randint(low, low + 56, (SIZE + 2, SIZE, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number:02}.png")
    return str(folder)
