"""Parts of the dialogs that need no Java."""

from types import SimpleNamespace

from temj.imagej import choosers, dialogs


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


def test_choosing_a_file_or_folder_fills_the_field_and_cancelling_leaves_it(monkeypatch):
    class Field:
        text = "/data/a b.zip"

        def getText(self):
            return self.text

        def setText(self, text):
            self.text = text

    class Dialog:
        answer = None
        asked = ()

        def __init__(self, *asked):
            Dialog.asked = asked

        def getFileName(self):
            return Dialog.answer

        def getDirectory(self):
            return "/out/"

    folders = iter([None, "/data/yolo/"])
    java = SimpleNamespace(SaveDialog=Dialog, IJ=SimpleNamespace(getDirectory=lambda title: next(folders)))
    monkeypatch.setattr(choosers, "J", java)
    field = Field()
    for choose, answer, expected in (
        (choosers._save, None, "/data/a b.zip"),
        (choosers._save, "b.json", "/out/b.json"),
        (choosers._folder, "", "/out/b.json"),
        (choosers._folder, "", "/data/yolo/"),
    ):
        Dialog.answer = answer
        choosers._filling(field, choose)(None)
        assert field.text == expected
    assert Dialog.asked == ("Annotations", "a b", ".zip"), "the dialog begins with what is in the field"
