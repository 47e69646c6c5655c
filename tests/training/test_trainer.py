"""Steps of a trainer: precision, accumulation, too little memory, skipped steps."""

import numpy as np
import pytest
import torch

from temj.cores import make_core
from temj.errors import BadValue
from temj.training import TrainingOptions, gradients, loop
from temj.training.chance import controlled
from temj.training.machine import Machine
from temj.training.trainer import Trainer

TINY = {
    "classes": ("disc",), "encoder": "tu-tf_mobilenetv3_small_minimal_100", "decoder_channels": (16, 8, 8, 8, 8),
}  # fmt: skip


class Noise:
    """Batches of noise with a square; every crop follows from its number."""

    steps_per_epoch = 2

    def __init__(self, batch: int):
        self._batch = batch

    def __call__(self, number, share=slice(None)):
        crops = [self._crop(n) for n in range(number * self._batch, (number + 1) * self._batch)[share]]
        return tuple(np.stack(arrays) for arrays in zip(*crops, strict=True))

    def _crop(self, number):
        target = np.ones((2, 64, 64), np.float32)
        target[0] = 0
        target[0, 16:40, 8 : 24 + number % 8] = 1
        noise = np.random.default_rng([number]).normal(size=(1, 64, 64))
        return (noise - 2 * target[:1]).astype(np.float32), target


class Plain:
    """A core without batch norm, whose loss is a mean over pixels."""

    def __init__(self):
        torch.manual_seed(1)
        self.network = torch.nn.Sequential(
            torch.nn.Conv2d(1, 4, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(4, 1, 3, padding=1)
        )

    def losses(self, images, wanted, computing):
        with computing():
            logits = self.network(images)
        target = torch.from_numpy(np.stack(wanted))
        return torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), target[:, :1])


def made(cores=None, steps=6, dtype="float32", **more) -> Trainer:
    """A planned trainer, inside ``controlled``."""
    options = TrainingOptions(**{"batch": 4, "crop": 64, "device": "cpu", "precision": "float32", **more})
    cores = cores or [make_core("semantic", TINY) for _ in range(2)]
    trainer = Trainer(*cores, Noise(options.batch), options, Machine(torch.device("cpu"), 1, dtype))
    trainer.plan(steps)
    return trainer


def tensors(trainer: Trainer) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in trainer.tensors().items()}


def assert_equal(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        assert torch.equal(tensor, theirs[name]), name


@pytest.fixture(autouse=True)
def _one_thread():
    with controlled(0, 1):
        yield


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_accumulated_batches_are_one_big_batch(optimizer):
    options = {"optimizer": optimizer, "learning_rate": 1e-2}
    big = made([Plain(), Plain()], batch=8, **options)
    parts = made([Plain(), Plain()], batch=2, accumulate=4, **options)
    losses = [(big.advance(), parts.advance()) for _ in range(4)]
    assert np.allclose(*zip(*losses, strict=True), rtol=1e-5)
    theirs = tensors(big)
    for name, tensor in tensors(parts).items():
        assert torch.allclose(tensor, theirs[name], rtol=1e-4, atol=1e-6), name


def test_another_number_of_crops_is_another_training():
    one, two = made([Plain(), Plain()], batch=2), made([Plain(), Plain()], batch=2, accumulate=2)
    assert one.advance() != two.advance()


class TestTooLittleMemory:
    @pytest.fixture
    def small(self, monkeypatch):
        """A memory that holds a number of crops."""

        def holding(crops: int, error: type[BaseException] = torch.OutOfMemoryError):
            real = gradients.Gradients._loss

            def loss(self, images, targets):
                found = real(self, images, targets)  # batch norm has moved before memory ends
                if len(images) > crops:
                    raise error("CUDA out of memory. Tried to allocate 3 GiB")
                return found

            monkeypatch.setattr(gradients.Gradients, "_loss", loss)

        return holding

    def test_the_batch_is_halved_until_it_fits_and_the_user_is_told(self, small):
        small(1)
        trainer = made()
        assert trainer.advance() is not None
        assert trainer.step == 1
        (note,) = trainer.notes
        assert "out of memory at step 0" in note
        assert "1 crop goes through the network at once instead of 4" in note

    def test_a_step_has_as_many_crops_as_before(self, small):
        whole = made([Plain(), Plain()])
        losses = [whole.advance() for _ in range(3)]
        small(2)
        halved = made([Plain(), Plain()])
        assert [halved.advance() for _ in range(3)] == pytest.approx(losses, rel=1e-5)

    def test_the_attempt_in_vain_leaves_no_trace(self, small):
        with controlled(0, 1):
            halved_from_the_start = made()
            halved_from_the_start._gradients.halvings = 1
            losses = [halved_from_the_start.advance() for _ in range(3)]
        small(2)
        with controlled(0, 1):
            trainer = made()
            assert [trainer.advance() for _ in range(3)] == losses
        assert_equal(tensors(trainer), tensors(halved_from_the_start))

    def test_a_resumed_run_stays_halved_and_gives_the_same_weights(self, small):
        small(2)
        whole = made()
        for _ in range(4):
            whole.advance()
        with controlled(0, 1):
            first = made()
            first.advance()
            first.advance()
            stored, state = tensors(first), first.state()
        with controlled(7, 1):
            second = made()
            second.restore(stored, state)
            assert second.notes == whole.notes
            second.advance()
            second.advance()
            assert_equal(tensors(second), tensors(whole))

    def test_one_crop_that_does_not_fit_is_an_error(self, small):
        small(0)
        trainer = made()
        before = tensors(trainer)
        with pytest.raises(torch.OutOfMemoryError):
            trainer.advance()
        after = tensors(trainer)
        for name, tensor in before.items():
            assert torch.equal(tensor, after[name]), name

    def test_a_cpu_that_says_so_in_words_is_understood(self):
        assert gradients.out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried ..."))
        assert not gradients.out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


class TestHalfPrecision:
    def test_float16_on_a_cpu_is_refused_in_words(self):
        with pytest.raises(BadValue, match=r"float16 on cpu.*Leave precision out, or train on a CUDA GPU"):
            Machine.of(TrainingOptions(precision="float16", device="cpu"))

    def test_bfloat16_learns_and_keeps_float32_weights(self):
        trainer = made(dtype="bfloat16", learning_rate=1e-2, schedule="constant")
        losses = [trainer.advance() for _ in range(6)]
        assert losses[-1] < losses[0]
        assert {tensor.dtype for tensor in trainer.weights().values()} <= {torch.float32, torch.int64}

    def test_float16_finds_its_scale_by_steps_that_are_skipped_and_keeps_it_in_the_checkpoint(self):
        trainer = made([Plain(), Plain()], dtype="float16", bad_steps=0, learning_rate=1e-2)
        trainer._scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40, backoff_factor=2.0**-8)
        losses = [trainer.advance() for _ in range(5)]
        assert losses[0] is None
        assert losses[-1] is not None
        assert 1 <= trainer.skipped < 5
        other = made([Plain(), Plain()], dtype="float16")
        other.restore(tensors(trainer), trainer.state())
        assert other._scaler.get_scale() == trainer._scaler.get_scale() < 2.0**40
        assert other.advance() == trainer.advance()

    def test_a_loss_that_is_not_finite_counts_also_in_float16(self):
        core = Plain()
        real = core.losses
        core.losses = lambda *given: real(*given) * torch.nan
        trainer = made([core, Plain()], dtype="float16", bad_steps=1)
        assert trainer.advance() is None
        with pytest.raises(BadValue, match="diverged"):
            trainer.advance()


def test_a_skipped_step_changes_no_weight():
    core, bad = Plain(), iter([False, True, False])
    real = core.losses
    core.losses = lambda *given: real(*given) * (torch.inf if next(bad) else 1)
    trainer = made([core, Plain()])
    trainer.advance()
    before = tensors(trainer)
    assert trainer.advance() is None
    assert trainer.skipped == 1
    assert_equal(tensors(trainer), before)
    assert trainer.advance() is not None


def test_a_frozen_encoder_stays_until_its_epoch_and_learns_then():
    trainer = made(freeze=1)  # epochs of two steps

    def encoder():
        return {name: tensor for name, tensor in tensors(trainer).items() if name.startswith("network/encoder")}

    before = encoder()
    trainer.advance()
    trainer.advance()
    assert_equal(encoder(), before)
    trainer.advance()
    assert any(not torch.equal(tensor, before[name]) for name, tensor in encoder().items())


def test_none_is_the_rate_and_the_decay_of_the_optimizer():
    trainer = made([Plain(), Plain()], optimizer="sgd", schedule="constant")
    assert trainer.rate == 0.05
    assert trainer.state()["groups"][0]["weight_decay"] == 1e-4
    given = made([Plain(), Plain()], schedule="constant", learning_rate=0.3, weight_decay=0.0)
    assert (given.rate, given.state()["groups"][0]["weight_decay"]) == (0.3, 0.0)


@pytest.mark.parametrize(
    ("core", "device", "asked", "repeats", "told"),
    [
        ("boxes", "cuda", True, False, True),
        ("masks", "cuda", True, False, True),
        ("masks", "cuda", False, False, False),
        ("masks", "cpu", True, True, False),
        ("rotated", "cuda", True, True, False),
        ("semantic", "cuda", True, True, False),
        ("semantic", "cuda", False, False, False),
    ],
)
def test_a_gpu_is_not_asked_for_what_a_detector_cannot_do_there(core, device, asked, repeats, told):
    machine, options = Machine(torch.device(device), 1), TrainingOptions(deterministic=asked)
    made = make_core(core, {"classes": ("disc",)})
    with loop._controlled(made, options, machine):
        assert torch.are_deterministic_algorithms_enabled() == repeats
    notes = machine.notes_on(made, options)
    assert bool(notes) == told
    assert all("does not repeat to the bit" in note and "--device cpu" in note for note in notes)


def test_what_is_not_asked_to_be_deterministic_is_not_and_all_is_put_back():
    before = torch.are_deterministic_algorithms_enabled()
    with controlled(0, 1, deterministic=False):
        assert not torch.are_deterministic_algorithms_enabled()
        assert torch.backends.cudnn.benchmark
    assert torch.are_deterministic_algorithms_enabled() == before
