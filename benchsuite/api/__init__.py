"""The contract with plugins: plain types and hook specifications, no harness code and no torch."""

from benchsuite.api.data import DataInfo, Dataset, ImageData, Split, TensorData
from benchsuite.api.hooks import PROJECT, hookimpl
from benchsuite.api.plugins import ChannelPruner, LayerPruner, Model, PruneContext, Pruner, Quantizer, Regularizer
from benchsuite.api.recipe import Recipe
from benchsuite.api.reports import ReportPage

__all__ = [
    "PROJECT",
    "ChannelPruner",
    "DataInfo",
    "Dataset",
    "ImageData",
    "LayerPruner",
    "Model",
    "PruneContext",
    "Pruner",
    "Quantizer",
    "Recipe",
    "Regularizer",
    "ReportPage",
    "Split",
    "TensorData",
    "hookimpl",
]
