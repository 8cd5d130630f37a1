/// What the number of samples that teacher nodes need is held against, in figures and findings of sample complexity.
public enum SampleAxis: Codable, Hashable, Sendable {
  /// A key of settings whose values are numbers, by its path.
  case key(String)
  /// K = m_1 + n_1, the nodes of the lowest layer of teacher and student together.
  case nodes
  /// 1/eps: from which alignment on a node counts as aligned.
  case alignment
  /// 1/kappa, of the measure `observation`.
  case observation

  /// As study files have it; nil for what is neither one of the words nor a key.
  public init?(named name: String) {
    switch name {
    case "nodes": self = .nodes
    case "alignment": self = .alignment
    case "observation": self = .observation
    default:
      guard let key = StudyKey.named(name), key.form != .file else { return nil }
      self = .key(key.path)
    }
  }

  public var name: String {
    switch self {
    case .key(let path): path
    case .nodes: "nodes"
    case .alignment: "alignment"
    case .observation: "observation"
    }
  }

  /// The input dimension.
  public static let usual = SampleAxis.key("network.inputDimension")
}
