"""Model folders: card, weights, self-test. Cards are read, listed and verified without torch."""

from temj.models.card import Card
from temj.models.device import choose_device
from temj.models.folder import Model, list_models, open_model, search_path
from temj.models.reading import read_card
from temj.models.selftest import SelfTest, self_test
from temj.models.write import write_model

__all__ = [
    "Card", "Model", "SelfTest",
    "choose_device", "list_models", "open_model", "read_card", "search_path", "self_test", "write_model",
]  # fmt: skip
