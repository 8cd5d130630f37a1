import UnderstudyNetworks
import UnderstudyNumerics

/// What the student nodes of a hidden layer are on some inputs when they follow no teacher node of their layer.
public struct LayerOrientation: Sendable, Equatable {
  /// Correlations with the teacher nodes of the layer if their boundaries were turned round, with `phi(-z*_j)` in place of
  /// `phi(z*_j)`. `[teacher node, student node]`.
  public var mirrored: NodeCorrelation
  /// Correlations with the teacher nodes of the hidden layer below; nil of the lowest. `[teacher node below, student node]`.
  public var below: NodeCorrelation?
  /// Share of the inputs at which each student node is active, `z_k > 0`. At 1 its boundary lies outside of the data, and on
  /// them it is an affine function of the layer below. `[student node]`.
  public var activeShares: [Double]
}

/// For every hidden layer, how the student's nodes correlate with turned-round teacher nodes and with those of the layer below, and
/// how often they are active.
///
/// A boundary `z* = 0` has two sides. A student node that has the boundary and is active on the other side is `phi(-z*)`, up to
/// scale; it differs from `phi(z*)` by a function that is affine in what enters the layer, so two layers can use either. Its
/// correlation with `phi(z*)` is negative, -0.47 for a normal `z*` of mean 0. And a ReLU of a ReLU is that ReLU: a student node can
/// hand a node of the layer below on to the layer above.
///
/// - Shape: `inputs` is `[sample, feature]`; the result `[hidden layer]`, lowest first.
/// - Units: correlations from -1 to 1, shares from 0 to 1.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Precondition: both networks are folded, that is without batch normalisation.
/// - Complexity: O(samples x (weights + teacher x student nodes of each layer)), in one pass.
/// - Source: derived; see the derivation of alignment, above the lowest layer.
public func layerOrientations(
  of teacher: Teacher, with student: Student, over inputs: Matrix
) throws(ShapeError) -> [LayerOrientation] {
  try checkPair(teacher, student, over: inputs)
  let (ourLayers, theirLayers) = (teacher.network.layers, student.network.layers)
  let depth = teacher.network.hiddenCounts.count
  var mirrored = (0..<depth).map { CorrelationSums(ourLayers[$0], theirLayers[$0]) }
  var below = (1..<max(1, depth)).map { CorrelationSums(ourLayers[$0 - 1], theirLayers[$0]) }
  var activeCounts = student.network.hiddenCounts.map { [Int](repeating: 0, count: $0) }
  for block in SampleBlockSequence(inputs) {
    let z = (
      teacher: teacher.network.preactivations(of: block.inputs),
      student: student.network.preactivations(of: block.inputs)
    )
    // What enters the layer, and what enters the one below it.
    var entering = (teacher: block.inputs, student: block.inputs)
    var lower = block.inputs
    for layer in 0..<depth {
      for (k, gate) in gates(of: z.student[layer], valid: block.validCount).enumerated() {
        activeCounts[layer][k] += gate.nonzeroBitCount
      }
      var turned = z.teacher[layer]
      for i in turned.values.indices { turned.values[i] = -turned.values[i] }
      let active = student.network.activation(z.student[layer])
      mirrored[layer].add(teacher.network.activation(turned), active, below: entering, valid: block.validCount)
      if layer > 0 {
        below[layer - 1].add(entering.teacher, active, below: (lower, entering.student), valid: block.validCount)
      }
      lower = entering.teacher
      entering = (teacher.network.activation(z.teacher[layer]), active)
    }
  }
  let count = Double(inputs.rowCount)
  return (0..<depth).map { layer in
    LayerOrientation(
      mirrored: mirrored[layer].correlation(count: count, floor: .none),
      below: layer > 0 ? below[layer - 1].correlation(count: count, floor: .none) : nil,
      activeShares: activeCounts[layer].map { Double($0) / count })
  }
}
