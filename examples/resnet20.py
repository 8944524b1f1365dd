r"""ResNet-20 for CIFAR-10 (He et al., section 4.2): parameter-free shortcuts, 0.27 M parameters.

    rheobase convert examples/resnet20.py:resnet20 --weights resnet20-cifar10.pth \
        --images FOLDER --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 -T 32 \
        -o build/resnet20.safetensors

State dictionary keys: conv1, bn1, layer{1,2,3}.{0,1,2}.{conv1,bn1,conv2,bn2}, linear.
"""

from __future__ import annotations

import torch.nn.functional as functional
from torch import Tensor, nn

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside an "option A" shortcut: every second pixel, zero channels."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.added_channels = channels - in_channels

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        if self.added_channels:
            half = self.added_channels // 2
            x = x[:, :, :: self.stride, :: self.stride]
            x = functional.pad(x, (0, 0, 0, 0, half, self.added_channels - half))
        return functional.relu(out + x)


class ResNet(nn.Module):
    """Three stages of 16, 32 and 64 channels, global average pooling, one linear layer."""

    def __init__(self, blocks: int = 3, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, blocks, 1)
        self.layer2 = self._stage(16, 32, blocks, 2)
        self.layer3 = self._stage(32, 64, blocks, 2)
        self.linear = nn.Linear(64, classes)

    @staticmethod
    def _stage(in_channels: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
        first = BasicBlock(in_channels, channels, stride)
        return nn.Sequential(first, *(BasicBlock(channels, channels, 1) for _ in range(blocks - 1)))

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        x = functional.avg_pool2d(x, x.size(3))
        return self.linear(x.flatten(1))


def resnet20() -> ResNet:
    """Input 3 x 32 x 32, ten classes."""
    return ResNet()
