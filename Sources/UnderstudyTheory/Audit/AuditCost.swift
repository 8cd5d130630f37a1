import UnderstudyNetworks
import UnderstudyNumerics

/// What the parts of an audit take: multiplications, as many as BLAS does in the same time.
struct AuditCost {
  let teacher: Architecture
  let student: Architecture
  let sampleCount: Int
  let bandCount: Int

  private var isShared: Bool { teacher.isTwoLayer && teacher.activation == student.activation }
  private var samples: Double { Double(sampleCount) }

  /// Of all that is never left out: passes over the inputs, their principal directions, the densest of the hyperplanes, and
  /// alpha, beta and kink balances of deep networks.
  func base(_ effort: AuditEffort) -> Double {
    let d = Double(student.inputCount)
    let planes = d + Double(min(student.inputCount, principalPlaneLimit) + 2 * DensityBound.planeCount)
    let passes = 12 * weightCount(student, from: 0) + 8 * weightCount(teacher, from: 0)
    let isDeep = !student.isTwoLayer
    let regionCount = isDeep ? Double(couplingSamples(effort)) : 1
    let directions = min(regionCount * Double(student.outputCount), Double(student.hiddenCounts[0]))
    return samples * (passes + 2 * d * planes) + 12 * d * d * d + (isDeep ? 2 * regionCount * couplingCost : 0)
      + rankCost * directions * directions
  }

  func cost(of part: AuditEffort.Part) -> Double {
    switch part {
    case .agnosticGradients: isShared ? sharedGradients(.teacherAgnostic) : 2 * gradients(.teacherAgnostic)
    case .awareGradients: isShared ? sharedGradients(.teacherAware) : 2 * gradients(.teacherAware)
    case .merging: merging
    case .observerRanks: Self.observers(nodeCount: student.hiddenCounts[0], sampleCount: sampleCount)
    }
  }

  /// Of the gradients of two layers: outputs in lanes of 8, and for few outputs what a node of a copy takes whatever their
  /// number, measured at 20000 nodes.
  private func sharedGradients(_ scheme: Augmentation.Scheme) -> Double {
    let outputs = Double(padded(student.outputCount))
    let nodes = max(outputs, 65) * Double(teacher.hiddenCounts[0] + 2 * student.hiddenCounts[0])
    return copyCount(scheme) * nodes
  }

  private func copyCount(_ scheme: Augmentation.Scheme) -> Double {
    let directionCount = scheme == .teacherAgnostic ? teacher.inputCount : teacher.hiddenCounts[0]
    return Double(bandCount) * samples * Double(2 * directionCount + 1)
  }

  /// Multiplications of the gradients over one augmentation, over all bands; see
  /// ``sampleGradients(of:learning:over:augmentedBy:progress:)``.
  func gradients(_ scheme: Augmentation.Scheme) -> Double {
    // With two layers the lowest one is met once a sample and not once a copy.
    let own = weightCount(student, from: isShared ? 1 : 0) + weightCount(student, from: 1)
    return copyCount(scheme) * (own + weightCount(teacher, from: isShared ? 1 : 0))
  }

  /// Of finding who observes the student nodes' boundaries: a word operation for 64 samples and pair of nodes,
  /// which takes as long as ten multiplications.
  static func observers(nodeCount: Int, sampleCount: Int) -> Double {
    10 * Double(nodeCount) * Double(nodeCount) * Double(sampleCount) / 64
  }

  /// Of the spans of fan-out weights, one for each student node and, in deeper networks, region: at most.
  static func spans(of student: Architecture) -> Double {
    let (nodes, outputs) = (Double(student.hiddenCounts[0]), Double(student.outputCount))
    let ofOne = min(nodes, outputs) * min(nodes, outputs) * (nodes + outputs)
    guard !student.isTwoLayer else { return nodes * ofOne }
    let widths = student.hiddenCounts.map(Double.init)
    let carrying = zip(widths, widths.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } * outputs
    return nodes * Double(observedRegionLimit) * (ofOne + carrying)
  }

  /// Memory that finding the observers takes: whom each boundary is observed by, as a table and as lists.
  static func observerBytes(nodeCount: Int) -> Double { 16 * Double(nodeCount) * Double(nodeCount) }

  /// How many samples alpha and beta of a deep network are taken over: a thousand, or as many as a tenth of the effort allows,
  /// and another tenth for the ranks of the teacher nodes' observers: their fan-outs have as many directions as the samples have
  /// outputs, but no more than there are nodes.
  func couplingSamples(_ effort: AuditEffort) -> Int {
    let directions = (effort.multiplications / 10 / rankCost).squareRoot()
    let ranked = directions >= Double(student.hiddenCounts[0]) ? 1000 : directions / Double(student.outputCount)
    return Int(max(1, min(1000, ranked, max(10, effort.multiplications / 10 / couplingCost))))
  }

  /// Of the ranks of all teacher nodes' observers, times the square of the directions.
  private var rankCost: Double { 3 * Double(teacher.hiddenCounts[0]) * Double(student.hiddenCounts[0]) }

  /// Of alpha and beta at a sample: chains of products from the outputs down, and pairs of nodes.
  private var couplingCost: Double {
    let lowest = Double(student.hiddenCounts[0])
    let chains = 2 * Double(student.outputCount) * (weightCount(student, from: 1) + weightCount(teacher, from: 1))
    return chains + lowest * lowest * Double(student.outputCount)
  }

  /// Of merging, from fine to coarse. Measured: tries to join boundaries are some passes over the inputs, and the turns of
  /// n units a system of n equations, solved several times.
  private var merging: Double {
    let widths = student.widths
    let passes = samples * weightCount(student, from: 0)
    if student.isTwoLayer {
      let n = Double(widths[1])
      return 10 * passes + n * n * (Double(widths[0] + widths[2]) + 2 * n)
    }
    // Principal coordinates of what enters each upper layer, and a try to do without each node, mostly over a few samples.
    let once = (1..<widths.count - 1).reduce(40 * passes) { sum, layer in
      let (below, nodes) = (layer > 1 ? Double(widths[layer - 1]) : 0, Double(widths[layer]))
      return sum + 20 * samples * below * below + 40 * below * below * below + nodes * passes / 100
    }
    // Up to seven times, and a network of 100-580-580-580-10 nodes takes more than twice as long as this.
    return 16 * once
  }

  /// Memory that merging takes: pre-activations twice, and four tables of pairs of nodes; in deeper networks for the widest layer,
  /// with what enters it in coordinates of its own.
  var mergingBytes: Double {
    let widths = [student.inputCount] + student.hiddenCounts
    return (1..<widths.count).reduce(0) { largest, layer in
      let (below, nodes) = (student.isTwoLayer ? 0 : Double(widths[layer - 1]), Double(widths[layer]))
      return max(largest, 8 * (samples * (2 * nodes + 5 * below) + 4 * nodes * nodes + 2 * below * below))
    }
  }

  /// Memory that an audit cannot be without: copies of the inputs, their principal directions, and for each pair of a teacher node and a student node
  /// distances, couplings, correlations and who observes whom.
  var bytes: Double {
    let (m, n) = (Double(teacher.hiddenCounts[0]), Double(student.hiddenCounts[0]))
    let d = Double(student.inputCount)
    let copies = samples * (4 * d + Double(3 * student.outputCount))
    return 8 * (copies + 3 * d * d) + m * n * (120 + 40 * Double(bandCount)) + 24 * m * m
  }

  /// Weights, without biases, of the layers from one upwards.
  private func weightCount(_ architecture: Architecture, from layer: Int) -> Double {
    let widths = architecture.widths[layer...]
    return zip(widths, widths.dropFirst()).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }
}

/// Bytes of memory that an audit cannot be without, estimated from shapes; parts that take more are left out, see
/// ``AuditEffort/bytes``.
///
/// - Shape: `inputs` is `[sample, feature]`.
public func auditMemory(of student: Student, learning teacher: Teacher, over inputs: Matrix, bandCount: Int) -> Double {
  AuditCost(
    teacher: teacher.network.architecture, student: student.network.architecture, sampleCount: inputs.rowCount,
    bandCount: bandCount
  ).bytes
}
