"""Parts of the dialogs that need no Java."""

from types import SimpleNamespace

from temj.imagej import dialogs


def test_the_log_says_once_what_is_wrong_with_a_model(tmp_path, monkeypatch):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.json").write_text("{")
    monkeypatch.setenv("TEMJ_MODELS", str(tmp_path))
    said = []
    monkeypatch.setattr(dialogs, "J", SimpleNamespace(IJ=SimpleNamespace(log=said.append)))
    monkeypatch.setattr(dialogs, "_logged", set())
    assert "broken" not in dialogs.model_list()
    dialogs.model_list()
    assert len(said) == 1
    assert "broken" in said[0]
