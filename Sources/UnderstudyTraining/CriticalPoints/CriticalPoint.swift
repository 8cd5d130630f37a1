import UnderstudyNetworks
import UnderstudyNumerics

/// How far, and for how long, a student is brought towards a critical point of J.
public struct CriticalPointPlan: Sendable, Hashable {
  /// Steps tried in all, over every restart.
  public var iterationLimit: Int
  /// The search ends once ``CriticalPointReport/gradientShare`` is not above this: a number without a unit.
  public var gradientTarget: Double
  public var restartLimit: Int
  /// Bytes that a directly solved system may take; larger ones are solved by conjugate gradients, without being formed.
  public var systemByteLimit: Int

  public init(
    iterationLimit: Int = 200, gradientTarget: Double = 1e-10, restartLimit: Int = 20, systemByteLimit: Int = 320 << 20
  ) {
    self.iterationLimit = iterationLimit
    self.gradientTarget = gradientTarget
    self.restartLimit = restartLimit
    self.systemByteLimit = systemByteLimit
  }
}

/// What a search ended as; every number is of the student that was returned.
public struct CriticalPointReport: Sendable, Equatable {
  /// Whether `gradientShare` is at most the plan's target.
  public var reachedTarget: Bool
  /// Steps tried, over all restarts, those that were turned down included.
  public var iterationCount: Int
  public var restartCount: Int
  /// J = 1/2 mean ||target - output||^2.
  public var loss: Double
  /// `max_x |g_1(x)|_inf` over the samples.
  public var largestGradient: Double
  /// The same in units of the samples and the nodes: max over the samples and the nodes k of the lowest layer of
  /// `|g_k(x)| ||(s_x w_k, b_k)|| / s_y^2`, with s_x and s_y the root mean squares of the inputs and of the targets. Units of
  /// inputs and outputs do not change it, nor does the rescaling of a node.
  public var gradientShare: Double
  /// The norm of the gradient of J towards all weights. Where this is small and `largestGradient` is not, the student is
  /// near a critical point of the mean loss at which single samples still pull.
  public var gradientNorm: Double
  /// The smallest eigenvalue of the Hessian of J, its residual term included; 0 after a cancellation, like the two below.
  public var smallestCurvature: Double
  /// The largest eigenvalue.
  public var largestCurvature: Double
  /// How far an eigenvalue of the Hessian can be from either of the two. They come from a dense decomposition for
  /// two layers of up to ``denseHessianLimit`` weights (error about 1e-15 of the largest), else from Lanczos iterations; the
  /// smallest is then an upper bound.
  public var curvatureError: Double
  /// Samples that sit on the boundary of some student node k: `|z_k(x)| <= 1e-9 (|w_k| . |x| + |b_k|)`
  /// (``boundaryTolerance``), whatever the units of the inputs and the scales of the nodes. No sign of failure by itself: where several student nodes share one
  /// teacher node's boundary, their own boundaries often end exactly at samples, at a loss of 0.
  public var boundarySampleCount: Int
  public var wasCancelled: Bool

  /// Rounding moves a pre-activation by about 1e-16 of its terms; of 10^6 pairs of a sample and a node, chance puts
  /// about 1e-2 within this. What is within it was driven there.
  public static let boundaryTolerance = 1e-9
  public static let denseHessianLimit = 1500
}

/// Brings a student, from where training left it, to a critical point of J at which every sample's gradient at
/// the lowest hidden layer is small: ``CriticalPointReport/gradientShare`` at most `plan.gradientTarget`.
///
/// Levenberg-Marquardt steps over all samples, with the output layer refitted after each. The search takes place with inputs
/// and targets divided by their root mean squares and each hidden node's row by its norm: no decision depends on units, or on
/// how a node's strength is divided between its two sides, which at the end is as gradient flow keeps it
/// (`||w_k||^2 - ||v_k||^2`, the bias counted). A search that hardly
/// gets on is restarted from the best student so far, some of its least useful nodes moved to new boundaries. The student
/// of the lowest loss is returned, whether or not it reached the target: the report says which. A student that is there
/// already, or whose weights are not finite, is returned as it is. The result is a function of the arguments (and of the
/// machine's kind, see ``LinearAlgebra``).
///
/// - Shape: `inputs` is `[sample, feature]`, `targets` `[sample, output]`.
/// - Parameters:
///   - key: random numbers (new boundaries, start of Lanczos) are drawn from its `criticalPoints` streams.
///   - isCancelled: asked before each step.
/// - Throws: ``ShapeError`` if some layers of the student have biases and others none, or if the samples do not fit it.
/// - Complexity: with two layers, a step costs O(nodes^2 features^2 (samples whose gates flipped + nodes features)) where the system fits
///   `plan.systemByteLimit`, else up to 200 times O(samples x weights). Deeper
///   students: O(samples x weights^2 + weights^3), else up to 400 times O(samples x weights).
/// - Source: Levenberg-Marquardt with Nielsen's damping (Madsen, Nielsen, Tingleff 2004, "Methods for non-linear least
///   squares problems"); elimination of the linear layer as in variable projection (Golub, Pereyra 1973).
public func criticalPoint(
  from student: Student, along plan: CriticalPointPlan, on inputs: Matrix, targets: Matrix, key: UInt64,
  isCancelled: () -> Bool = { false }
) throws(ShapeError) -> (student: Student, report: CriticalPointReport) {
  var search = try CriticalPointSearch(student, along: plan, on: inputs, targets: targets, key: key)
  while !search.isOver {
    if isCancelled() { return try search.result(wasCancelled: true) }
    search.step()
  }
  return try search.result()
}
