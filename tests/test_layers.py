"""Who may import whom: the layers of docs/architecture.md, read from the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "python" / "temj"

LAYERS = [
    {"errors", "registry", "storage", "resources", "memory", "opencv", "spreadsheet", "wording", "_version"},
    {"data"},
    {"imagej_tiff"},
    {"geometry"},
    {"readers"},
    {"area"},
    {"annotations", "measurement", "synthetic"},
    {"population"},
    {"physics"},
    {"plots"},
    {"evaluation"},
    {"datasets"},
    {"cores"},
    {"models"},
    {"inference"},
    {"training"},
    {"report"},
    {"workflows"},
    {"commands"},
    {"cli", "imagej"},
]
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}
TOP = {"__init__", "__main__"}
TORCH = {"torch", "torchvision", "segmentation_models_pytorch", "safetensors.torch"}
TORCH_HOMES = {"cores", "models", "inference", "training"}
TORCH_ONLY = {"cores/semantic/losses.py"} | {
    f"cores/detection/{name}.py"
    for name in (
        "heads", "network", "proposals", "rotated/anchors", "rotated/coder", "rotated/heads", "rotated/iou",
        "rotated/matching", "rotated/pooling", "rotated/proposals",
    )
}  # fmt: skip
"""Modules that are nothing without torch, so that others import them only inside functions or by name."""
JAVA = {"jpype", "scyjava", "imagej", "jgo"}


def part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> list[tuple[str, bool]]:
    """(module, whether at the top of the file) of every import outside TYPE_CHECKING."""
    tree = ast.parse(path.read_text("utf-8"))
    found = []

    def visit(node: ast.AST, top: bool) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        if isinstance(node, ast.Import):
            found.extend((alias.name, top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.append((node.module, top))
            found.extend((f"{node.module}.{alias.name}", top) for alias in node.names)
        for child in ast.iter_child_nodes(node):
            visit(child, top and not inside)

    visit(tree, True)
    return found


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_only_from_lower_layers(path: Path) -> None:
    own = part(path)
    assert own in LEVEL or own in TOP, f"{own} stands in no layer: add it to LAYERS and to docs/architecture.md"
    for module, _ in imports(path):
        names = module.split(".")
        if names[0] != "temj" or len(names) < 2 or names[1] not in LEVEL or own in TOP:
            continue
        other = names[1]
        assert other == own or LEVEL[other] < LEVEL[own] or {own, other} <= LAYERS[0], f"{path} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_torch_and_java_stay_at_home(path: Path) -> None:
    own = part(path)
    for module, top in imports(path):
        root = module.split(".")[0]
        if module in TORCH or root in TORCH:
            assert own in TORCH_HOMES, f"{path} imports {module}"
            alone = path.relative_to(PACKAGE).as_posix() in TORCH_ONLY
            assert not top or alone or own not in {"models", "cores"}, f"{path}: {module} only inside functions"
        assert root not in JAVA or own == "imagej", f"{path} imports {module}"


def loaded_by(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter has loaded after ``code``."""
    script = f"import sys\n{code}\nprint(' '.join(sorted(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    return set(told.splitlines()[-1].split())


def test_importing_temj_and_asking_for_help_loads_nothing_heavy() -> None:
    heavy = {"numpy", "torch", "jpype", "pandas", "pydantic"}
    assert not loaded_by("import temj") & heavy
    assert not loaded_by("import temj.cli; temj.cli.main(['--help'])") & heavy


def test_reading_measuring_and_listing_models_need_neither_torch_nor_java() -> None:
    code = "import temj; temj.open, temj.measure, temj.Micrograph; import temj.models; temj.models.list_models()"
    code += "; from temj.cores import make_core; make_core('semantic', {'classes': ['loop']})"
    assert not loaded_by(code) & {"torch", "jpype", "scyjava"}
