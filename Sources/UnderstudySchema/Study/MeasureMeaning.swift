/// What a measure is, in words.
public struct MeasureMeaning: Hashable, Sendable {
  /// Its axes, e.g. `[teacher node]`, or `scalar`.
  public var shape: String
  public var meaning: String

  /// 0 of a scalar.
  public var axisCount: Int { shape.hasPrefix("[") ? shape.count { $0 == "," } + 1 : 0 }
}

extension Measure {
  /// Its shape and what it is, as Docs/Studies.md has them, with backticks around names.
  public var words: MeasureMeaning { Self.table[self] ?? MeasureMeaning(shape: "", meaning: "") }

  /// The table of all measures. To add one is to add a case and its row here, and the same line in Docs/Studies.md.
  private static let table: [Measure: MeasureMeaning] = [
    .trainingLoss: .init(
      shape: "scalar",
      meaning: "J = 1/2 E ‖f*(x) − f(x)‖² over the training inputs"),
    .evaluationLoss: .init(
      shape: "scalar",
      meaning: "J over the evaluation inputs"),
    .expectedLoss: .init(
      shape: "scalar",
      meaning: """
        J over infinitely many Gaussian inputs, in closed form, for one hidden layer; below 1e-15 of E ‖f*(x)‖² it \
        is rounding
        """),
    .growthRates: .init(
      shape: "[teacher node]",
      meaning: """
        λ_j, the rate at which small student weights grow towards teacher node j under gradient flow over Gaussian \
        inputs; it does not change, so record it at one epoch
        """),
    .trainingCorrelation: .init(
      shape: "[teacher node, student node]",
      meaning: "rho_jk, the correlation of activations over the training inputs; 0 for a dead node"),
    .evaluationCorrelation: .init(
      shape: "[teacher node, student node]",
      meaning: "rho_jk over the evaluation inputs; 0 for a dead node"),
    .trainingObservationCounts: .init(
      shape: "[teacher node, student node]",
      meaning: "min(#{z*_j > 0, z_k > 0}, #{z*_j <= 0, z_k > 0}) over the training inputs"),
    .evaluationObservationCounts: .init(
      shape: "[teacher node, student node]",
      meaning: "min(#{z*_j > 0, z_k > 0}, #{z*_j <= 0, z_k > 0}) over the evaluation inputs"),
    .trainingDeadNodes: .init(
      shape: "[student node]",
      meaning: "1 where the activation does not vary over the training inputs, else 0"),
    .evaluationDeadNodes: .init(
      shape: "[student node]",
      meaning: "1 where the activation does not vary over the evaluation inputs, else 0"),
    .fanOutNorms: .init(
      shape: "[student node]",
      meaning: "‖v_k‖"),
    .boundaryStrengths: .init(
      shape: "[student node]",
      meaning: "‖v_k‖ ‖w_k‖, which rescaling a ReLU node does not change"),
    .nodeGradients: .init(
      shape: "[student node]",
      meaning: "E[g_k(x)²] at the lowest layer over the training inputs"),
    .nodeMaximumGradients: .init(
      shape: "[student node]",
      meaning: "max over the training inputs of abs g_k(x) at the lowest layer"),
    .gradientNorms: .init(
      shape: "[layer]",
      meaning: "‖dW_l‖, norm of the full-batch update direction, biases included"),
    .weightChanges: .init(
      shape: "[layer]",
      meaning: "‖W_l − W_l at the previous epoch‖, biases included; 0 at epoch 0"),
    .teacherBoundaries: .init(
      shape: "[teacher node, feature + 1]",
      meaning: "first-layer rows of the teacher, the bias last"),
    .studentBoundaries: .init(
      shape: "[student node, feature + 1]",
      meaning: "first-layer rows of the student, the bias last"),
    .teacherFanOutNorms: .init(
      shape: "[teacher node]",
      meaning: "‖v*_j‖; does not change"),
    .inputSample: .init(
      shape: "[sample, feature]",
      meaning: "the first training inputs, at most 400"),
    .alignment: .init(
      shape: "[teacher node]",
      meaning: """
        smallest eps for which some student node is eps-aligned with teacher node j: max(sine, offset difference / \
        spread of the inputs), a share of the spread, up to orientation; −1 if no student node has a boundary
        """),
    .studentAlignment: .init(
      shape: "[student node]",
      meaning: "`alignment` of student node k, over the teacher nodes"),
    .predictedAlignment: .init(
      shape: "[teacher node]",
      meaning: """
        the eps that the theorem, solved for eps, predicts for the largest gradient over D', the better of both \
        augmentations, and at least the band's width; a share of the spread; −1 where another condition fails
        """),
    .largestGradient: .init(
      shape: "scalar",
      meaning: "largest abs entry of g_1(x) over the training inputs"),
    .observation: .init(
      shape: "[teacher node]",
      meaning: """
        mean kappa_kj in that band over the student nodes that are best aligned with another teacher node than j: \
        the share of the samples near j's boundary at which they are active; 0 of one that does not observe j
        """),
    .observerCounts: .init(
      shape: "[teacher node]",
      meaning: """
        student nodes that observe teacher node j: kappa > 0 in the band, or leaky, and alpha_kj not 0. The band's \
        half width is a fifteenth of `inputs.standardDeviation` (0.1 for 1.5), or of the spread of inputs from a \
        file
        """),
    .ballGradients: .init(
      shape: "[student node]",
      meaning: """
        a bound of abs g_k(x) at all inputs of the smallest ball around 0 that has the training inputs (without the \
        copies of an augmentation), for one hidden layer: no gradient of the ball is larger, at whatever input
        """),
    .ballObservers: .init(
      shape: "[teacher node]",
      meaning: "student nodes that observe teacher node j anywhere in that ball, alpha_kj not 0"),
    .witnessCounts: .init(
      shape: "[teacher node]",
      meaning: "kink witnesses of teacher node j in that band"),
    .kinkBalances: .init(
      shape: "[student node]",
      meaning: "the slope jump left at student node k's boundary: ‖Σ_teacher v*‖w*‖ − Σ_students v‖w‖ ‖"),
    .verdicts: .init(
      shape: "[teacher node]",
      meaning: """
        the audit's verdict: 0 predicted and found, 1 found though not predicted, not learned because of 2 no \
        observer, 3 weak alpha, 4 gradient too large, 5 too few samples, 6 inputs of low rank; 7 invisible, 8 \
        duplicate, 9 violation; 10 not learned, proven to a wider eps only; 11 not learned, gradients not measured \
        (audits only); 12 matched on the inputs, which are of low rank and do not determine weights
        """),
    .mergedNodeCount: .init(
      shape: "scalar",
      meaning: "hidden nodes of the student after merging and removing"),
    .mergedWeightError: .init(
      shape: "scalar",
      meaning: """
        largest weight error of the merged student against the teacher, up to order and scale; −1 if the sizes \
        differ
        """),
    .criticalPoint: .init(
      shape: "[8]",
      meaning: """
        after the critical-point search: iterations, restarts, 1 if the target was reached, loss, largest gradient, \
        smallest and largest Hessian eigenvalue, samples on a boundary
        """),
    .straightPath: .init(
      shape: "[point]",
      meaning: "loss on the straight line between the student and its replica, at equally spaced points"),
    .matchedPath: .init(
      shape: "[point]",
      meaning: "the same as `straightPath`, after the one-to-one matching of the nodes that costs least"),
    .constructedPath: .init(
      shape: "[segment, point]",
      meaning: """
        loss along each segment of the constructed path; no segment if there is none. Paths are of students of any \
        depth; batch normalisation is folded, with its statistics as they are
        """),
    .layerWidths: .init(
      shape: "[2, hidden layer]",
      meaning: "nodes of each hidden layer, of the teacher, then of the student; lowest layer first, here and below"),
    .layerCorrelations: .init(
      shape: "[teacher node of all hidden layers]",
      meaning: "best rho over the student nodes of the same layer, over the evaluation inputs"),
    .layerMatches: .init(
      shape: "[teacher node of all hidden layers]",
      meaning: """
        the student node that has it, counted within its layer from 0; -1 for a dead teacher node and where no \
        student node varies
        """),
    .layerStudentCorrelations: .init(
      shape: "[student node of all hidden layers]",
      meaning: "best rho over the teacher nodes of the same layer, over the evaluation inputs"),
    .layerDeadNodes: .init(
      shape: "[student node of all hidden layers]",
      meaning: "1 where the activation does not vary over the evaluation inputs, else 0"),
    .layerMirroredCorrelations: .init(
      shape: "[student node of all hidden layers]",
      meaning: """
        best correlation with φ(−z*_j) over the teacher nodes j of the same layer: what j would be if its boundary \
        were turned round
        """),
    .layerBelowCorrelations: .init(
      shape: "[student node of all hidden layers]",
      meaning: "best correlation with a teacher node of the hidden layer below the node's own; 0 in the lowest layer"),
    .layerActiveShares: .init(
      shape: "[student node of all hidden layers]",
      meaning: """
        share of the evaluation inputs at which the node is active; at 1 it is an affine function of what enters it
        """),
    .layerStrengths: .init(
      shape: "[student node of all hidden layers]",
      meaning: """
        √E[beta_kk(x)] over at most 512 evaluation inputs, evenly spread (over images: the first 256, and all \
        positions of a channel); with batch normalisation after the activation it refers to the activation before \
        the normalisation, as do alpha, A and B
        """),
    .layerTeacherStrengths: .init(
      shape: "[teacher node of all hidden layers]",
      meaning: """
        `layerStrengths` of the teacher's nodes, over images of what the student learns from; it does not change, so \
        record it at one epoch
        """),
    .layerSmallestAlphas: .init(
      shape: "[teacher node of all hidden layers]",
      meaning: "smallest abs alpha_kj(x) over all of those inputs, near j's boundary or not, k the match of j"),
    .layerMeanAlphas: .init(
      shape: "[teacher node of all hidden layers]",
      meaning: "mean of abs alpha_kj(x) over all of those inputs"),
    .layerRegionCounts: .init(
      shape: "[hidden layer]",
      meaning: """
        distinct patterns of the gates above the layer, of both networks, that those inputs meet; 1 at the highest
        """),
    .layerCouplingA: .init(
      shape: "[sum of n_l m_l]",
      meaning: "E[A_l], student node by teacher node, row-major, layer after layer; large"),
    .layerCouplingB: .init(
      shape: "[sum of n_l n_l]",
      meaning: "E[B_l], student node by student node, row-major, layer after layer; large"),
    .layerGradients: .init(
      shape: "[student node of all hidden layers]",
      meaning: """
        E[g_k(x)²] over the training inputs, g_l = −dJ_x/dz_l; with batch normalisation, of the same function with \
        its statistics as they are
        """),
    .layerLargestGradients: .init(
      shape: "[student node of all hidden layers]",
      meaning: "max over x of abs g_k(x); the largest of layer 1 is `largestGradient`"),
    .layerRuleResiduals: .init(
      shape: "[hidden layer]",
      meaning: """
        the recursive gradient rule at run time: largest difference between D_l (A_l f*_l − B_l f_l) and g_l by \
        back-propagation over at most 64 evaluation inputs, divided by the largest sum of absolute terms; rounding \
        is about 1e-15
        """),
    .evaluationAgreement: .init(
      shape: "scalar",
      meaning: "share of the evaluation inputs at which teacher and student have the same largest output"),
    .evaluationAccuracy: .init(
      shape: "scalar",
      meaning: "share of the evaluation data whose largest output is that of their label; needs `inputs.images`"),
    .teacherAccuracies: .init(
      shape: "[2]",
      meaning: "accuracy of the teacher, and of what the student learns from: its oracle, or the teacher again"),
  ]
}
