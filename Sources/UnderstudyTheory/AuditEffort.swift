import UnderstudyNetworks
import UnderstudyNumerics

/// How far an audit goes: some of its parts grow with the product of samples, features and weights, and are left out if they
/// would take too long. The audit says so.
public struct AuditEffort: Sendable, Hashable {
  /// About so many minutes for the whole audit, on one core of 3 GHz; `understudy bench audit` measures them.
  public var minutes: Double

  public init(minutes: Double) { self.minutes = minutes }

  public static let minute = AuditEffort(minutes: 1)
  /// Everything, however long it takes.
  public static let complete = AuditEffort(minutes: .infinity)

  /// The parts whose cost is estimated before they begin.
  public enum Part: String, Sendable, Hashable, CaseIterable {
    /// The gradients over both augmented sets, over all bands.
    case agnosticGradients, awareGradients
    /// The ranks of the fan-out weights that each student node is observed by.
    case observerRanks
    case merging

    public var words: String {
      switch self {
      case .agnosticGradients: "gradients over teacher-agnostic copies"
      case .awareGradients: "gradients over teacher-aware copies"
      case .observerRanks: "ranks of the student nodes' observers"
      case .merging: "merging"
      }
    }
  }

  /// Multiplications that an audit may spend on a part.
  public func limit(of part: Part) -> Double {
    switch part {
    case .agnosticGradients, .awareGradients: 1.2e11 * minutes
    case .observerRanks: 4e10 * minutes
    case .merging: 4e11 * minutes
    }
  }

  func allows(_ part: Part, cost: Double) -> Bool { cost <= limit(of: part) }
}

/// A part that an audit left out, and what it would have taken.
public struct OmittedPart: Sendable, Equatable {
  public var part: AuditEffort.Part
  /// Multiplications.
  public var cost: Double

  /// A sentence for people.
  public var note: String {
    let meaning =
      switch part {
      case .agnosticGradients: "predictions rest on the teacher-aware ones"
      case .awareGradients: "there are no kink witnesses without them"
      case .observerRanks: "their column is empty"
      case .merging: "no student node is said to be superfluous"
      }
    return
      "not measured: \(part.words), \(power(of: cost)) multiplications; \(meaning). Ask for them with --complete, or audit "
      + "over fewer inputs"
  }

  private func power(of cost: Double) -> String {
    var (factor, exponent) = (cost, 0)
    while factor >= 10 { (factor, exponent) = (factor / 10, exponent + 1) }
    return "\(Int(factor.rounded()))e\(exponent)"
  }
}

/// What the parts of an audit take, in multiplications.
struct AuditCost {
  let teacher: Network
  let student: Network
  let sampleCount: Int
  let bandCount: Int

  /// Of the gradients over one augmentation, over all bands; see ``sampleGradients(of:learning:over:augmentedBy:)``.
  func gradients(_ scheme: Augmentation.Scheme) -> Double {
    let directionCount = scheme == .teacherAgnostic ? teacher.inputCount : teacher.hiddenCounts[0]
    let copies = Double(bandCount) * Double(sampleCount) * Double(2 * directionCount + 1)
    let isShared = teacher.layers.count == 2 && teacher.activation == student.activation
    // With two layers the lowest one is met once a sample and not once a copy.
    let own = weightCount(student, from: isShared ? 1 : 0) + weightCount(student, from: 1)
    return copies * (own + weightCount(teacher, from: isShared ? 1 : 0))
  }

  /// Of finding who observes the student nodes' boundaries: a word operation for 64 samples and pair of nodes,
  /// which takes as long as ten multiplications.
  static func observers(nodeCount: Int, sampleCount: Int) -> Double {
    10 * Double(nodeCount) * Double(nodeCount) * Double(sampleCount) / 64
  }

  /// How many samples alpha and beta of a deep network are taken over: a thousand, or as many as a third of the effort allows.
  func couplingSamples(_ effort: AuditEffort) -> Int {
    let lowest = Double(student.hiddenCounts[0])
    let chains = 2 * Double(student.outputCount) * (weightCount(student, from: 1) + weightCount(teacher, from: 1))
    let affordable = effort.minutes * 5e10 / (chains + lowest * lowest * Double(student.outputCount))
    return Int(min(1000, max(10, affordable)))
  }

  /// Of merging, several times over, if no more than a few percent of the tries to join nodes fail late.
  var merging: Double {
    let widths = [student.inputCount] + student.hiddenCounts + [student.outputCount]
    let passes = Double(sampleCount) * weightCount(student, from: 0)
    if student.layers.count == 2 {
      let n = Double(widths[1])
      return 20 * passes + n * n * (Double(widths[0] + widths[2]) + n / 3)
    }
    // Principal coordinates of what enters each upper layer, and a try to do without each node; twice or more.
    return (1..<widths.count - 1).reduce(20 * passes) { sum, layer in
      let below = layer > 1 ? Double(widths[layer - 1]) : 0
      return sum + 20 * Double(sampleCount) * below * below + Double(widths[layer]) * passes / 10
    }
  }

  private func weightCount(_ network: Network, from layer: Int) -> Double {
    network.layers[layer...].reduce(0) { $0 + Double($1.nodeCount) * Double($1.inputCount) }
  }
}

extension SampleGradients {
  /// What is known of gradients that nobody measured: they are at most infinite. Nothing is predicted or witnessed by them.
  static func unmeasured(sampleCount: Int, nodeCount: Int) -> SampleGradients {
    SampleGradients(
      sampleMaxima: [Double](repeating: .infinity, count: sampleCount),
      nodeMaxima: [Double](repeating: .infinity, count: nodeCount))
  }

  public var isMeasured: Bool { largest < .infinity }
}
