"""Files of the repository: locked dependencies, the image, what must not be in them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
REGISTRIES = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com")
MACHINE_PATH = re.compile(r"(?<![\w.~*-])/(?:root|work|home/\w+|Users/\w+)/")


def tracked_texts() -> dict[str, str]:
    """Read every text file that git knows."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    names = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    texts = {}
    for name in names.decode().split("\0"):
        path = ROOT / name
        if name and path.is_file():
            data = path.read_bytes()
            if b"\0" not in data:
                texts[name] = data.decode()
    return texts


def requirements(lock: Path) -> dict[str, str]:
    """Give the pins of a lock file, each with its hashes, by package."""
    entries = re.split(r"^(?=[a-z0-9])", lock.read_text(), flags=re.MULTILINE | re.IGNORECASE)
    return {entry.partition("==")[0]: entry for entry in entries if entry}


def stages() -> list[tuple[str, str]]:
    """Give the stages of the Dockerfile: what each is made from, and its text."""
    text = (ROOT / "Dockerfile").read_text()
    return [(part.split()[0], part) for part in re.split(r"^FROM ", text, flags=re.MULTILINE)[1:]]


def name_of(stage: str) -> str:
    """Give the name of a stage."""
    found = re.match(r"\S+ AS (\S+)", stage)
    return found[1] if found else ""


def test_no_registry_is_named() -> None:
    """No file names a package registry: any index with the same packages serves."""
    named = {name for name, text in tracked_texts().items() if any(host in text for host in REGISTRIES)}

    assert named == set()


def test_no_machine_is_named() -> None:
    """No file holds a path of the machine that it was written on."""
    named = {name: found[0] for name, text in tracked_texts().items() if (found := MACHINE_PATH.search(text))}

    assert named == {}


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_locks_hold_hashes(lock: Path) -> None:
    """Each locked package has one exact version and at least one SHA-256."""
    pins = requirements(lock)

    assert pins
    for package, entry in pins.items():
        assert re.match(
            rf"{re.escape(package)}==[\w.+!]+ \\\n( +--hash=sha256:[0-9a-f]{{64}}( \\)?\n)+", entry
        ), entry


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_locks_hold_no_addresses(lock: Path) -> None:
    """A lock file names packages, never where to get them."""
    assert not re.search(r"://|--(extra-)?index-url|--find-links|--trusted-host", lock.read_text())


def test_locks_agree() -> None:
    """A package has the same version in every lock file that holds it."""
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for package, entry in requirements(lock).items():
            versions.setdefault(package, set()).add(entry.split()[0])

    assert {package for package, found in versions.items() if len(found) > 1} == set()


def test_ci_script_is_sound() -> None:
    """The script that runs everything is valid for bash, and may be run."""
    script = ROOT / ".ci" / "run"
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    answer = subprocess.run([bash, "-n", str(script)], capture_output=True, text=True, check=False)

    assert answer.stderr == ""
    assert script.stat().st_mode & 0o111


def test_image_is_not_root() -> None:
    """The last stage of the Dockerfile, which a plain build makes, runs as a numeric user but root."""
    origin, text = stages()[-1]
    named = {name_of(stage): (source, stage) for source, stage in stages()}
    while not (users := re.findall(r"^USER (.+)$", text, re.MULTILINE)):
        origin, text = named[origin]

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", users[-1])


def test_plain_build_is_the_exporter() -> None:
    """A build that names no target gives the exporter without the simulated account."""
    _, text = stages()[-1]

    assert name_of(text) == "exporter"
    assert "demo" not in text


def test_image_installs_only_locked_packages() -> None:
    """Whatever the image installs has a hash, or is the project itself."""
    installs = re.findall(r"pip \S*.*? ?install .+", (ROOT / "Dockerfile").read_text())

    assert installs
    assert all("--require-hashes" in line or "--no-deps /dist/" in line for line in installs)
