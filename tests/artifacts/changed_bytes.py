"""The bytes of a file with one thing changed, drawn by hypothesis."""

from hypothesis import strategies as st

KINDS = ("cut", "flip", "overwrite", "insert", "repeat", "noise")


@st.composite
def changed(draw, data):
    """Cuts, flips a bit, overwrites, inserts, repeats the beginning, or leaves nothing."""
    kind = draw(st.sampled_from(KINDS))
    place = draw(st.integers(0, len(data) - 1))
    noise = draw(st.binary(min_size=1, max_size=16))
    if kind == "cut":
        return data[:place]
    if kind == "flip":
        bit = 1 << draw(st.integers(0, 7))
        return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]
    if kind == "overwrite":
        return data[:place] + noise + data[place + len(noise) :]
    if kind == "noise":
        return noise * 10
    return data[:place] + (noise if kind == "insert" else data[:place]) + data[place:]
