"""Changes of a layer's weights by least squares, whose ridge is chosen on images left aside.

All follows from the mean squares of inputs and their products with what is wanted: one matrix
product over samples and a few factorisations for each layer, no gradient descent
(docs/decisions/0162-ridges.md).
"""

from __future__ import annotations

import torch
from torch import Tensor

#: Ridges that are tried, as parts of the mean square input.
RIDGES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0)
#: Every so many images one is left aside.
_ASIDE = 4


class KernelFit:
    """Least squares of changes of (weight, bias), on fixed inputs.

    What a change of weights costs (the ridge) is what does best on images that the change was not
    fitted on; then all of them are used. Samples of one image resemble one another, so whole
    images are left aside.

    A grouped kernel is as many problems as it has groups, which have one ridge.

    Args:
        inputs: (samples, inputs), image after image; of all groups, one group after the other.
        weights: (samples,): what an error counts in each, on average 1.
        places: samples of each image.
        ridge: the one to try, None for ``RIDGES``.
        groups: of the kernel.
    """

    def __init__(
        self,
        inputs: Tensor,
        weights: Tensor,
        places: int,
        ridge: float | None = None,
        groups: int = 1,
    ) -> None:
        self._groups = groups
        grouped = by_group(inputs, groups)
        grouped = torch.cat((grouped, grouped.new_ones(*grouped.shape[:2], 1)), dim=2)
        self._weighted = (grouped * weights[:, None]).mT
        images = torch.arange(len(inputs), device=inputs.device) // places
        aside = left_aside(images)
        self._parts = (~aside, aside)
        self._squares = [
            (self._weighted[:, :, part] @ grouped[:, part]).double() for part in self._parts
        ]
        self._tried = RIDGES if ridge is None else (ridge,)
        self._ridge: float | None = None
        self._chosen = False

    @property
    def ridge(self) -> float | None:
        """What was chosen; None where no change holds on images that were left aside."""
        return self._ridge

    def change(self, wanted: Tensor) -> tuple[Tensor, Tensor] | None:
        """Changes (outputs, inputs) and (outputs,) that add about ``wanted`` (samples, outputs).

        Inputs are those of an output's group.

        None where none of them does better on other images than a change of the bias alone.
        """
        grouped = by_group(wanted, self._groups)
        products = [
            (self._weighted[:, :, part] @ grouped[:, part]).double() for part in self._parts
        ]
        if not self._chosen:
            self._choose(products)
        if self._ridge is None:
            return None
        squares = self._squares[0] + self._squares[1]
        (found,) = _solved(squares, products[0] + products[1], (self._ridge,))
        found = found.to(wanted.dtype).mT.flatten(0, 1)
        return found[:, :-1], found[:, -1]

    def _choose(self, products: list[Tensor]) -> None:
        """The ridge with the least error on the images that are left aside."""
        self._chosen = True
        squares = self._squares[1]

        def left(change: Tensor) -> float:
            """Squared error, but for what no change moves."""
            return float((change * (squares @ change - 2 * products[1])).sum())

        mean = torch.zeros_like(products[0])
        mean[:, -1] = products[0][:, -1] / self._squares[0][:, -1, -1:]
        least = left(mean)
        for ridge, change in zip(
            self._tried, _solved(self._squares[0], products[0], self._tried), strict=True
        ):
            error = left(change)
            if error < least:
                self._ridge, least = ridge, error


def left_aside(images: Tensor) -> Tensor:
    """Of which images, by their numbers, a choice among fits is made: every fourth."""
    return images % _ASIDE == _ASIDE - 1


def by_group(values: Tensor, groups: int) -> Tensor:
    """(groups, samples, values of one) of (samples, values of all groups)."""
    return values.unflatten(1, (groups, -1)).transpose(0, 1)


def _solved(squares: Tensor, products: Tensor, ridges: tuple[float, ...]) -> list[Tensor]:
    """By ridge the solution (groups, inputs, outputs) of one problem for each group."""
    found = []
    for ridge in ridges:
        damped = squares.clone()
        diagonal = damped.diagonal(dim1=1, dim2=2)
        diagonal += 1e-9 + 1e-6 * diagonal
        diagonal[:, :-1] += ridge * diagonal[:, :-1].mean(dim=1, keepdim=True)
        found.append(torch.cholesky_solve(products, torch.linalg.cholesky(damped)))
    return found
