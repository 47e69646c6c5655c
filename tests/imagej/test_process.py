"""The process around Java: its start, signals, its end, what is refused, and our one Java class."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jpype
import pytest

from temj.errors import MissingSoftware
from temj.imagej import java, start_lock

SCRIPTS = Path(__file__).with_name("scripts")


def test_importing_starts_and_imports_nothing_of_java():
    code = "import sys, temj, temj.imagej; print([m for m in ('jpype', 'scyjava', 'imagej') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


@pytest.mark.java
@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to send")
@pytest.mark.parametrize(
    ("handlers", "number", "words", "code"),
    [
        ("default", signal.SIGINT, "GOT KeyboardInterrupt", 0),
        ("default", signal.SIGTERM, "", -signal.SIGTERM),
        ("handler", signal.SIGINT, f"GOT {int(signal.SIGINT)}", 0),
        ("handler", signal.SIGTERM, f"GOT {int(signal.SIGTERM)}", 0),
    ],
)
def test_signals_reach_python_and_the_process_ends(handlers, number, words, code):
    command = [sys.executable, SCRIPTS / "signals.py", handlers]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            lines = iter(process.stdout.readline, "")
            assert any(line.startswith("READY") for line in lines)
            process.send_signal(number)
            output, _ = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert words in output
    assert process.returncode == code


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (["headless=False"], "MissingSoftware", "no DISPLAY"),
        (["headless=True", "fiji=/no/such/folder"], "BadValue", "/no/such/folder"),
        (["headless=True", "fiji=/a", "endpoint=2.17.0"], "BadValue", "one of the two"),
    ],
)
def test_what_cannot_start_is_said_in_words(script, given, error, words):
    facts = script("refused", *given)
    assert facts["error"] == error
    assert words in facts["message"]
    assert facts["attach"]["error"] == "MissingSoftware"


def test_without_java_it_says_so(monkeypatch):
    def none():
        raise jpype.JVMNotFoundException("none")

    monkeypatch.setattr(jpype, "getDefaultJVMPath", none)
    with pytest.raises(MissingSoftware, match="a Java of version 11 or newer"):
        java._find_java()


@pytest.mark.java
def test_several_can_start_at_the_same_time():
    code = "from temj import imagej; print(imagej.start(headless=True).IJ.getVersion())"
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert [process.communicate(timeout=120)[0].split()[-1:] for process in started] == [["1.54p"]] * 4


def test_a_start_that_cannot_be_alone_goes_on(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "file" / "home")
    (tmp_path / "file").touch()
    with start_lock.alone():
        assert "without waiting" in caplog.text


def test_a_wrong_java_home_is_replaced(monkeypatch, tmp_path):
    home = tmp_path / "jdk"
    for name in ("bin/java", "lib/server/libjvm.so"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).touch(mode=0o755)
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "java").symlink_to(home / "bin" / "java")
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "gone"))
    monkeypatch.setenv("PATH", str(tmp_path / "links"))
    monkeypatch.setattr(jpype, "getDefaultJVMPath", lambda: "/another/lib/server/libjvm.so")
    java._find_java()
    assert os.environ["JAVA_HOME"] == str(home)


@pytest.mark.java
def test_our_java_class_is_what_its_source_compiles_to(script, tmp_path):
    compiler = shutil.which("javac") or pytest.skip("needs a Java compiler (a JDK)")
    jar = script("jar")["jar"]
    source = java.BRIDGE / "temj" / "Bridge.java"
    options = ["--release", "8", "-g:none", "-Xlint:-options"]
    subprocess.run([compiler, *options, "-cp", jar, "-d", tmp_path, source], check=True, timeout=120)
    assert (tmp_path / "temj" / "Bridge.class").read_bytes() == source.with_suffix(".class").read_bytes()
    assert source.with_suffix(".class").stat().st_size < 1000


@pytest.mark.parametrize(("window", "mode"), [(True, "interactive"), (False, "headless")])
def test_a_gateway_is_started_with_our_class_and_the_folders_own_jars(monkeypatch, tmp_path, window, mode):
    import scyjava

    (tmp_path / "jars").mkdir()
    (tmp_path / "jars" / "imglyb-2.1.0.jar").touch()
    seen = {}

    def init(source, mode):
        seen.update(source=source, mode=mode, endpoints=list(scyjava.config.endpoints))
        return "gateway"

    monkeypatch.setitem(sys.modules, "imagej", SimpleNamespace(init=init))
    monkeypatch.setattr(scyjava.config, "endpoints", ["net.imglib2:imglyb:2.1.0", "a:b:1"])
    monkeypatch.setattr(scyjava, "when_jvm_stops", lambda function: None)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setattr(sys, "platform", "linux")
    assert java.start_gateway(str(tmp_path), window) == "gateway"
    assert seen == {"source": str(tmp_path), "mode": mode, "endpoints": ["a:b:1"]}
    assert str(java.BRIDGE) in scyjava.config.get_classpath()
    assert scyjava.config.get_kwargs()["interrupt"] is False


def test_a_folder_without_imagej_is_said_in_words(monkeypatch, tmp_path):
    import scyjava

    monkeypatch.setitem(sys.modules, "imagej", SimpleNamespace(init=lambda source, mode: False))
    monkeypatch.setattr(scyjava, "when_jvm_stops", lambda function: None)
    with pytest.raises(MissingSoftware, match="it holds 'jars' and 'plugins'"):
        java.start_gateway(str(tmp_path), False)
