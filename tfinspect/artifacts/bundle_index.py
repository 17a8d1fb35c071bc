"""The index of a V2 checkpoint: its header, its entries, and where slices are described."""

from tfinspect.artifacts.bundle_entry import BundleEntry, BundleHeader, parse_entry, parse_header
from tfinspect.artifacts.slices import Extent, slice_key
from tfinspect.artifacts.sstable import Table, UnknownCodecError
from tfinspect.artifacts.wire import WireError
from tfinspect.errors import ArtifactError

_HEADER_KEY = b""
# Keys of slices start with an ordered code of zero; no variable's name does.
_SLICE_LEAD = b"\x00"


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
        self.entries: dict[str, BundleEntry] = {
            key.decode("utf-8", "backslashreplace"): self._parse(key, value)
            for key, value in values.items()
            if key not in self._slices
        }

    def _read(self) -> dict[bytes, bytes]:
        table = Table(self.path)
        values: dict[bytes, bytes] = {}
        for block in table.blocks:
            try:
                values.update(table.read_block(block))
            except UnknownCodecError as error:
                self.problems.append(f"{error} Its variables are not listed.")
        if self.problems and not values:
            raise ArtifactError(self.problems[0])
        return values

    def _parse_header(self, data: bytes | None) -> BundleHeader:
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
            name = key.decode("utf-8", "backslashreplace")
            raise ArtifactError(
                f"'{self.path}' is broken at entry '{name}': {error}; "
                "get the file again from where it came."
            ) from error

    def part(self, name: str, extents: tuple[Extent, ...]) -> BundleEntry | None:
        """Returns the entry of one slice of a partitioned variable; None where it is missing."""
        key = slice_key(name.encode(), extents)
        value = self._slices.get(key)
        return None if value is None else self._parse(key, value)

    def parts(self, name: str) -> list[BundleEntry]:
        """Returns the entries that hold a variable's value: its own, or its slices' as found."""
        entry = self.entries[name]
        if not entry.slices:
            return [entry]
        found = (self.part(name, extents) for extents in entry.slices)
        return [part for part in found if part is not None]
