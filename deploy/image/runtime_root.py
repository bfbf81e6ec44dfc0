"""Copies Python, a virtual environment and the libraries that both need into a folder.

The folder becomes the root of the image, without a shell, a package manager or any other program. Run it with
the Python to copy:

    python runtime_root.py /opt/exporter /runtime
"""

import compileall
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from py_compile import PycInvalidationMode

STDLIB = Path(sysconfig.get_path("stdlib"))
UNUSED_MODULES = (
    *("__pycache__", "site-packages", "dist-packages", "config-*"),
    *("ensurepip", "idlelib", "lib2to3", "pydoc_data", "test", "tkinter", "turtledemo", "venv", "_tkinter*"),
)
OTHER_FILES = (
    "/etc/ld.so.cache",
    "/etc/nsswitch.conf",
    "/etc/os-release",
    "/etc/ssl/certs/ca-certificates.crt",
)
ZONES = Path("/usr/share/zoneinfo")
DATA_PACKAGES = {"ca-certificates", "tzdata"}
ACCOUNTS = {
    "passwd": "root:x:0:0:root:/:/sbin/nologin\nexporter:x:10058:10058:exporter:/:/sbin/nologin\n",
    "group": "root:x:0:\nexporter:x:10058:\n",
}


def main(environment: Path, root: Path) -> None:
    """Fill the folder `root`, which must not exist."""
    root.mkdir()
    for name in ("lib", "lib64"):  # symbolic links to /usr/lib and /usr/lib64, or folders
        if Path("/", name).is_symlink():
            (root / name).symlink_to(Path("/", name).readlink())
    _copy_tree(STDLIB, root, UNUSED_MODULES)
    compileall.compile_dir(
        _inside(root, STDLIB),
        ddir=str(STDLIB),
        quiet=2,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    _copy_tree(environment, root, ("Activate.ps1", "activate*"))
    _copy_tree(ZONES, root, ("posix", "right"))
    files = [environment / "bin" / "python", *map(Path, OTHER_FILES)]
    files += _libraries([files[0], *STDLIB.rglob("*.so"), *environment.rglob("*.so")])
    for file in files:
        _copy_file(file, root)
    for package in sorted(_packages(files) | DATA_PACKAGES):
        _write(root / "var/lib/dpkg/status.d" / package, _output("dpkg-query", "--status", package))
    for name, text in ACCOUNTS.items():
        _write(root / "etc" / name, text)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)


def _inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _copy_tree(source: Path, root: Path, ignored: Iterable[str]) -> None:
    shutil.copytree(source, _inside(root, source), symlinks=True, ignore=shutil.ignore_patterns(*ignored))


def _copy_file(path: Path, root: Path) -> None:
    """Copy a file; if it is a symbolic link, also the file that it leads to."""
    path = path.parent.resolve() / path.name
    copy = _inside(root, path)
    copy.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        if not copy.is_symlink():
            copy.symlink_to(path.readlink())
        _copy_file(path.parent / path.readlink(), root)
    else:
        shutil.copy2(path, copy)


def _libraries(programs: Iterable[Path]) -> Iterator[Path]:
    """Yield the shared libraries and the loader that programs and libraries need."""
    words = _output("ldd", *map(str, programs)).split()
    yield from sorted({Path(word) for word in words if word.startswith("/") and not word.endswith(":")})


def _packages(files: Iterable[Path]) -> set[str]:
    """Find the Debian packages of the files, so that scanners recognize them."""
    paths = {
        str(path) for file in files for path in (file, file.resolve(), Path("/", *file.resolve().parts[2:]))
    }
    owners = _output("dpkg-query", "--search", *paths, check=False)
    return {line.partition(":")[0] for line in owners.splitlines() if not line.startswith("diversion ")}


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _output(*command: str, check: bool = True) -> str:
    errors = None if check else subprocess.DEVNULL
    environment = os.environ | {"LC_ALL": "C"}
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=errors, check=check, text=True, env=environment
    )
    return done.stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
