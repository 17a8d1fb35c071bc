"""An even sample of many things in order."""


def spread(count: int, most: int) -> list[int]:
    """Returns at most `most` of the indices below `count`, evenly spread, both ends included.

    >>> spread(10, 4), spread(3, 4), spread(5, 1)
    ([0, 3, 6, 9], [0, 1, 2], [0])
    """
    if count <= most:
        return list(range(count))
    if most == 1:
        return [0]
    return [round(place * (count - 1) / (most - 1)) for place in range(most)]
