"""The residual network of He et al. for small images, as modules named as in the public checkpoints."""

from torch import Tensor, nn
from torch.nn.functional import pad, relu


def shortcut(images: Tensor, channels: int, stride: int) -> Tensor:
    """Every `stride`-th pixel of (N, C, H, W), between channels of zeros where `channels` are more than C."""
    missing = channels - images.shape[1]
    if stride > 1:
        images = images[:, :, ::stride, ::stride]
    return pad(images, (0, 0, 0, 0, missing // 2, missing - missing // 2)) if missing else images


class BasicBlock(nn.Module):
    """Two 3×3 convolutions around which the input passes unchanged (option A: no parameters)."""

    def __init__(self, before: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.conv1 = nn.Conv2d(before, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, images: Tensor) -> Tensor:
        """(N, before, H, W) to (N, channels, H / stride, W / stride)."""
        residual = self.bn2(self.conv2(relu(self.bn1(self.conv1(images)))))
        return relu(residual + shortcut(images, residual.shape[1], self.stride))


class ResidualNetwork(nn.Module):
    """Three stages of `blocks` blocks with 16, 32 and 64 channels, global average pool, one Linear."""

    def __init__(self, channels: int, classes: int, blocks: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = _stage(16, 16, blocks, stride=1)
        self.layer2 = _stage(16, 32, blocks, stride=2)
        self.layer3 = _stage(32, 64, blocks, stride=2)
        self.linear = nn.Linear(64, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, channels, H, W) to logits (N, classes)."""
        features = relu(self.bn1(self.conv1(images)))
        features = self.layer3(self.layer2(self.layer1(features)))
        logits: Tensor = self.linear(features.mean((2, 3)))
        return logits


def _stage(before: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    later = [BasicBlock(channels, channels, 1) for _ in range(blocks - 1)]
    return nn.Sequential(BasicBlock(before, channels, stride), *later)
