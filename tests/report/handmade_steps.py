"""Steps of chains and outcomes, as records hold them, made by hand."""

import base64

import numpy as np

EXAMPLES = 10_000

RECIPE = {
    "augmentation": [],
    "batch_size": 64,
    "epochs": 10,
    "lr": 0.001,
    "milestones": [],
    "momentum": 0.0,
    "optimizer": "adam",
    "precision": "float32",
    "schedule": "constant",
    "weight_decay": 0.0,
}


def use(name, **fields):
    return {"name": name, "fields": fields, "source": ""}


def train(model="mlp", dataset="digits", regularizer=None, weights=None, *, fields=None, **recipe):
    return {
        "step": "train",
        "dataset": use(dataset),
        "model": use(model, **(fields or {})),
        "regularizer": regularizer,
        "weights": weights,
        "recipe": RECIPE | recipe,
    }


def prune(name="percentile", matched_to=None, physical=False, skip=(), schedule="one-shot", recipe=None, **fields):
    return {
        "step": "prune",
        "pruner": use(name, **fields),
        "matched_to": matched_to,
        "physical": physical,
        "skip": list(skip),
        "schedule": schedule,
        "recipe": recipe,
    }


def quantize(bits, name="grid", skip=(), **fields):
    return {"step": "quantize", "quantizer": use(name, bits=bits, **fields), "skip": list(skip)}


def finetune(epochs, **recipe):
    return {"step": "finetune", "recipe": RECIPE | {"epochs": epochs} | recipe}


def outcome(accuracy, shift=0):
    """Which test examples were right: the first from `shift` on; of the same shift, two differ in as few as can be."""
    right = np.roll(np.arange(EXAMPLES), shift) < round(accuracy / 100 * EXAMPLES)
    return {"examples": EXAMPLES, "correct_bits": base64.b64encode(np.packbits(right).tobytes()).decode()}
