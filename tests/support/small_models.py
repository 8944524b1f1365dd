"""Small models for tests of the converter."""

import torch
from torch import nn
from torch.nn import functional


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
