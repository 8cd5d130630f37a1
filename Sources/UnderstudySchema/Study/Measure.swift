/// A quantity that a run can record at an epoch. The raw value is its name in study files, in the store and in exports.
///
/// Index order: `k` student node, `j` teacher node. "Training" and "evaluation" say over which inputs.
public enum Measure: String, Codable, Hashable, Sendable, CaseIterable {
  /// J = 1/2 E_x ||f*(x) - f(x)||^2. Scalar.
  case trainingLoss, evaluationLoss
  /// J over infinitely many Gaussian inputs, in closed form. Scalar.
  case expectedLoss
  /// lambda_j, the rate at which small student weights grow towards teacher node j under gradient flow over Gaussian inputs;
  /// `[teacher node]`. It does not change.
  case growthRates
  /// rho_jk, `[teacher node, student node]`; NaN-free: a dead node's entries are stored as 0 and the node is in `...DeadNodes`.
  case trainingCorrelation, evaluationCorrelation
  /// The peer's observation counts min(#{z*_j > 0, z_k > 0}, #{z*_j <= 0, z_k > 0}), `[teacher node, student node]`.
  case trainingObservationCounts, evaluationObservationCounts
  /// 1 for each student node whose activation does not vary over the inputs, else 0; `[student node]`.
  case trainingDeadNodes, evaluationDeadNodes
  /// ||v_k||, `[student node]`.
  case fanOutNorms
  /// ||v_k|| ||w_k||, `[student node]`.
  case boundaryStrengths
  /// E_x[g_k(x)^2] at the lowest layer over the training inputs, `[student node]`.
  case nodeGradients
  /// max_x |g_k(x)| at the lowest layer over the training inputs, `[student node]`.
  case nodeMaximumGradients
  /// ||dW_l||, Frobenius norm of the full-batch update direction E_x[g_l f_{l-1}^T], biases included; `[layer]`.
  case gradientNorms
  /// ||W_l - W_l at the previous epoch||, biases included; `[layer]`; 0 at epoch 0.
  case weightChanges
  /// First-layer rows with the bias last, `[node, feature + 1]`.
  case teacherBoundaries, studentBoundaries
  /// ||v*_j||, `[teacher node]`; does not change.
  case teacherFanOutNorms
  /// The first training inputs (at most 400), `[sample, feature]`, for pictures of low-dimensional data.
  case inputSample
  /// The smallest eps for which some student node is eps-aligned with teacher node j, as a share of the inputs' spread:
  /// max(sine of the angle, difference of the offsets / spread), whichever way the boundaries are oriented; -1 if no student
  /// node has a boundary. `[teacher node]`.
  case alignment
  /// The same for each student node over the teacher nodes; `[student node]`.
  case studentAlignment
  /// The eps that the theorem, read backwards, predicts for teacher node j, as a share of the inputs' spread: 5 K^1.5 sqrt(d)
  /// max |g_1| over D' (agnostic) or the same without sqrt(d) (aware), the smaller of the two, over the largest |alpha_kj| of
  /// its observers, nodes having unit weights; and at least the band's width. -1 without an observer or where another
  /// condition fails. `[teacher node]`.
  case predictedAlignment
  /// max_x |g_1(x)|_inf over the training inputs. Scalar.
  case largestGradient
  /// Mean of kappa_kj in the band over the student nodes k that are best aligned with another teacher node than j: at how many of
  /// the samples near j's boundary they are active, 0 to 1; 0 of one that does not observe j. `[teacher node]`.
  case observation
  /// Number of student nodes that observe teacher node j (kappa > 0 in the band, or leaky, alpha_kj not 0); `[teacher node]`.
  case observerCounts
  /// A bound of |g_k(x)| at all inputs of the smallest ball around 0 that has the training inputs, without the
  /// copies of an augmentation; `[student node]`.
  case ballGradients
  /// Number of student nodes that observe teacher node j in that ball, alpha_kj not 0; `[teacher node]`.
  case ballObservers
  /// Number of kink witnesses of teacher node j in the band; `[teacher node]`.
  case witnessCounts
  /// ||sum_teacher v*_j ||w*_j|| - sum_students v_k ||w_k|| || over the nodes on student node k's boundary: the slope jump
  /// that is left there; `[student node]`.
  case kinkBalances
  /// `AuditVerdict.code` of teacher node j; `[teacher node]`.
  case verdicts
  /// Hidden nodes of the student after merging and removing. Scalar.
  case mergedNodeCount
  /// Largest weight error of the merged student against the teacher, up to order and scale; -1 if it has not the teacher's
  /// size. Scalar.
  case mergedWeightError
  /// After the search for a critical point: iterations, restarts, 1 if the target was reached else 0, loss, largest gradient,
  /// smallest Hessian eigenvalue, largest Hessian eigenvalue, samples on a student's boundary; `[8]`. See
  /// ``CriticalPointRecord``.
  case criticalPoint
  /// Loss at equally spaced points of the straight line between this student and its replica (a second student of the same
  /// teacher and data), as they are, and after the one-to-one matching of their nodes that costs least; `[point]`.
  case straightPath, matchedPath
  /// Loss along the segments of the constructed path between the two; `[segment, point]`, `[0, point]` without a path.
  case constructedPath
  /// Nodes of each hidden layer, of the teacher, then of the student; `[2, hidden layer]`. In this and the measures below
  /// layers follow each other, lowest hidden layer first.
  case layerWidths
  /// max_k rho_jk of each teacher node over the evaluation inputs, k in its own layer of the student; 0 where nothing in
  /// the layer varies; `[teacher node of all hidden layers]`.
  case layerCorrelations
  /// The k of it, counted within its layer from 0, -1 of a dead teacher node and where no student node varies;
  /// `[teacher node of all hidden layers]`.
  case layerMatches
  /// max_j rho_jk of each student node, j in its own layer of the teacher; `[student node of all hidden layers]`.
  case layerStudentCorrelations
  /// 1 for each student node whose activation does not vary over the evaluation inputs, else 0;
  /// `[student node of all hidden layers]`.
  case layerDeadNodes
  /// max_j of the correlation of each student node with the activation phi(-z*_j) that teacher node j of its own layer would have
  /// if its boundary were turned round; over the evaluation inputs, `[student node of all hidden layers]`.
  case layerMirroredCorrelations
  /// max_j of the correlation of each student node with teacher node j of the hidden layer below its own, 0 in the lowest layer;
  /// `[student node of all hidden layers]`.
  case layerBelowCorrelations
  /// Share of the evaluation inputs at which each student node is active; at 1 it is an affine function of what enters it.
  /// `[student node of all hidden layers]`.
  case layerActiveShares
  /// sqrt(E_x[beta_kk(x)]) over at most 512 evaluation inputs, evenly spread, or the first 256 evaluation images and all
  /// positions: how much the node matters for the output; `[student node of all hidden layers]`. In this and the measures below a node of a layer that is normalised after its
  /// activation stands for its activation before the normalisation.
  case layerStrengths
  /// The same of each node of the teacher, or over images of what the student learns from; it does not change.
  /// `[teacher node of all hidden layers]`.
  case layerTeacherStrengths
  /// Smallest and mean |alpha_kj(x)| over all of those inputs, near j's boundary or not, k the match of j; `[teacher node of all hidden layers]`.
  case layerSmallestAlphas, layerMeanAlphas
  /// Distinct patterns of the gates above the layer, of teacher and student together, that those inputs meet; 1 at the
  /// highest; `[hidden layer]`.
  case layerRegionCounts
  /// E_x[A_l], `[student node, teacher node]`, and E_x[B_l], `[student node, student node]`, row-major, layer after layer.
  /// Large: n_l m_l and n_l n_l numbers a layer.
  case layerCouplingA, layerCouplingB
  /// E_x[g_k(x)^2] and max_x |g_k(x)| of each node of each hidden layer over the training inputs, g_l = -dJ_x/dz_l; those of
  /// the lowest layer are `nodeGradients` and `nodeMaximumGradients`. `[student node of all hidden layers]`.
  case layerGradients, layerLargestGradients
  /// How far D_l (A_l f*_l - B_l f_l) is from g_l by back-propagation, over at most 64 evaluation inputs, evenly spread: the
  /// largest difference divided by the largest sum of absolute terms; rounding alone is about 1e-15. `[hidden layer]`.
  case layerRuleResiduals
  /// Share of the evaluation inputs at which the largest output of teacher and student is the same. Scalar.
  case evaluationAgreement
  /// Share of the evaluation images whose largest output is that of their label. Scalar.
  case evaluationAccuracy
  /// The same of the teacher, and of what the student learns from (its oracle, or the teacher again); `[2]`.
  case teacherAccuracies
}

extension Measure {
  /// What measures were called in version 0.1: such a name is read like the measure's own.
  private static let formerNames: [Measure: String] = [.criticalPoint: "finishing"]

  package var formerName: String? { Self.formerNames[self] }

  /// The measure of that name, also of a former one; nil if there is none.
  package init?(named name: String) {
    guard let measure = Measure(rawValue: name) ?? Self.formerNames.first(where: { $0.value == name })?.key else {
      return nil
    }
    self = measure
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let measure = Measure(named: name) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "no measure is called \(name)")
    }
    self = measure
  }

  /// What is defined for networks of one hidden layer only: expected losses and growth rates, strengths and kink balances of
  /// boundaries, and gradients in a ball.
  public static let ofTwoLayers: Set<Measure> = [
    .expectedLoss, .growthRates, .boundaryStrengths, .ballGradients, .ballObservers, .kinkBalances,
  ]

  /// Expectations over Gaussian inputs.
  package static let ofGaussianInputs: Set<Measure> = [.expectedLoss, .growthRates]

  /// What needs labels.
  public static let ofLabels: Set<Measure> = [.evaluationAccuracy, .teacherAccuracies]

  /// Whether it is one number at each moment.
  package var isScalar: Bool {
    isLoss
      || [.largestGradient, .evaluationAccuracy, .evaluationAgreement, .mergedNodeCount, .mergedWeightError].contains(
        self)
  }

  /// Whether it is a loss: a positive number that falls over decades.
  package var isLoss: Bool { [.trainingLoss, .evaluationLoss, .expectedLoss].contains(self) }

  /// Losses along paths: they are computed once, at the end of a run, for they need a second student.
  package static let paths: Set<Measure> = [.straightPath, .matchedPath, .constructedPath]

  /// What a linear network does not have.
  package static let ofBoundaries: Set<Measure> = paths.union([
    .predictedAlignment, .witnessCounts, .verdicts, .kinkBalances, .mergedNodeCount, .mergedWeightError,
    .ballGradients, .ballObservers,
  ])

  /// Per hidden layer, cheap: what is recorded of deep networks when a study does not say.
  package static let ofLayers: [Measure] = [
    .layerWidths, .layerCorrelations, .layerMatches, .layerStudentCorrelations, .layerDeadNodes, .layerStrengths,
  ]
}
