import UnderstudyNetworks
import UnderstudyNumerics

/// The fit of the weights above a pruned layer to what the whole network computes there, by least squares over images and
/// positions.
///
/// A convolution's weights are fitted anew, all of them: its pre-activations in the whole network by the windows of the smaller
/// one. Of a fully connected layer above maps that would be as many unknowns as numbers in the maps. There the whole network's maps
/// are fitted by those of the nodes that stay, one matrix for all positions, and multiplied into the weights; above one
/// position that is the same as fitting the weights.
struct LayerFit {
  private let student: Network
  private let layer: Int
  private let data: PruningData
  private let progress: (String) -> Void

  /// Of so many rows for each unknown the rest changes little: neighbouring windows overlap.
  static let rowsPerUnknown = 200

  /// - Parameter layer: the pruned one.
  init(of student: Network, above layer: Int, data: PruningData, progress: @escaping (String) -> Void) {
    (self.student, self.layer, self.data, self.progress) = (student, layer, data, progress)
  }

  /// The network with fitted weights; as it is if no numbers fit.
  ///
  /// - Parameters:
  ///   - network: the student without some nodes of the layer and of those below.
  ///   - whole: of the student.
  /// - Throws: ``ShapeError`` if the kernels do not take the network.
  /// - Complexity: O(images x positions x weights + unknowns^3).
  func fitted(_ network: Network, to whole: ImageEvaluator) throws(ShapeError) -> Network {
    let evaluator = try ImageEvaluator(network)
    var result = network
    let fit: (weights: Matrix, biases: [Double]?)? =
      switch student.layers[layer + 1].kind {
      case .convolution(let window): convolution(window, whole, evaluator)
      case .dense: dense(whole, evaluator)
      }
    guard let fit else { return network }
    result[layer: layer + 1].weights = fit.weights
    result[layer: layer + 1].biases = fit.biases
    return result.isFinite ? result : network
  }

  private func convolution(
    _ window: Window, _ whole: ImageEvaluator, _ smaller: ImageEvaluator
  ) -> (weights: Matrix, biases: [Double]?)? {
    let above = student.layers[layer + 1]
    let unknowns = smaller.network.layers[layer + 1].inputCount
    let positions = student.architecture.convolutionalShape.activationSizes[layer + 1].positionCount
    let step = max(1, positions * data.fitting.set.count / (Self.rowsPerUnknown * unknowns))
    var equations = NormalEquations(
      unknowns: unknowns, targets: above.nodeCount, hasConstant: above.biases != nil)
    forEachBatch(whole, smaller) { wanted, found, first in
      for part in wanted.parts(numbersPerImage: (positions / step + 1) * above.inputCount) {
        let inputs = wanted.windows(window, ofImages: part, everyPosition: step, offset: first)
        let targets = LinearAlgebra.product(inputs, above.weights, transposingSecond: true)
        equations.add(found.windows(window, ofImages: part, everyPosition: step, offset: first), targets: targets)
      }
    }
    return equations.solution().map { weights, constants in
      (weights, above.biases.map { biases in biases.indices.map { biases[$0] + constants[$0] } })
    }
  }

  private func dense(_ whole: ImageEvaluator, _ smaller: ImageEvaluator) -> (weights: Matrix, biases: [Double]?)? {
    let above = student.layers[layer + 1]
    let (count, kept) = (student.hiddenCounts[layer], smaller.network.hiddenCounts[layer])
    var equations = NormalEquations(unknowns: kept, targets: count, hasConstant: above.biases != nil)
    forEachBatch(whole, smaller) { wanted, found, _ in
      for part in wanted.parts() { equations.add(found.rows(ofImages: part), targets: wanted.rows(ofImages: part)) }
    }
    guard let (fit, constants) = equations.solution() else { return nil }
    let positions = above.inputCount / count
    var weights = Matrix(rowCount: above.nodeCount, columnCount: kept * positions)
    var biases = above.biases
    for upper in 0..<above.nodeCount {
      for node in 0..<count {
        for place in 0..<positions {
          let weight = above.weights[upper, node * positions + place]
          for k in 0..<kept { weights[upper, k * positions + place] += weight * fit[node, k] }
          biases?[upper] += weight * constants[node]
        }
      }
    }
    return (weights, biases)
  }

  private func forEachBatch(
    _ whole: ImageEvaluator, _ smaller: ImageEvaluator, _ body: (ChannelMaps, ChannelMaps, _ first: Int) -> Void
  ) {
    data.fitting.forEachBatch(count: data.fitting.set.count) { batch, range in
      progress("image \(range.upperBound)")
      body(
        ChannelMaps(of: whole, at: batch, count: range.count, layer: layer),
        ChannelMaps(of: smaller, at: batch, count: range.count, layer: layer), range.lowerBound)
    }
  }
}

/// Sums over rows from which a linear map is fitted, with a constant if there is one.
private struct NormalEquations {
  private let unknowns: Int
  private let hasConstant: Bool
  private var gram: Matrix
  private var products: Matrix

  init(unknowns: Int, targets: Int, hasConstant: Bool) {
    (self.unknowns, self.hasConstant) = (unknowns, hasConstant)
    let width = unknowns + (hasConstant ? 1 : 0)
    (gram, products) = (
      Matrix(rowCount: width, columnCount: width), Matrix(rowCount: targets, columnCount: width)
    )
  }

  /// - Shape: `rows` is `[sample, unknown]`, `targets` `[sample, target]`.
  mutating func add(_ rows: Matrix, targets: Matrix) {
    let rows = hasConstant ? rows.appendingOnes() : rows
    LinearAlgebra.addGram(of: rows, to: &gram)
    LinearAlgebra.multiply(targets, transposingFirst: true, rows, into: &products, scale: 1)
  }

  /// Weights `[target, unknown]` and constants `[target]`, zeros without one; nil if the equations are singular even with a ridge
  /// of 1e-9 of each unknown's sum of squares. (One ridge for all would fit nodes of a small scale less well, and that scale is
  /// free.)
  ///
  /// - Complexity: O(unknowns^3).
  func solution() -> (weights: Matrix, constants: [Double])? {
    var (factor, fit) = (gram, products)
    // What is always 0 gets a weight of 0.
    for unknown in 0..<factor.rowCount {
      factor[unknown, unknown] = factor[unknown, unknown] == 0 ? 1 : factor[unknown, unknown] * (1 + 1e-9)
    }
    guard LinearAlgebra.factorCholesky(&factor) else { return nil }
    LinearAlgebra.solveCholesky(factor, rightSides: &fit)
    return (fit.prefix(columns: unknowns), (0..<fit.rowCount).map { hasConstant ? fit[$0, unknowns] : 0 })
  }
}
