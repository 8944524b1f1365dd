"""Small models for tests of the converter."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from rheobase.converter.rewrite.rewrite import prepared
from rheobase.converter.tracing.trace import trace


class Residual(nn.Module):
    """Residual blocks, pooling after ReLU, batch normalisation, a parameter-free shortcut."""

    def __init__(self, channels=6):
        super().__init__()
        self.conv1 = nn.Conv2d(2, channels, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, groups=2)
        self.conv3 = nn.Conv2d(channels, 2 * channels, 3, stride=2, padding=1)
        self.fc = nn.Linear(2 * channels, 5)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.bn1(self.conv1(x))), 2)
        x = functional.relu(self.conv2(x) + x)
        half = x.shape[1] // 2
        skip = functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, half, half))
        x = functional.relu(self.conv3(x) + skip)
        return self.fc(functional.adaptive_avg_pool2d(x, 1).flatten(1))


def residual(seed=0):
    """A ``Residual`` for maps of 8 x 8, in evaluation mode."""
    torch.manual_seed(seed)
    model = Residual()
    with torch.no_grad():
        for _ in range(30):
            model(torch.randn(32, 2, 8, 8))  # running statistics
    return model.eval()


class InvertedResidual(nn.Module):
    """MobileNetV2's block: expanded, depthwise, and projected without ReLU."""

    def __init__(self, channels, out_channels, stride=1):
        super().__init__()
        hidden = 4 * channels
        self.residual = stride == 1 and channels == out_channels
        self.block = nn.Sequential(
            nn.Conv2d(channels, hidden, 1, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, hidden, 3, stride, padding=1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    def forward(self, x):
        return x + self.block(x) if self.residual else self.block(x)


class Bottlenecks(nn.Module):
    """Three inverted residuals, the second with a sum."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, 8, 3, 2, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU6()
        )
        self.blocks = nn.Sequential(
            InvertedResidual(8, 8, 2), InvertedResidual(8, 8), InvertedResidual(8, 12)
        )
        self.last = nn.Sequential(nn.Conv2d(12, 32, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6())
        self.head = nn.Linear(32, 5)

    def forward(self, x):
        x = self.last(self.blocks(self.stem(x)))
        return self.head(functional.adaptive_avg_pool2d(x, 1).flatten(1))


def bottlenecks(seed=0):
    """``Bottlenecks`` for maps of 16 x 16, in evaluation mode."""
    torch.manual_seed(seed)
    model = Bottlenecks()
    with torch.no_grad():
        for _ in range(20):
            model(torch.randn(32, 3, 16, 16))  # running statistics
    return model.eval()


def calibration_images(count=16, shape=(3, 16, 16)):
    """Pixels at random, uint8."""
    return np.random.default_rng(0).integers(0, 256, (count, *shape)).astype(np.uint8)


def prepared_graph(model, shape):
    """``model`` as it is balanced, run and lowered."""
    return prepared(trace(model, shape))
