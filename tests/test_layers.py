"""Imports go downwards only, and importing the package is cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import neuroselect

ROOT = Path(neuroselect.__file__).parent

# Higher numbers may import lower ones; equal numbers only within one sub-package, or through
# another's public functions where listed here.
LEVELS = {
    "utils": 0,
    "consolidation": 1,
    "curricula": 1,
    "recordings": 1,
    "datasets": 2,
    "_engine": 2,
    "preprocessing": 3,
    "regime": 3,
    "networks": 3,
    "continual": 4,
    "behavior": 4,
    "rsa": 4,
    "alignment": 5,
    "geometry": 5,
    "selectivity": 6,
    "model_selection": 7,
    "displays": 7,
    "studies": 7,
    "report": 8,
    "_cli_datasets": 8,
    "_cli_inspect": 8,
    "cli": 9,
    "__main__": 10,
}


def imported_packages(path):
    """Sub-packages of neuroselect that a file imports, at any depth of the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            names = [node.module]
            if node.module == "neuroselect":
                names = [f"neuroselect.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("neuroselect."):
                yield name.split(".")[1]


FILES = [p for p in sorted(ROOT.rglob("*.py")) if p.parent != ROOT or p.stem in LEVELS]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_upward_import(path):
    own = path.relative_to(ROOT).parts[0].removesuffix(".py")
    for package in imported_packages(path):
        if package == "__version__":
            continue
        assert package in LEVELS, f"{path} imports {package} through the package's front door"
        lower = LEVELS[package] < LEVELS[own]
        assert lower or package == own, f"{path} ({own}) imports upwards from {package}"


def loaded_by(statement):
    """Top-level modules that a fresh interpreter has loaded after ``statement``, and seconds."""
    code = (
        "import sys, time; start = time.perf_counter()\n"
        f"{statement}\n"
        "print(time.perf_counter() - start, *{m.split('.')[0] for m in sys.modules})"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds, *modules = out.stdout.split()
    return float(seconds), set(modules)


HEAVY = {"torch", "matplotlib", "pandas", "rsatoolbox", "sklearn", "scipy"}


def test_importing_the_package_is_cheap():
    results = [loaded_by("import neuroselect") for _ in range(3)]
    assert not results[0][1] & HEAVY
    assert min(seconds for seconds, _ in results) < 0.3


@pytest.mark.parametrize(
    "name",
    [
        "alignment",
        "behavior",
        "consolidation",
        "continual",
        "curricula",
        "datasets",
        "recordings",
        "preprocessing",
        "rsa",
        "geometry",
        "regime",
        "displays",
    ],
)
def test_light_packages_load_neither_torch_nor_matplotlib(name):
    _, modules = loaded_by(f"import neuroselect.{name}")
    assert not modules & {"torch", "matplotlib", "rsatoolbox"}
