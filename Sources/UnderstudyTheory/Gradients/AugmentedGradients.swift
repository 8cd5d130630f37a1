import UnderstudyNetworks
import UnderstudyNumerics

/// The gradients of single samples at the lowest layer, whose smallness the finite-data statements assume.
public struct SampleGradients: Sendable, Equatable {
  /// max_k |g_k(x)| for each sample; over an augmented set, the largest of the sample and its copies. `[sample]`.
  public var sampleMaxima: [Double]
  /// max_x |g_k(x)| for each student node. `[student node]`.
  public var nodeMaxima: [Double]

  /// max_x |g_1(x)|_inf.
  public var largest: Double { nodeMaxima.reduce(0, max) }
}

/// `g_1(x) = phi'(z_1) V_1(x)^T (f*(x) - f(x))` at every sample of a data set D, or of the D' that an augmentation makes of
/// it, against the teacher's outputs there.
///
/// - Parameter progress: is told the share of the samples that are done, after each block of them.
/// - Shape: `inputs` is `[sample, feature]`, D in either case: D' is streamed, never held.
/// - Units: output^2 / activation.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Complexity: two layers: O(samples of D x nodes x features + samples of D' x nodes x outputs), by a kernel; deeper:
///   O(samples of D' x weights).
/// - Source: Tian 2020, arXiv:1909.13458, the small-gradient condition on augmented data.
public func sampleGradients(
  of student: Student, learning teacher: Teacher, over inputs: Matrix, augmentedBy augmentation: Augmentation? = nil,
  progress: (Double) -> Void = { _ in }
) throws(ShapeError) -> SampleGradients {
  try checkPair(teacher, student, over: inputs)
  let directions = augmentation?.directions(for: teacher) ?? Matrix(rowCount: 0, columnCount: inputs.columnCount)
  let step = augmentation?.step ?? 0
  guard teacher.network.isTwoLayer, teacher.network.activation == student.network.activation else {
    return deepGradients(of: student, learning: teacher, over: inputs, along: directions, step: step, progress)
  }
  return jointGradients(
    of: try TwoLayerView(student.network), learning: try TwoLayerView(teacher.network), over: inputs, along: directions,
    step: step, progress)
}

/// Two layers of one activation: a shift of the sample is a shift of the pre-activations.
private func jointGradients(
  of student: TwoLayerView, learning teacher: TwoLayerView, over inputs: Matrix, along directions: Matrix, step: Double,
  _ progress: (Double) -> Void
) -> SampleGradients {
  let joint = NetworkLayer(
    weights: teacher.hidden.weights.appending(student.hidden.weights),
    biases: teacher.hidden.biasesOrZeros + student.hidden.biasesOrZeros)
  var shifts = Matrix(rowCount: 1 + 2 * directions.rowCount, columnCount: joint.nodeCount)
  for direction in 0..<directions.rowCount {
    let unit = directions.row(direction)
    for node in 0..<joint.nodeCount {
      let shift = step * dotProduct(unit, joint.weights.row(node))
      shifts[1 + 2 * direction, node] = shift
      shifts[2 + 2 * direction, node] = -shift
    }
  }
  var kernel = ShiftedGradients(
    teacherFanOut: teacher.output.weights.transposed, studentFanOut: student.output.weights.transposed,
    biasDifference: zip(teacher.output.biasesOrZeros, student.output.biasesOrZeros).map { $0 - $1 },
    negativeSlope: student.activation.negativeSlope)
  var sampleMaxima: [Double] = []
  sampleMaxima.reserveCapacity(inputs.rowCount)
  for block in SampleBlockSequence(inputs) {
    var z = joint.preactivations(of: block.inputs)
    // Past the end the first sample of the block stands again: it raises no maximum.
    for node in 0..<joint.nodeCount {
      for i in block.validCount..<sampleBlockWidth { z[node, i] = z[node, 0] }
    }
    sampleMaxima += kernel.add(z, shifts: shifts).prefix(block.validCount)
    progress(Double(sampleMaxima.count) / Double(inputs.rowCount))
  }
  return SampleGradients(sampleMaxima: sampleMaxima, nodeMaxima: kernel.nodeMaxima)
}

/// Any depth: every augmented sample goes through both networks and back.
func deepGradients(
  of student: Student, learning teacher: Teacher, over inputs: Matrix, along directions: Matrix, step: Double,
  _ progress: (Double) -> Void = { _ in }
) -> SampleGradients {
  let n = student.network.hiddenCounts[0]
  var result = SampleGradients(sampleMaxima: [], nodeMaxima: [Double](repeating: 0, count: n))
  for block in SampleBlockSequence(inputs) {
    var maxima = [Double](repeating: 0, count: block.validCount)
    func add(_ samples: Matrix) {
      let g = hiddenGradients(of: student.network, learning: teacher.network, at: samples)[0]
      for k in 0..<n {
        for i in 0..<block.validCount {
          let size = abs(g[k, i])
          maxima[i] = max(maxima[i], size)
          result.nodeMaxima[k] = max(result.nodeMaxima[k], size)
        }
      }
    }
    add(block.inputs)
    for direction in 0..<directions.rowCount {
      for signed in [step, -step] {
        var moved = block.inputs
        for feature in 0..<moved.rowCount {
          let shift = signed * directions[direction, feature]
          for i in 0..<block.validCount { moved[feature, i] += shift }
        }
        add(moved)
      }
    }
    result.sampleMaxima += maxima
    progress(Double(result.sampleMaxima.count) / Double(inputs.rowCount))
  }
  return result
}

/// g_l of every hidden layer at a block of samples, lowest first, `[student node, sample]`, by back-propagation of the residual
/// f* - f.
func hiddenGradients(of student: Network, learning teacher: Network, at block: Matrix) -> [Matrix] {
  let z = student.preactivations(of: block)
  var g = teacher.preactivations(of: block, layer: teacher.layers.count - 1)
  for i in g.values.indices { g.values[i] -= z[z.count - 1].values[i] }
  var result: [Matrix] = []
  for layer in (1..<student.layers.count).reversed() {
    g = propagatedBack(g, through: student.layers[layer], gates: z[layer - 1], activation: student.activation)
    result.append(g)
  }
  return result.reversed()
}
