import UnderstudyNetworks
import UnderstudyNumerics

/// Holds the recursive gradient rule against back-propagation: how far `D_l (A_l f*_l - B_l f_l)` is from `g_l = -dJ_x/dz_l`.
///
/// Both sides share the forward pass and nothing else: `g_l` is the residual carried down by `W_l^T`; the rule takes
/// `A_l = V_l^T V*_l` and `B_l = V_l^T V_l`, formed for each sample, and the activations of both networks, with the constant 1
/// appended to each layer, so that biases are weights like others. So it is a check of the couplings that are measured, and of
/// the activations. J is the squared error against the teacher's outputs, without noise on them.
///
/// A network with batch normalisation is measured with its statistics as they are (folded): the rule holds for the function
/// that it is. It does not for the gradient of a training step, in which the statistics depend on the other samples of the batch.
///
/// - Parameter sampleLimit: at most so many samples are taken, evenly spread over `inputs`.
/// - Shape: `inputs` is `[sample, feature]`; the result `[hidden layer]`.
/// - Units: the largest difference over samples and nodes, divided by the largest sum of absolute terms,
///   `|D_l| (|A_l| |f*_l| + |B_l| |f_l|)`; 0 where all terms are 0. Rounding alone leaves about 1e-15 times the depth.
/// - Throws: ``ShapeError`` if the student does not fit the teacher, or the inputs neither.
/// - Complexity: O(samples x outputs x sum over layers of n_l (n_l + m_l + n_{l-1})).
/// - Source: Tian 2020, arXiv:1909.13458, the recursive gradient rule.
public func gradientRuleResiduals(
  of student: Student, learning teacher: Teacher, over inputs: Matrix, sampleLimit: Int = 64
) throws(ShapeError) -> [Double] {
  let rule = try GradientRule(of: student, learning: teacher)
  try checkInputs(inputs, fit: rule.student)
  let layers = rule.student.hiddenCounts.indices
  var (differences, sizes) = (layers.map { _ in 0.0 }, layers.map { _ in 0.0 })
  for block in SampleBlockSequence(evenlySpread(inputs, limit: sampleLimit)) {
    let (byRule, byBackPropagation) = (rule.gradients(of: block), rule.backPropagated(block))
    for layer in layers {
      for (value, other) in zip(byRule[layer].values.values, byBackPropagation[layer].values) {
        differences[layer] = max(differences[layer], abs(value - other))
      }
      sizes[layer] = max(sizes[layer], byRule[layer].size)
    }
  }
  return zip(differences, sizes).map { $1 > 0 ? $0 / $1 : 0 }
}

/// Both sides of the recursive gradient rule, for a student and its teacher.
///
/// A struct of two ``OutputJacobian``, which own scratch memory.
struct GradientRule {
  /// Without batch normalisation.
  let teacher: Network
  let student: Network
  /// Of the networks with the constant 1 appended to each layer.
  private let carriers: (teacher: OutputJacobian<Double>, student: OutputJacobian<Double>)

  init(of student: Student, learning teacher: Teacher) throws(ShapeError) {
    (self.teacher, self.student) = (teacher.network.folded, student.network.folded)
    try checkPair(Teacher(self.teacher), Student(self.student))
    carriers = (OutputJacobian(try self.teacher.homogeneous), OutputJacobian(try self.student.homogeneous))
  }

  /// g_l of every hidden layer by the rule, lowest first, and the largest sum of absolute terms.
  ///
  /// - Shape: `values` is `[node, sample]`, 0 past the last sample.
  func gradients(of block: SampleBlock) -> [(values: Matrix, size: Double)] {
    let z = (teacher: hiddenPreactivations(teacher, block), student: hiddenPreactivations(student, block))
    var result = student.hiddenCounts.map {
      (values: Matrix(rowCount: $0, columnCount: block.inputs.columnCount), size: 0.0)
    }
    for i in 0..<block.validCount {
      carriers.teacher.carry(sample: 0, preactivations: z.teacher, column: i)
      carriers.student.carry(sample: 0, preactivations: z.student, column: i)
      for layer in result.indices {
        let v = (teacher: carriers.teacher.fanOut(ofLayer: layer), student: carriers.student.fanOut(ofLayer: layer))
        let f = (
          teacher: z.teacher[layer].column(i).map { teacher.activation($0) },
          student: z.student[layer].column(i).map { student.activation($0) }
        )
        let alpha = product(v.student, v.teacher, transposingFirst: true)
        let beta = product(v.student, v.student, transposingFirst: true)
        // The last node is the constant, which has no gradient.
        for k in 0..<student.hiddenCounts[layer] {
          let gate = z.student[layer][k, i] > 0 ? 1 : student.activation.negativeSlope
          let terms = zip(alpha.row(k), f.teacher).map(*) + zip(beta.row(k), f.student).map { -$0 * $1 }
          result[layer].values[k, i] = gate * terms.reduce(0, +)
          result[layer].size = max(result[layer].size, abs(gate) * terms.reduce(0) { $0 + abs($1) })
        }
      }
    }
    return result
  }

  /// The same by back-propagation of the residual.
  func backPropagated(_ block: SampleBlock) -> [Matrix] {
    var result = hiddenGradients(of: student, learning: teacher, at: block.inputs)
    for layer in result.indices {
      for node in 0..<result[layer].rowCount {
        for i in block.validCount..<sampleBlockWidth { result[layer][node, i] = 0 }
      }
    }
    return result
  }

  /// Pre-activations of the hidden layers with those of the constant node, 1, at the end.
  private func hiddenPreactivations(_ network: Network, _ block: SampleBlock) -> [Matrix] {
    network.preactivations(of: block.inputs).dropLast().map { z in
      let ones = [Double](repeating: 1, count: z.columnCount)
      return Matrix(rowCount: z.rowCount + 1, columnCount: z.columnCount, values: z.values + ones)
    }
  }
}

extension Network {
  /// The same function of inputs with a 1 appended, without biases: every hidden layer has one node more, which passes the 1 on,
  /// `[[W_l, b_l], [0, 1]]`, and the output layer is `[W_L, b_L]`.
  fileprivate var homogeneous: Network {
    get throws(ShapeError) {
      let top = layers.count - 1
      return try Network(
        layers: layers.enumerated().map { index, layer in
          var rows = (0..<layer.nodeCount).map(layer.row)
          if index < top { rows.append([Double](repeating: 0, count: layer.inputCount) + [1]) }
          return NetworkLayer(weights: Matrix(rows), biases: nil)
        }, activation: activation)
    }
  }
}
