"""Writes the software bill of materials of a release: the exporter with its pinned dependencies.

`python -m tools.sbom FILE` installs the pinned dependencies and the exporter into a temporary environment and
describes it in the CycloneDX format.
"""

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from typing import Any

from flit_core.buildapi import build_wheel

ROOT = Path(__file__).resolve().parent.parent
NAME = "aws-backup-exporter"


def main(output: Path) -> None:
    """Write the bill of materials to a file. Run it in the root of the repository."""
    with tempfile.TemporaryDirectory() as folder:
        environment = Path(folder, "environment")
        venv.create(environment)
        wheel = str(Path(folder, build_wheel(folder)))
        install = (sys.executable, "-m", "pip", "--python", str(environment), "install", "--quiet")
        _run(*install, "--require-hashes", "--requirement", "requirements/runtime.txt")
        _run(*install, "--no-deps", wheel)
        bill = bill_of_materials(environment / "bin" / "python")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(json.dumps(bill, indent=2) + "\n", encoding="utf-8")


def bill_of_materials(python: Path) -> dict[str, Any]:
    """Describe the environment of a Python, with the exporter as the subject."""
    command = Path(sys.executable).parent / "cyclonedx-py"
    text = _run(str(command), "environment", "--output-reproducible", "--output-format", "JSON", str(python))
    bill: dict[str, Any] = json.loads(text)
    [exporter] = (component for component in bill["components"] if component["name"] == NAME)
    bill["components"].remove(exporter)
    exporter.pop("externalReferences", None)  # the temporary file that it was installed from
    bill["metadata"]["component"] = exporter | {"type": "application"}
    return bill


def _run(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))
