/// A quantity that a run can record at an epoch. The raw value is its name in study files, in the store and in exports.
///
/// Index order: `k` student node, `j` teacher node. "Training" and "evaluation" say over which inputs.
public enum Measure: String, Codable, Hashable, Sendable, CaseIterable {
  /// J = 1/2 E_x ||f*(x) - f(x)||^2. Scalar.
  case trainingLoss, evaluationLoss
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
}

/// One recorded value: a scalar (`shape` empty), or an array in row-major order.
public struct Measurement: Codable, Hashable, Sendable {
  public var measure: Measure
  /// 0 is before the first step.
  public var epoch: Int
  public var shape: [Int]
  public var values: [Double]

  public init(_ measure: Measure, epoch: Int, shape: [Int] = [], values: [Double]) {
    precondition(values.count == shape.reduce(1, *), "\(values.count) values do not fill shape \(shape)")
    self.measure = measure
    self.epoch = epoch
    self.shape = shape
    self.values = values
  }
}
