"""What a run over several trainings must find unchanged when it goes on: the files of its dataset."""

from __future__ import annotations

import hashlib

from temj.datasets import Dataset


def file_hashes(dataset: Dataset) -> dict[str, str]:
    """Stem → sha256 over the image and its annotation of all images for training and validation; no others are read."""
    found, known = {}, {}
    for item in (*dataset.subset("train"), *dataset.subset("validation")):
        digest = hashlib.sha256()
        for path in filter(None, (item.image, item.annotation)):
            if path not in known:
                # an annotation may be that of many images
                known[path] = hashlib.sha256(path.read_bytes()).digest()
            digest.update(known[path])
        found[item.stem] = digest.hexdigest()
    return found
