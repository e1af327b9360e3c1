"""The stack's tools: Java found or asked for, jars fetched once, the package the same from the same sources."""

from __future__ import annotations

import json
import os
import sys
import zipfile
import zipimport
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from arrears.contracts.errors import BadConfiguration
from arrears.contracts.packages import EXCLUDED, coordinates
from local.environment import Toolchain
from local.progress import Progress
from local.tools import java
from local.tools.class_archive import begin_class_archive, ensure_class_archive, with_jars
from local.tools.jars import MANIFEST, recorded_jars
from local.tools.package_jobs import build_package
from local.tools.spark_home import ensure_spark_home
from local.tools.versitygw import go_version


def a_program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def a_java(home: Path, version: str) -> Path:
    settings = f"    java.home = {home}\\n    java.specification.version = {version}\\n"
    a_program(home / "bin" / "java", f"printf '{settings}' >&2")
    return home


def sources(folder: Path) -> Path:
    for name in ("arrears/__init__.py", "arrears/descriptions/loans.yaml", "spark_jobs/jobs/train_model.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n")
    return folder


def test_java_home_is_preferred_when_path_has_another(tmp_path: Path) -> None:
    home, other = a_java(tmp_path / "home", "21"), a_java(tmp_path / "other", "17")
    found = java.find_java({"JAVA_HOME": str(home), "PATH": f"{other}/bin"})
    assert (found.version, found.home) == (21, home)


def test_java_on_path_is_taken_when_java_home_is_too_old(tmp_path: Path) -> None:
    old, good = a_java(tmp_path / "old", "1.8"), a_java(tmp_path / "good", "17")
    assert java.find_java({"JAVA_HOME": str(old), "PATH": f"{good}/bin"}).home == good


@pytest.mark.parametrize("version", ["1.8", "11", "25"])
def test_java_that_spark_cannot_use_is_refused_with_advice(tmp_path: Path, version: str) -> None:
    home = a_java(tmp_path / "java", version)
    with pytest.raises(java.JavaMissing) as refused:
        java.find_java({"JAVA_HOME": str(home), "PATH": ""})
    told = str(refused.value)
    assert f"Java {version.removeprefix('1.')}" in told
    assert all(word in told for word in ("apt-get", "dnf", "brew"))


def test_one_message_says_what_to_install_when_there_is_no_java(capsys: pytest.CaptureFixture[str]) -> None:
    assert java.main([], {"PATH": "/nowhere"}) == 1
    assert "None was found" in capsys.readouterr().err


def test_java_that_says_its_version_but_fails_is_refused(tmp_path: Path) -> None:
    told = (a_java(tmp_path, "17") / "bin" / "java").read_text()
    a_program(tmp_path / "bin" / "java", f"{told}\nexit 1")
    with pytest.raises(java.JavaMissing, match="not a working Java"):
        java.find_java({"JAVA_HOME": str(tmp_path), "PATH": ""})


def test_go_version_is_read_from_the_toolchain(tmp_path: Path) -> None:
    assert go_version(str(a_program(tmp_path / "go", "echo go1.26.6"))) == (1, 26)
    assert go_version(str(tmp_path / "absent")) is None


def a_jar_folder(folder: Path) -> Path:
    (folder / "one.jar").write_bytes(b"1234")
    manifest = {"packages": ["g:a:1"], "excluded": EXCLUDED, "sizes": {"one.jar": 4}}
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def test_jars_are_used_again_when_all_are_there(tmp_path: Path) -> None:
    assert recorded_jars(a_jar_folder(tmp_path), ("g:a:1",)) == (tmp_path / "one.jar",)


def test_jars_are_fetched_again_when_one_is_cut_short(tmp_path: Path) -> None:
    (a_jar_folder(tmp_path) / "one.jar").write_bytes(b"12")
    assert recorded_jars(tmp_path, ("g:a:1",)) == ()


def test_jars_are_fetched_again_when_one_is_missing(tmp_path: Path) -> None:
    (a_jar_folder(tmp_path) / "one.jar").unlink()
    assert recorded_jars(tmp_path, ("g:a:1",)) == ()


def test_jars_are_fetched_again_when_another_version_is_wanted(tmp_path: Path) -> None:
    assert recorded_jars(a_jar_folder(tmp_path), ("g:a:2",)) == ()


def a_toolchain(folder: Path, spark_submit: str) -> Toolchain:
    """Java, Spark and a jar in a folder; its spark-submit is a script."""
    for name in ("java/lib/server/libjvm.so", "spark/jars/core.jar", "delta.jar"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    a_program(folder / "spark/bin/spark-submit", spark_submit)
    python = Path("/usr/bin/python3")
    bare = Toolchain(python, folder / "spark", folder / "java", "/bin", (), folder, "", "")
    return with_jars(bare, (folder / "delta.jar",), folder / "tools")


DUMPS = r"""
for word; do case $word in *ArchiveClassesAtExit=*) file=${word#*AtExit=}; echo all >"${file%% *}";; esac; done"""


@pytest.mark.parametrize("changed", ["java/lib/server/libjvm.so", "spark/jars/core.jar", "delta.jar"])
def test_classes_have_another_archive_when_java_or_a_jar_is_another(tmp_path: Path, changed: str) -> None:
    before = a_toolchain(tmp_path, DUMPS)
    assert with_jars(before, before.jars, tmp_path / "tools").class_archive == before.class_archive
    (tmp_path / changed).write_text("another")
    assert with_jars(before, before.jars, tmp_path / "tools").class_archive != before.class_archive


def test_classes_are_archived_once_and_the_archive_of_other_jars_goes(tmp_path: Path) -> None:
    toolchain = a_toolchain(tmp_path, DUMPS)
    archive, older = toolchain.class_archive, tmp_path / "tools" / "classes-older.jsa"
    assert archive is not None
    older.parent.mkdir()
    older.write_text("old")
    ensure_class_archive(toolchain, {}, Progress())
    assert archive.read_text() == "all\n"
    assert not older.exists()
    a_program(tmp_path / "spark/bin/spark-submit", "exit 1")
    ensure_class_archive(toolchain, {}, Progress())
    assert archive.exists()


def test_the_stack_lets_another_process_archive_the_classes_unless_it_is_done(tmp_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    python = a_program(tmp_path / "python", 'echo "$@ in $ARREARS_STATE"')
    toolchain = replace(a_toolchain(tmp_path, DUMPS), python=python)
    process = begin_class_archive(toolchain, {"ARREARS_STATE": "this stack"}, Progress())
    assert process is not None
    assert process.wait(timeout=60) == 0
    assert (tmp_path / "tools/tools.log").read_text() == "-m local.tools --give-way in this stack\n"
    assert toolchain.class_archive is not None
    toolchain.class_archive.touch()
    assert begin_class_archive(toolchain, {}, Progress()) is None


@pytest.mark.parametrize("spark_submit", ["exit 1", "exit 0", f"{DUMPS}; exit 1"])
def test_jobs_go_without_an_archive_that_cannot_be_made(
    tmp_path: Path, spark_submit: str, capsys: pytest.CaptureFixture[str]
) -> None:
    toolchain = a_toolchain(tmp_path, spark_submit)
    ensure_class_archive(toolchain, {}, Progress())
    assert "could not be archived: jobs start later" in capsys.readouterr().out
    assert [each for each in (tmp_path / "tools").iterdir() if each.suffix in (".jsa", ".part")] == []


def test_same_sources_give_the_same_package_bytes(tmp_path: Path) -> None:
    one, two = sources(tmp_path / "one"), sources(tmp_path / "two")
    os.utime(two / "arrears/__init__.py", (1, 1))
    (two / "arrears/__pycache__").mkdir()
    (two / "arrears/__pycache__/x.pyc").write_bytes(b"x")
    first, second = build_package(one), build_package(two)
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.digest == second.digest


def test_package_holds_descriptions_and_code_also_compiled_by_this_python(tmp_path: Path) -> None:
    (sources(tmp_path) / "arrears/__init__.pyc").write_bytes(b"x")
    path = build_package(tmp_path).path
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    assert names == [
        *("arrears/__init__.py", "arrears/descriptions/loans.yaml", "spark_jobs/jobs/train_model.py"),
        *("arrears/__init__.pyc", "spark_jobs/jobs/train_model.pyc"),
    ]
    module = zipimport.zipimporter(f"{path}/arrears").find_spec("__init__")
    assert module is not None
    assert module.origin == f"{path}/arrears/__init__.pyc"


def test_package_of_another_python_is_built_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = build_package(sources(tmp_path)).path
    os.utime(path, (1, 1))
    monkeypatch.setattr(sys, "implementation", SimpleNamespace(cache_tag="cpython-399"))
    build_package(tmp_path)
    assert path.stat().st_mtime != 1


def test_spark_home_has_links_to_all_but_the_copy_of_pyspark(tmp_path: Path) -> None:
    pyspark, tools = tmp_path / "site-packages/pyspark", tmp_path / "tools"
    for name in ("bin", "jars", "python/lib", "sql"):
        (pyspark / name).mkdir(parents=True)
    home = ensure_spark_home(pyspark, tools)
    assert ensure_spark_home(pyspark, tools) == home
    assert {each.name: each.resolve() for each in home.iterdir()} == {
        "bin": pyspark / "bin",
        "jars": pyspark / "jars",
    }
    assert ensure_spark_home(tmp_path / "another/pyspark", tools) != home


def test_package_is_left_alone_when_no_source_has_changed(tmp_path: Path) -> None:
    path = build_package(sources(tmp_path)).path
    os.utime(path, (1, 1))
    build_package(tmp_path)
    assert path.stat().st_mtime == 1


def test_package_is_built_anew_when_a_source_has_changed(tmp_path: Path) -> None:
    before = build_package(sources(tmp_path))
    (tmp_path / "arrears/__init__.py").write_text("changed = True\n")
    after = build_package(tmp_path)
    assert after.digest != before.digest
    with zipfile.ZipFile(after.path) as archive:
        assert archive.read("arrears/__init__.py") == b"changed = True\n"


def test_package_without_sources_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfiguration, match="no sources"):
        build_package(tmp_path)


@pytest.mark.parametrize(
    ("spark", "scala", "delta", "hadoop"),
    [
        ("3.5.6", "2.12", "io.delta:delta-spark_2.12:3.3.3", "3.3.4"),
        ("4.0.1", "2.13", "io.delta:delta-spark_4.0_2.13:4.3.1", "3.4.1"),
        ("4.1.4", "2.13", "io.delta:delta-spark_4.1_2.13:4.3.1", "3.4.2"),
    ],
)
def test_packages_follow_the_clusters_spark(spark: str, scala: str, delta: str, hadoop: str) -> None:
    listed = coordinates(spark, scala)
    assert listed[:2] == (delta, f"org.apache.hadoop:hadoop-aws:{hadoop}")


def test_sdk_bundle_is_left_out_and_its_few_modules_named_when_hadoop_allows() -> None:
    assert "software.amazon.awssdk:bundle" in EXCLUDED
    assert [name for name in coordinates() if name.startswith("software.amazon.awssdk:s3:")]


def test_sdk_modules_have_one_version_that_maven_has_in_full() -> None:
    for spark, version in (("4.0.1", "2.24.8"), ("4.1.4", "2.29.52")):
        modules = [name for name in coordinates(spark) if name.startswith("software.amazon.awssdk:")]
        assert {name.rpartition(":")[2] for name in modules} == {version}


def test_sdk_bundle_stays_when_hadoop_needs_the_classes_inside_it() -> None:
    assert not any(name.startswith("com.amazonaws") for name in EXCLUDED)
    assert len(coordinates("3.5.6", "2.12")) == 2


@pytest.mark.parametrize(("spark", "scala"), [("3.4.0", "2.12"), ("4.1.4", "2.12"), ("", "2.13")])
def test_unknown_spark_is_refused_with_what_is_known(spark: str, scala: str) -> None:
    with pytest.raises(BadConfiguration, match=r"Spark 4\.1 with Scala 2\.13"):
        coordinates(spark, scala)
