"""Start weights of a training: random, of ImageNet, an encoder file (MicroNet …) or another TEMJ model.

``start`` what is asked for and what came of it · ``sources`` reading the wish · ``imagenet`` what the libraries offer ·
``cache`` files that were fetched before · ``download`` the only place that goes to the net · ``statedict`` a file's
bytes → tensors, no code run · ``matching`` tensors of a file → places in a network

Importing this imports no torch, and nothing is fetched unless a start asks for it.
"""

from temj.models.starting.start import Start, anchors_of, apply, encoder_of, of_run, prepare

__all__ = ["Start", "anchors_of", "apply", "encoder_of", "of_run", "prepare"]
