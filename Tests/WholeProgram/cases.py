"""The studies and commands whose every number is held: small, and together through each path of the program."""

from __future__ import annotations

# A study of 10 ms; the cases below say what they change of it.
BASE = {
    "network": {"inputDimension": 6, "outputDimension": 3},
    "teacher": {"hiddenNodes": 4},
    "student": {"overRealization": 2, "initialization": "uniform"},
    "inputs": {"training": {"count": 120}, "evaluation": {"count": 70}},
    "training": {"learningRate": 0.05, "epochs": 3, "stepsPerEpoch": 40, "batchSize": 7},
    "seeds": 2,
}

TRAINED = ["trainingLoss", "evaluationLoss", "gradientNorms", "weightChanges"]
TWO_LAYERS = TRAINED + [
    "trainingCorrelation", "evaluationCorrelation", "trainingObservationCounts", "evaluationObservationCounts",
    "trainingDeadNodes", "evaluationDeadNodes", "fanOutNorms", "boundaryStrengths", "nodeGradients", "nodeMaximumGradients",
    "teacherFanOutNorms",
]
THEORY = [
    "alignment", "studentAlignment", "predictedAlignment", "largestGradient", "observerCounts", "observation", "witnessCounts",
    "kinkBalances", "verdicts", "mergedNodeCount", "mergedWeightError",
]
LAYERS = [
    "layerWidths", "layerCorrelations", "layerMatches", "layerStudentCorrelations", "layerDeadNodes", "layerStrengths",
    "layerMirroredCorrelations", "layerBelowCorrelations", "layerActiveShares",
]
COUPLINGS = [
    "layerSmallestAlphas", "layerMeanAlphas", "layerRegionCounts", "layerCouplingA", "layerCouplingB",
]
LINES = ["inputSample", "teacherBoundaries", "studentBoundaries"]


def every_epoch(*measures: str) -> list[dict]:
    return [{"measures": list(measures), "every": 1}]


def at_end(*measures: str) -> list[dict]:
    return [{"measures": list(measures), "last": True}]


# Name: what is set (dotted keys; a list is an axis, None takes the base's key away) and what is recorded.
STUDIES: dict[str, tuple[dict, list[dict]]] = {
    "precision": ({"training.precision": ["float64", "float32"]}, every_epoch(*TWO_LAYERS)),
    "methods": (
        {"training.method": ["sgd", "gd", "adam"], "training.learningRate": 0.01, "student.overRealization": [1, 3]},
        every_epoch(*TRAINED, "fanOutNorms")),
    "flow": (
        {"training.method": "flow", "training.batchSize": None, "network.activation": ["relu", "leakyRelu"],
         "network.biases": [True, False], "training.frozenLayer": ["none", "first"]},
        every_epoch("expectedLoss", *TRAINED)),
    "momentum": (
        {"training.momentum": [0, 0.9], "training.weightDecay": [0, 0.01], "training.learningRate": 0.01},
        every_epoch(*TRAINED)),
    "rates": (
        {"training.learningRate": None, "training.learningRates": "0: 0.05, 2: 0.01", "training.momentum": 0.5},
        every_epoch(*TRAINED)),
    "halving": ({"training.learningRateHalvingInterval": 1}, every_epoch(*TRAINED)),
    "cross-entropy": ({"training.loss": "crossEntropy"}, every_epoch("evaluationLoss", "evaluationAgreement")),
    "unit-norm": ({"training.unitNormFirstLayer": True}, every_epoch(*TRAINED)),
    "frozen": (
        {"training.frozenLayer": ["none", "first", "last"], "student.normalization": ["none", "beforeActivation"]},
        every_epoch("evaluationLoss", "weightChanges")),
    "normalization": (
        {"student.normalization": ["beforeActivation", "afterActivation"], "student.learntScale": [True, False],
         "training.precision": ["float64", "float32"]},
        every_epoch("evaluationLoss", "evaluationCorrelation")),
    "normalized-teacher": (
        {"teacher.normalization": ["beforeActivation", "afterActivation"]}, every_epoch("evaluationLoss")),
    "reshuffled": ({"training.batchOrder": "reshuffled"}, every_epoch(*TRAINED)),
    "initializations": (
        {"student.initialization": [
            "plain", "adversarial", "helpful", "uniform", "he", "perturbedTeacher", "teacherDirections", "teacherSigns"],
         "student.scale": 0.3},
        every_epoch("evaluationLoss", "evaluationCorrelation")),
    "teachers": (
        {"teacher.weights": ["discrete", "gaussian", "orthogonal"], "teacher.strengthDecay": [0, 1],
         "teacher.bias": -0.3},
        every_epoch("evaluationLoss", "teacherFanOutNorms")),
    "teacher-outputs": (
        {"teacher.medianBiases": [False, True], "teacher.normalizedOutput": [False, True]}, every_epoch("evaluationLoss")),
    "activations": (
        {"network.activation": ["leakyRelu", "linear"], "network.leakySlope": 0.2, "network.biases": [True, False]},
        every_epoch(*TRAINED)),
    "inputs": (
        {"inputs.distribution": ["gaussian", "uniform", "teacherBoundaries"], "inputs.standardDeviation": 2,
         "inputs.regenerateEachEpoch": [False, True]},
        every_epoch("trainingLoss", "evaluationLoss")),
    "augmentation": (
        {"inputs.augmentation": ["none", "teacherAgnostic", "teacherAware"], "inputs.rank": [0, 4],
         "inputs.training.count": 117},
        every_epoch("trainingLoss", "evaluationLoss") + at_end("largestGradient", "predictedAlignment")),
    "noise": ({"training.outputNoise": [0, 0.1]}, every_epoch("trainingLoss", "evaluationLoss")),
    "lines": ({"network.inputDimension": 2, "teacher.weights": "gaussian"}, every_epoch(*LINES)),
    "theory": ({"network.activation": ["relu", "leakyRelu"]}, every_epoch(*THEORY)),
    "deep": (
        {"teacher.hiddenNodes": None, "teacher.widths": "5-4-6", "teacher.medianBiases": True, "teacher.normalizedOutput": True,
         "training.precision": ["float64", "float32"], "training.learningRate": 0.02},
        every_epoch("trainingLoss", "evaluationLoss", *LAYERS) + at_end(*COUPLINGS)),
    "deep-normalized": (
        {"teacher.hiddenNodes": None, "teacher.widths": "5-4", "student.normalization": ["none", "afterActivation"], "training.method": ["sgd", "adam"],
         "training.learningRate": 0.01},
        every_epoch("evaluationLoss", *LAYERS)),
    "layer-gradients": (
        {"teacher.hiddenNodes": None, "teacher.widths": "5-4-6", "student.overRealization": ["2-1-1", "1-1.5-2", 2],
         "network.activation": "leakyRelu", "training.learningRate": 0.02},
        every_epoch("evaluationLoss", "layerWidths", "layerGradients", "layerLargestGradients", "layerRuleResiduals")),
    # Given enough epochs, the searches end where the weights are determined.
    "critical-points": (
        {"criticalPoint.method": "levenbergMarquardt", "training.epochs": 30, "inputs.training.count": 400,
         "network.outputDimension": 6},
        at_end("criticalPoint", "trainingLoss", *THEORY)),
    "deep-critical-points": (
        {"criticalPoint.method": "levenbergMarquardt", "training.epochs": 40, "inputs.training.count": 500,
         "network.outputDimension": 8, "teacher.hiddenNodes": None, "teacher.widths": "4-4", "student.initialization": "perturbedTeacher",
         "student.perturbation": 0.05},
        at_end("criticalPoint", "trainingLoss", *LAYERS)),
    "paths": (
        {"criticalPoint.method": "levenbergMarquardt", "training.epochs": 30, "inputs.training.count": 400,
         "network.outputDimension": 6},
        at_end("straightPath", "matchedPath", "constructedPath")),
}

# One seed and few steps make every bundled study tiny; its quick form is taken.
TINY = {
    "seeds": "1", "training.stepsPerEpoch": "4", "inputs.training.count": "200", "inputs.evaluation.count": "100",
}

# What is set beside that for each bundled study.
BUNDLED: dict[str, dict[str, str]] = {
    "two-layer": {},
    "two-dimensional": {},
    "alignment-bound": {"inputs.training.count": "110"},
    "augmentation": {"inputs.training.count": "[50, 6400]", "network.inputDimension": "5"},
    "connectivity": {"inputs.training.count": "300", "training.stepsPerEpoch": "200"},
    "coverage-and-loss": {},
    "dynamics": {"zip": "null", "training.epochs": "3", "training.learningRate": "0.005", "training.batchSize": "4"},
    "low-rank": {},
    "observers": {},
    "strong-and-weak": {},
    "unaligned-students": {},
    "deep": {"student.overRealization": "[1, 2, 10]"},
    "depth": {},
    "deep-bound": {"inputs.training.count": "220", "criticalPoint.iterations": "5"},
    "teacher-width": {},
    "deep-connectivity": {"inputs.training.count": "300", "training.stepsPerEpoch": "100", "criticalPoint.iterations": "20"},
}

# Studies whose runs are audited and recovered.
COMMANDS = ["critical-points", "deep-critical-points"]

# The base with its networks and data from files beside the study.
GIVEN_FILES = {
    "network": {"inputDimension": None, "outputDimension": None},
    "teacher": {"file": "teacher.safetensors", "hiddenNodes": None},
    "student": {"file": "student.safetensors", "overRealization": None, "initialization": None},
    "inputs": {"training": {"file": "inputs.npy", "count": None}, "evaluation": {"file": "inputs.npy", "count": None}},
    "training": {"batches": {"file": "batches.npy"}, "epochs": 2, "stepsPerEpoch": 30},
}
