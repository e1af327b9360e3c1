"""The code that travels with a model: complete, one file, and importable where Arrears is not installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import arrears
from arrears.stores.model_code import write_entry, write_package

HERE = Path(arrears.__file__).parent
# A process that finds Arrears in the zip alone.
IMPORTING = """
import sys
sys.path = [sys.argv[1], *(place for place in sys.path if place not in sys.argv[2:])]
import arrears.scoring.answers, arrears.scoring.scorers
print(arrears.__file__)
"""


def test_the_zip_holds_every_source_and_nothing_compiled(tmp_path: Path) -> None:
    with zipfile.ZipFile(write_package(tmp_path)) as archive:
        names = set(archive.namelist())
    sources = {str(file.relative_to(HERE.parent)) for file in HERE.rglob("*") if file.is_file()}
    assert names == {name for name in sources if "__pycache__" not in name}


def test_the_zip_runs_where_arrears_is_not_installed(tmp_path: Path) -> None:
    packed = write_package(tmp_path)
    asked = [sys.executable, "-I", "-c", IMPORTING, str(packed), str(HERE.parent)]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(packed / "arrears" / "__init__.py"), done.stderr


def test_a_zip_of_a_zip_is_the_same(tmp_path: Path) -> None:
    packed, again = write_package(tmp_path), tmp_path / "again"
    again.mkdir()
    writing = "import sys; sys.path = [sys.argv[1], *(p for p in sys.path if p != sys.argv[2])];"
    writing += "from pathlib import Path; from arrears.stores import model_code as m;"
    writing += "m.write_package(Path(sys.argv[3])); m.write_entry(Path(sys.argv[3]))"
    asked = [sys.executable, "-I", "-c", writing, str(packed), str(HERE.parent), str(again)]
    subprocess.run(asked, cwd=tmp_path, check=True)
    with zipfile.ZipFile(packed) as first, zipfile.ZipFile(again / "arrears.zip") as second:
        assert {name: first.read(name) for name in first.namelist()} == {
            name: second.read(name) for name in second.namelist()
        }
    assert (again / "pyfunc_model.py").read_bytes() == write_entry(tmp_path).read_bytes()
