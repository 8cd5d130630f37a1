import UnderstudyNetworks
import UnderstudyNumerics

/// How far an audit goes: some of its parts grow with the product of samples, features and weights, and are left out if they
/// would take too long or too much memory. The audit says so.
public struct AuditEffort: Sendable, Hashable {
  /// At most about so many minutes for the whole audit; `understudy bench audit --shapes` measures them.
  public var minutes: Double
  /// Memory that a part may take for tables of samples and pairs of nodes.
  public var bytes: Double

  public init(minutes: Double, bytes: Double = 4e9) { (self.minutes, self.bytes) = (minutes, bytes) }

  public static let minute = AuditEffort(minutes: 1)
  /// Everything, however long it takes and however much memory.
  public static let complete = AuditEffort(minutes: .infinity, bytes: .infinity)

  /// Multiplications of the whole audit: a core with AVX-512 does them in half of the time, so that a slower one has time enough.
  var multiplications: Double { 5e11 * minutes }

  /// The parts whose cost is estimated before they begin, those first that tell most.
  public enum Part: String, Sendable, Hashable, CaseIterable {
    /// The gradients over the augmented set, over all bands.
    case awareGradients
    case merging
    case agnosticGradients
    /// The ranks of the fan-out weights that each student node is observed by.
    case observerRanks

    public var words: String {
      switch self {
      case .agnosticGradients: "gradients over teacher-agnostic copies"
      case .awareGradients: "gradients over teacher-aware copies"
      case .observerRanks: "ranks of the student nodes' observers"
      case .merging: "merging"
      }
    }
  }
}

/// A part that an audit left out, and what it would have taken.
public struct OmittedPart: Sendable, Equatable {
  public var part: AuditEffort.Part
  /// Multiplications.
  public var cost: Double
  /// Memory, if that is why.
  public var bytes: Double?

  /// A sentence for people.
  public var note: String {
    let meaning =
      switch part {
      case .agnosticGradients: "predictions rest on the teacher-aware ones"
      case .awareGradients: "there are no kink witnesses without them"
      case .observerRanks: "their column is empty"
      case .merging: "no student node is said to be superfluous"
      }
    let size = bytes.map { "\(power(of: $0)) bytes of memory" } ?? "\(power(of: cost)) multiplications"
    let remedy = bytes == nil ? "Ask for them with --complete" : "Ask for them with --complete where that much is free"
    return "not measured: \(part.words), \(size); \(meaning). \(remedy), or audit over fewer inputs"
  }

  private func power(of cost: Double) -> String {
    var (factor, exponent) = (cost, 0)
    while factor >= 10 { (factor, exponent) = (factor / 10, exponent + 1) }
    return "\(Int(factor.rounded()))e\(exponent)"
  }
}

/// Which parts of an audit are within its effort: one after the other, as long as something is left of it.
struct AuditPlan {
  private(set) var omitted: [OmittedPart] = []
  private var left: Double
  private let bytes: Double

  init(_ effort: AuditEffort, _ cost: AuditCost) {
    (left, bytes) = (effort.multiplications - cost.base(effort), effort.bytes)
    for part in AuditEffort.Part.allCases where part != .observerRanks {
      _ = take(part, cost: cost.cost(of: part), bytes: part == .merging ? cost.mergingBytes : 0)
    }
  }

  func includes(_ part: AuditEffort.Part) -> Bool { !omitted.contains { $0.part == part } }

  /// Whether a part is within what is left; if not, it is omitted.
  ///
  /// - Parameters:
  ///   - cost: multiplications.
  ///   - bytes: of memory.
  mutating func take(_ part: AuditEffort.Part, cost: Double, bytes: Double) -> Bool {
    guard cost <= left, bytes <= self.bytes else {
      omitted.append(OmittedPart(part: part, cost: cost, bytes: bytes > self.bytes ? bytes : nil))
      return false
    }
    left -= cost
    return true
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
