import UnderstudyNetworks
import UnderstudyNumerics

/// What the student nodes of a hidden layer are on some inputs when they follow no teacher node.
public struct LayerOrientation: Sendable, Equatable {
  /// Correlations with the teacher nodes of the layer if their boundaries were turned round, with `phi(-z*_j)` in place of
  /// `phi(z*_j)`. `[teacher node, student node]`.
  public var mirrored: NodeCorrelation
  /// Share of the inputs at which each student node is active, `z_k > 0`. At 1 its boundary lies outside of the data, and on
  /// them it is an affine function of the layer below. `[student node]`.
  public var activeShares: [Double]
}

/// For every hidden layer, how the student's nodes correlate with turned-round teacher nodes, and how often they are active.
///
/// A boundary `z* = 0` has two sides. A student node that has the boundary and is active on the other side is `phi(-z*)`, up to
/// scale; it differs from `phi(z*)` by a function that is affine in what enters the layer, so two layers can use either. Its
/// correlation with `phi(z*)` is negative, -0.47 for a normal `z*` of mean 0.
///
/// - Shape: `inputs` is `[sample, feature]`; the result `[hidden layer]`, lowest first.
/// - Units: correlations from -1 to 1, shares from 0 to 1.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Precondition: both networks are folded, that is without batch normalisation.
/// - Complexity: O(samples x (weights + teacher x student nodes of each layer)), in one pass.
/// - Source: derived; see the derivation of alignment on orientations.
public func layerOrientations(
  of teacher: Teacher, with student: Student, over inputs: Matrix
) throws(ShapeError) -> [LayerOrientation] {
  try checkPair(teacher, student, over: inputs)
  let depth = teacher.network.hiddenCounts.count
  var sums = (0..<depth).map { CorrelationSums(teacher.network.layers[$0], student.network.layers[$0]) }
  var activeCounts = student.network.hiddenCounts.map { [Int](repeating: 0, count: $0) }
  for block in SampleBlockSequence(inputs) {
    let ours = teacher.network.preactivations(of: block.inputs)
    let theirs = student.network.preactivations(of: block.inputs)
    var below = (teacher: block.inputs, student: block.inputs)
    for layer in 0..<depth {
      for (k, gate) in gates(of: theirs[layer], valid: block.validCount).enumerated() {
        activeCounts[layer][k] += gate.nonzeroBitCount
      }
      var turned = ours[layer]
      for i in turned.values.indices { turned.values[i] = -turned.values[i] }
      let active = student.network.activation(theirs[layer])
      sums[layer].add(
        teacher.network.activation(turned), active, below: below, valid: block.validCount)
      below = (teacher.network.activation(ours[layer]), active)
    }
  }
  let count = Double(inputs.rowCount)
  return (0..<depth).map { layer in
    LayerOrientation(
      mirrored: sums[layer].correlation(count: count, floor: .none),
      activeShares: activeCounts[layer].map { Double($0) / count })
  }
}
