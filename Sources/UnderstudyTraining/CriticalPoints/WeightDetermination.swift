import UnderstudyNetworks
import UnderstudyNumerics

/// Whether samples determine a network's weights: how many equations they are, and the rank of the Jacobian of all outputs
/// towards all weights.
///
/// A network that fits its targets is one of a continuum of networks that do if the Jacobian has more null vectors than the
/// rescalings of the hidden nodes. If it has no more, no other network nearby fits; far away there may be others.
public struct WeightDetermination: Sendable, Equatable {
  /// Samples times outputs.
  public var equationCount: Int
  /// Weights and biases of all layers.
  public var weightCount: Int
  /// Hidden nodes: each may be rescaled without a change of any output, so that as many weights are free.
  public var freeScaleCount: Int
  /// Singular values of the Jacobian above ``resolution`` of the largest; nil where it would take too long.
  public var rank: Int?
  /// The smallest singular value but for those of the rescalings, in units of the largest, 0...1; 0 if there are fewer
  /// equations than unknowns. Roundings leave at most ``resolution`` of one that is 0. nil where it would take too long.
  public var identifiability: Double?

  /// Singular values come from the Gram matrix of the Jacobian, which has their squares, and half the digits.
  public static let resolution = 1e-6
  /// Weights, and multiply-adds, above which the rank is not computed: some ten seconds.
  public static let (weightLimit, costLimit) = (2500, 1e11)

  public init(equationCount: Int, weightCount: Int, freeScaleCount: Int) {
    (self.equationCount, self.weightCount, self.freeScaleCount) = (equationCount, weightCount, freeScaleCount)
  }

  /// Weights but for the rescalings.
  public var unknownCount: Int { weightCount - freeScaleCount }
  /// Networks of as many unknowns as there are equations meet any targets: more equations are needed for an answer that says
  /// anything of what made them.
  public var hasEnoughEquations: Bool { equationCount > unknownCount }

  /// nil where the rank was not computed and there are equations enough.
  public var isDetermined: Bool? { hasEnoughEquations ? rank.map { $0 == unknownCount } : false }
}

/// How well samples determine a network's weights.
///
/// Each column of the Jacobian is divided by its norm first, so that neither the units of inputs and outputs nor how a node's
/// strength is divided between its layers matter.
///
/// - Shape: `inputs` is `[sample, feature]`.
/// - Throws: ``ShapeError`` if some layers have biases and others none, or if the inputs do not fit.
/// - Complexity: O(samples x weights^2 + weights^3), up to ``WeightDetermination/weightLimit`` and
///   ``WeightDetermination/costLimit``; beyond, only counts.
public func weightDetermination(of network: Network, over inputs: Matrix) throws(ShapeError) -> WeightDetermination {
  let targets = try network.outputs(for: inputs)
  let problem = try LeastSquaresProblem(Student(network), inputs: inputs, targets: targets)
  let weights = problem.weights(of: Student(network))
  var result = WeightDetermination(
    equationCount: targets.values.count, weightCount: weights.count,
    freeScaleCount: network.hiddenCounts.reduce(0, +))
  let count = Double(weights.count)
  guard weights.count <= WeightDetermination.weightLimit,
    Double(inputs.rowCount) * count * count <= WeightDetermination.costLimit
  else { return result }
  var system = DenseSolver(problem)
  system.linearize(at: weights, problem.evaluate(weights))
  var gram = system.gram
  let norms = gram.diagonal.map { $0 > 0 ? $0.squareRoot() : 1 }
  // Its lower triangle is filled; what is read is the upper one.
  for a in norms.indices {
    for b in 0...a { gram[b, a] = gram[a, b] / norms[a] / norms[b] }
  }
  guard let values = LinearAlgebra.symmetricEigenvalues(gram), let largest = values.last, largest > 0 else {
    (result.rank, result.identifiability) = (0, 0)
    return result
  }
  let ratios = values.map { max(0, $0 / largest).squareRoot() }
  result.rank = ratios.count { $0 > WeightDetermination.resolution }
  let index = result.freeScaleCount
  result.identifiability =
    result.equationCount < result.unknownCount || index >= ratios.count ? 0 : ratios[index]
  return result
}
