"""A volume with the keys of a ConfigMap or a Secret, which the kubelet replaces as a whole."""

import shutil
from collections.abc import Mapping
from itertools import count
from pathlib import Path


class Volume:
    """A folder in which each file is a symbolic link through `..data` to a folder with a time as its name.

    A change writes another such folder, links `..data_tmp` to it, renames that link to `..data` and removes
    the folder from before, as the AtomicWriter of the kubelet does.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._numbers = count()

    def write(self, files: Mapping[str, str]) -> list[Path]:
        """Let the files, and no others, be the content; returns where they are now."""
        data = self.folder / "..data"
        before = data.resolve() if data.is_symlink() else None
        made = self.folder / f"..2026_11_27_10_00_{next(self._numbers):02}.1234567890"
        made.mkdir(parents=True)
        for name, text in files.items():
            (made / name).write_text(text)
        link = self.folder / "..data_tmp"
        link.symlink_to(made.name)
        link.rename(data)
        for name in files:
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        for path in self.folder.iterdir():
            if path.is_symlink() and not path.exists():
                path.unlink()
        if before is not None:
            shutil.rmtree(before)
        return [made / name for name in files]
