import numpy as np
import pytest

from temj import opencv
from temj.commands import doctor as command
from temj.errors import MissingSoftware
from temj.workflows import doctor


def test_what_is_in_order_is_said() -> None:
    outputs = doctor.examine()
    names = set(outputs["checks"]["Check"])
    assert {
        "TEMJ",
        "Python",
        "torch",
        "opencv-python",
        "OpenCV loads",
        "Device",
        "Java",
        "ImageJ",
        "Free disk",
    } <= names
    assert "PROBLEM" not in set(outputs["checks"]["State"]) or len(outputs["failures"])
    assert "torch" in command.account(outputs)


def test_a_missing_system_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise opencv.missing("libGL.so.1: cannot open shared object file: No such file or directory")

    with pytest.raises(MissingSoftware, match="apt-get install libgl1"):
        broken()
    monkeypatch.setattr(opencv, "opencv", broken)
    outputs = doctor.examine()
    row = list(outputs["failures"]["Image"]).index("opencv")
    assert "apt-get install libgl1" in outputs["failures"]["Message"][row]
    assert "apt-get install libgl1" in command.account(outputs)


def test_missing_java_is_a_problem_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "which", lambda *_args, **_kwargs: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    outputs = doctor.examine()
    wrong = np.array(outputs["failures"]["Image"]) == "Java"
    assert "default-jdk" in outputs["failures"]["Message"][wrong][0]


def test_a_check_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks() -> None:
        raise RuntimeError("boom")
        yield

    monkeypatch.setattr(doctor, "EXAMINATIONS", (breaks,))
    outputs = doctor.examine()
    assert outputs["checks"]["Found"][0] == "RuntimeError: boom"
    assert len(outputs["failures"]) == 1
