"""What a person reads of the outputs of a command."""

from __future__ import annotations

import math

import numpy as np
import pytest

from temj.data import Column, Instances, Table
from temj.workflows.account import prediction_account


@pytest.mark.parametrize(("share", "told"), [(math.nan, "nothing analysed"), (1.25, "area fraction 1.25 %")])
def test_where_nothing_is_analysed_there_is_no_area_fraction(share, told):
    nan = np.array([math.nan])
    summary = Table(
        [
            Column("Slice", np.array(["a.tif"], object)), Column("Class", np.array(["loop"], object)),
            Column("Count", np.array([0])), Column("N_A (m^-2)", nan), Column("Mean Diameter", nan),
            Column("SD Diameter", nan), Column("Unit", np.array(["nm"], object)), Column("%Area", np.array([share])),
        ]
    )  # fmt: skip
    text = prediction_account({"summary": summary, "instances": Instances.of([])})
    assert text == f"a.tif: 0 loops, {told}"
