"""Regressions of single units, as arrays and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils import Bunch

if TYPE_CHECKING:
    import pandas as pd

# key of the result: how its columns begin
COLUMNS = {"betas": "beta", "t_values": "t", "p_values": "p", "q_values": "q"}


class UnitTable(Bunch):
    """Results (..., n_units, n_columns), whose columns are named under the key ``columns_key``.

    With ``r2`` (..., n_units) and ``unit_names`` (n_units,).
    """

    def to_frame(self) -> pd.DataFrame:
        """Return one row per unit: (network,) unit, r2, and beta_A, t_A, p_A, q_A of each A."""
        import pandas as pd

        *lead, n_units = self.r2.shape
        table = {"network": np.repeat(np.arange(lead[0]), n_units)} if lead else {}
        table["unit"] = np.tile(self.unit_names, lead[0] if lead else 1)
        table["r2"] = self.r2.ravel()
        for k, name in enumerate(self[self.columns_key]):
            for key, short in COLUMNS.items():
                if key in self:
                    table[f"{short}_{name}"] = self[key][..., k].ravel()
        return pd.DataFrame(table)
