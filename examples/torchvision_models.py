r"""torchvision's pre-trained networks as MODEL and --weights of the commands.

    python examples/torchvision_models.py resnet34 --output build/resnet34.safetensors
    rheobase sweep torchvision.models:resnet34 --weights build/resnet34.safetensors ...
    python examples/torchvision_models.py fcn_resnet50 --output build/fcn_resnet50.safetensors
    rheobase evaluate voc-segmentation examples/torchvision_models.py:fcn_resnet50 ...

The script hands the download to torchvision, whose cache ($TORCH_HOME/hub/checkpoints) it uses
where the file is there already, and writes the weights as safetensors. Classifiers and video
networks are factories as torchvision has them; segmentation and detection networks would fetch
their backbones' weights, so they have factories here.
"""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from urllib.error import URLError

from safetensors.torch import save
from torch import nn

from rheobase.converter.data.torchvision_shim import import_torchvision
from rheobase.golden.basics.output_files import write_whole
from rheobase.golden.errors import RheobaseError


def _empty(module: str, name: str, **options: object) -> nn.Module:
    factory = getattr(import_torchvision(f"torchvision.models.{module}"), name)
    return factory(weights=None, weights_backbone=None, **options)


#: Weights come with a side output for training, which `rheobase evaluate` leaves out.
fcn_resnet50 = partial(_empty, "segmentation", "fcn_resnet50", aux_loss=True)
fcn_resnet101 = partial(_empty, "segmentation", "fcn_resnet101", aux_loss=True)
deeplabv3_resnet50 = partial(_empty, "segmentation", "deeplabv3_resnet50", aux_loss=True)
deeplabv3_resnet101 = partial(_empty, "segmentation", "deeplabv3_resnet101", aux_loss=True)
retinanet_resnet50_fpn = partial(_empty, "detection", "retinanet_resnet50_fpn")
fcos_resnet50_fpn = partial(_empty, "detection", "fcos_resnet50_fpn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", help="a model of torchvision, such as resnet34 or r3d_18")
    parser.add_argument("--version", default="DEFAULT", help="of the weights, IMAGENET1K_V1 say")
    parser.add_argument("--output", type=Path, required=True, help="weights, as safetensors")
    arguments = parser.parse_args()
    try:
        models = import_torchvision("torchvision.models")
        weights = models.get_model_weights(arguments.name)[arguments.version]
        # Through the model: torchvision renames the keys of older files.
        model = models.get_model(arguments.name, weights=weights)
    except (ValueError, KeyError, URLError, OSError, RheobaseError) as error:
        parser.error(f"{arguments.name} {arguments.version}: {error}")
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: v.contiguous() for name, v in model.state_dict().items()}
    write_whole(arguments.output, save(tensors))
    print(f"preprocessing: {' '.join(str(weights.transforms()).split())}")
    print(f"wrote {arguments.output}")


if __name__ == "__main__":
    main()
