"""The index of a V2 checkpoint: its header, its entries, and where slices are described."""

from tfinspect.artifacts.bundle_entry import BundleEntry, BundleHeader, parse_entry, parse_header
from tfinspect.artifacts.slices import Extent, slice_key
from tfinspect.artifacts.sstable import Table, UnknownCodecError
from tfinspect.artifacts.unique_names import readable_key
from tfinspect.artifacts.wire import WireError
from tfinspect.errors import ArtifactError

_HEADER_KEY = b""
# Keys of slices start with an ordered code of zero; no variable's name does.
_SLICE_LEAD = b"\x00"
# Limits against broken files: a key may share nearly all of its bytes with the one before it.
_MOST_ENTRIES, _MOST_BYTES = 1 << 20, 192 << 20


class BundleIndex:
    """All of a checkpoint's `.index` file, read and verified at once.

    Attributes:
      path: the file.
      header: number of data files, byte order, version.
      entries: key -> type, shape and place.
      problems: blocks that could not be read, in sentences.

    Raises:
      ArtifactError: it is missing, broken, or no index of a checkpoint.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.problems: list[str] = []
        values = self._read()
        self.header = self._parse_header(values.pop(_HEADER_KEY, None))
        self._slices = {key: values[key] for key in values if key.startswith(_SLICE_LEAD)}
        self.entries: dict[str, BundleEntry] = {}
        # Names that are not their keys' own text -> the keys.
        self._escaped: dict[str, bytes] = {}
        for key, value in values.items():
            if key not in self._slices:
                self.entries[self._name(key)] = self._parse(key, value)

    def _name(self, key: bytes) -> str:
        name = readable_key(key, self.entries)
        if not key.isascii() and name.encode() != key:
            self._escaped[name] = key
        return name

    def _read(self) -> dict[bytes, bytes]:
        table = Table(self.path)
        values: dict[bytes, bytes] = {}
        left = _MOST_BYTES
        for block in table.blocks:
            try:
                for key, value in table.read_block(block):
                    values[key] = value
                    left -= len(key) + len(value)
                    if left < 0 or len(values) > _MOST_ENTRIES:
                        raise self._too_much(block.offset)
            except UnknownCodecError as error:
                self.problems.append(f"{error} Its variables are not listed.")
        if self.problems and not values:
            raise ArtifactError(self.problems[0])
        return values

    def _too_much(self, offset: int) -> ArtifactError:
        return ArtifactError(
            f"'{self.path}' has more than {_MOST_ENTRIES:,} entries, or {_MOST_BYTES:,} bytes of "
            f"them, in its blocks up to byte {offset:,}, as no model has; give another file."
        )

    def _parse_header(self, data: bytes | None) -> BundleHeader:
        if data is None and self.problems:
            # It stands in a block that cannot be unpacked: what the others hold can be listed.
            return BundleHeader(0, False, 0)
        try:
            if data is None:
                raise WireError("it has no header")
            return parse_header(data)
        except WireError as error:
            raise ArtifactError(
                f"'{self.path}' is no index of a V2 checkpoint: {error}; give another file."
            ) from error

    def _parse(self, key: bytes, value: bytes) -> BundleEntry:
        try:
            return parse_entry(value)
        except WireError as error:
            name = readable_key(key, {})
            raise ArtifactError(
                f"'{self.path}' is broken at entry '{name}': {error}; "
                "get the file again from where it came."
            ) from error

    def part(self, name: str, extents: tuple[Extent, ...]) -> BundleEntry | None:
        """Returns the entry of one slice of a partitioned variable; None where it is missing."""
        key = slice_key(self._escaped.get(name) or name.encode(), extents)
        value = self._slices.get(key)
        return None if value is None else self._parse(key, value)

    def parts(self, name: str) -> list[BundleEntry]:
        """Returns the entries that hold a variable's value: its own, or its slices' as found."""
        entry = self.entries[name]
        if not entry.slices:
            return [entry]
        found = (self.part(name, extents) for extents in entry.slices)
        return [part for part in found if part is not None]
