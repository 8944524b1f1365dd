"""Where a network comes from and how well it answered: told to people, used by no computation."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..basics.field_checks import check_integer
from ..errors import RheobaseError, shown

#: Characters of a text, and images.
MOST_TEXT, MOST_IMAGES = 200, 2**31 - 1


@dataclass(frozen=True)
class Provenance:
    """What a conversion says of itself; texts are "" and numbers None where nothing is known.

    Attributes:
        model: as it was named: ``package.module:factory``, or the class of a module.
        weights: name of the weights' file, without its folder.
        method: recipe, or balancing method.
        mean, std: of the normalisation, for each channel of the image.
        classes: names, for each class of the first output; empty where they have none.
        calibration_images: that thresholds were balanced on.
        test_images: that the accuracies are of; 0 for none.
        cnn_accuracy, float_accuracy, network_accuracy: percentages of right answers of the CNN, of
            the float SNN and of the integer network.
        rheobase, torch: versions.
    """

    model: str = ""
    weights: str = ""
    method: str = ""
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    classes: tuple[str, ...] = ()
    calibration_images: int = 0
    test_images: int = 0
    cnn_accuracy: float | None = None
    float_accuracy: float | None = None
    network_accuracy: float | None = None
    rheobase: str = ""
    torch: str = ""

    def class_name(self, label: int) -> str:
        """Name of the class ``label``, its number where it has none."""
        return self.classes[label] if label < len(self.classes) else str(label)


_FIELDS = {field.name for field in fields(Provenance)}
_TEXTS = ("model", "weights", "method", "rheobase", "torch")
_COUNTS = ("calibration_images", "test_images")
_ACCURACIES = ("cnn_accuracy", "float_accuracy", "network_accuracy")
_LISTS = ("mean", "std", "classes")


def shown_text(text: object) -> str:
    """``text`` as a provenance takes it: printable, and cut where it is long."""
    printable = "".join(c if c.isprintable() else "?" for c in str(text))
    return printable if len(printable) <= MOST_TEXT else printable[: MOST_TEXT - 3] + "..."


def check_provenance(provenance: object, channels: int, classes: int) -> None:
    """Raise ``RheobaseError`` where a field of ``provenance`` is out of range or of another type.

    Args:
        channels, classes: of the image and of the first output of the network it is about.
    """
    if not isinstance(provenance, Provenance):
        raise RheobaseError(f"provenance: {type(provenance).__name__}, must be a Provenance")
    for name in _TEXTS:
        _check_text(name, getattr(provenance, name))
    for name, wanted in (("classes", classes), ("mean", channels), ("std", channels)):
        values = getattr(provenance, name)
        if not isinstance(values, tuple):
            raise _refused(name, values, "a tuple")
        if len(values) not in (0, wanted):
            raise RheobaseError(
                f"provenance: {name} has {len(values)} values, must be none or {wanted}"
            )
    for number, name in enumerate(provenance.classes):
        _check_text(f"class {number}", name)
    for name in ("mean", "std"):
        for value in getattr(provenance, name):
            if not _is_finite(value) or (name == "std" and value <= 0):
                raise _refused(name, value, "finite numbers, above 0 for std")
    for name in _COUNTS:
        check_integer("provenance", name, getattr(provenance, name), 0, MOST_IMAGES)
    for name in _ACCURACIES:
        value = getattr(provenance, name)
        if value is not None and (not _is_finite(value) or not 0 <= value <= 100):
            raise _refused(name, value, "a percentage, or none")


def provenance_text(provenance: Provenance) -> str:
    """``provenance`` as JSON, the same for the same one."""
    return json.dumps(asdict(provenance), sort_keys=True)


def parsed_provenance(text: Any) -> Provenance:
    """What ``provenance_text`` wrote; values are checked with the network.

    Raises:
        RheobaseError: it is no JSON, or has missing or unknown fields.
    """
    try:
        content: Any = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        raise RheobaseError("metadata 'provenance' is no JSON") from None
    if not isinstance(content, dict) or content.keys() != _FIELDS:
        raise RheobaseError(
            "metadata 'provenance' has missing or unknown fields, must be "
            + ", ".join(sorted(_FIELDS))
        )
    for name in _LISTS:
        if isinstance(content[name], list):
            content[name] = tuple(content[name])
    return Provenance(**content)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or value != shown_text(value):
        raise _refused(name, value, f"a printable text of at most {MOST_TEXT} characters")


def _is_finite(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return abs(value) < 1e30 and math.isfinite(value)


def _refused(name: str, value: object, accepted: str) -> RheobaseError:
    return RheobaseError(f"provenance: {name} is {shown(value)}, must be {accepted}")
