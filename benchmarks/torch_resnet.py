"""ResNet v1 for CIFAR in PyTorch, written from arXiv:1512.03385 alone: the benchmarks' other side.

Layers are counted as the paper does: depth 6n + 2, shortcuts without parameters (average pool and
zero channels), batch normalization with the same epsilon and moving-average factor as ours.
"""

try:
    import torch
    from torch import nn
    from torch.nn import functional
except ImportError as error:
    raise SystemExit(
        "Error: PyTorch is missing; it is needed by this benchmark only. "
        "Install it with: pip install --target build/torch torch==2.13.0, "
        "then run again with PYTHONPATH=build/torch."
    ) from error


def batch_norm(filters: int) -> nn.BatchNorm2d:
    # PyTorch's momentum is the new batch's share, TensorFlow's decay the old value's.
    return nn.BatchNorm2d(filters, eps=1.001e-5, momentum=0.003)


class Unit(nn.Module):
    def __init__(self, inputs: int, filters: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, filters, 3, stride, padding=1, bias=False)
        self.norm1 = batch_norm(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, padding=1, bias=False)
        self.norm2 = batch_norm(filters)
        self.stride, self.missing = stride, filters - inputs

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        residual = functional.relu(self.norm1(self.conv1(images)), inplace=True)
        residual = self.norm2(self.conv2(residual))
        if self.stride > 1:
            images = functional.avg_pool2d(images, self.stride)
        if self.missing:
            half = self.missing // 2
            images = functional.pad(images, (0, 0, 0, 0, half, self.missing - half))
        return functional.relu(residual + images, inplace=True)


class ResNet(nn.Module):
    def __init__(self, depth: int, num_classes: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.norm1 = batch_norm(16)
        units, inputs = [], 16
        for stage, filters in enumerate((16, 32, 64)):
            for position in range((depth - 2) // 6):
                units.append(Unit(inputs, filters, 2 if stage and not position else 1))
                inputs = filters
        self.units = nn.Sequential(*units)
        self.logits = nn.Linear(64, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        outputs = functional.relu(self.norm1(self.conv1(images)), inplace=True)
        return self.logits(self.units(outputs).mean((2, 3)))

    def kernels(self) -> list[nn.Parameter]:
        """The parameters that weight decay applies to."""
        return [p for p in self.parameters() if p.ndim > 1]


def optimizer(network: ResNet, learning_rate: float, weight_decay: float) -> torch.optim.SGD:
    kernels = network.kernels()
    others = [p for p in network.parameters() if p.ndim == 1]
    groups = [{"params": kernels, "weight_decay": weight_decay}, {"params": others}]
    return torch.optim.SGD(groups, lr=learning_rate, momentum=0.9)


def train_step(network: ResNet, sgd: torch.optim.SGD, images, labels) -> float:
    """One step; returns the cross-entropy before it, without the L2 terms."""
    sgd.zero_grad(set_to_none=True)
    loss = functional.cross_entropy(network(images), labels)
    loss.backward()
    sgd.step()
    return float(loss.detach())
