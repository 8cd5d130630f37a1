/// What lies where in a figure of any quantity: of the kinds `plot` and `heatMap`.
public struct PlotDeclaration: Codable, Hashable, Sendable {
  /// What is shown.
  public enum Quantity: Codable, Hashable, Sendable {
    case measure(Measure)
    case statistic(FindingDeclaration.Statistic)

    /// The one of that name; nil if there is none. No measure is called as a statistic with another meaning.
    public init?(named name: String) {
      if let measure = Measure(rawValue: name) {
        self = .measure(measure)
      } else if let statistic = FindingDeclaration.Statistic(rawValue: name) {
        self = .statistic(statistic)
      } else {
        return nil
      }
    }

    public var name: String {
      switch self {
      case .measure(let measure): measure.rawValue
      case .statistic(let statistic): statistic.rawValue
      }
    }
  }

  /// What tells values apart.
  public enum Axis: Codable, Hashable, Sendable {
    case epoch
    /// The index of an array's last axis, from 1.
    case node
    /// The hidden layer, of measures that have one after the other.
    case layer
    /// A setting's key, by its path.
    case key(String)
    /// Nothing: the channel is left empty.
    case nothing

    public init?(named name: String) {
      switch name {
      case "epoch": self = .epoch
      case "node": self = .node
      case "layer": self = .layer
      case "none": self = .nothing
      default:
        guard let key = StudyKey.named(name), key.form != .file else { return nil }
        self = .key(key.path)
      }
    }

    public var name: String {
      switch self {
      case .epoch: "epoch"
      case .node: "node"
      case .layer: "layer"
      case .key(let path): path
      case .nothing: "none"
      }
    }
  }

  /// How the last axis of an array becomes one number.
  public enum Reduction: Codable, Hashable, Sendable {
    case largest, smallest, mean, median, sum
    case shareAbove(Double)
    case shareBelow(Double)

    /// As study files have it, e.g. `mean` or `share above 0.95`.
    public init?(_ text: String) {
      switch text {
      case "best", "largest": self = .largest
      case "smallest": self = .smallest
      case "mean": self = .mean
      case "median": self = .median
      case "sum": self = .sum
      default:
        let words = text.split(separator: " ")
        guard words.count == 3, words[0] == "share", let bound = Double(words[2]), bound.isFinite else { return nil }
        switch words[1] {
        case "above": self = .shareAbove(bound)
        case "below": self = .shareBelow(bound)
        default: return nil
        }
      }
    }

    /// As study files have it.
    public var text: String {
      switch self {
      case .largest: "best"
      case .smallest: "smallest"
      case .mean: "mean"
      case .median: "median"
      case .sum: "sum"
      case .shareAbove(let bound): "share above \(bound)"
      case .shareBelow(let bound): "share below \(bound)"
      }
    }

    /// What study files may say.
    public static let texts = ["best", "smallest", "mean", "median", "sum", "share above 0.95", "share below 0.1"]
  }

  /// What is drawn around the middle of several runs.
  public enum Band: String, Codable, Hashable, Sendable, CaseIterable {
    /// Medians, and from the lower to the upper quartile.
    case quartiles
    /// Means, and one standard deviation to each side; on a logarithmic scale, of logarithms.
    case deviation
    /// Means, and a thin line for each run.
    case seeds
    /// Means alone.
    case none
  }

  /// How values become heights or colours.
  public enum Scale: String, Codable, Hashable, Sendable, CaseIterable {
    case linear, logarithmic
  }

  public var quantity: Quantity
  /// From the last axis of a measure's array; empty for scalars and statistics.
  public var reductions: [Reduction] = []
  /// The hidden layer, from 1, of what lists several; nil: all of them, or the axis ``Axis/layer`` tells them apart.
  public var layer: Int?
  /// nil: the epoch, or the first key that varies if there is one epoch only.
  public var x: Axis?
  /// Of a heat map; nil: the first key that varies and is not `x`.
  public var y: Axis?
  /// nil: keys that vary and are shown nowhere else take the first free one of colour, columns and rows.
  public var color: Axis?
  public var row: Axis?
  public var column: Axis?
  public var band = Band.quartiles
  /// Of the quantity.
  public var scale = Scale.linear

  public init(_ quantity: Quantity) { self.quantity = quantity }

  /// The axes that are given.
  public var axes: [Axis] { [x, y, color, row, column].compactMap { $0 } }
}
