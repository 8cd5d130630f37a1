/// A figure: which kind, over which part of the grid.
public struct FigureDeclaration: Codable, Hashable, Sendable {
  /// What a figure shows. What each kind is and needs stands in the table of ``meaning`` (FigureMeaning.swift) and in Docs/Studies.md.
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    case lShape, recoveryRate, evaluationLoss, boundaries, alignmentBound, unalignedStudents, observers, alignmentTime
    case alignedShare, sampleExponent, verdictShares, connectionLoss, coverAndLoss, layerLShape, layerSpecialization
    case specializationTime, layerLearning, accuracy, bestCorrelations, plot, heatMap

    /// Whether the figure says itself what it shows.
    public var isPlot: Bool { self == .plot || self == .heatMap }

    /// The channels that a declaration can give to a key; of plots ``PlotDeclaration`` has them.
    public var channels: [Channel] {
      switch self {
      case .lShape, .recoveryRate, .layerSpecialization: [.row, .column]
      case .evaluationLoss, .alignmentTime, .specializationTime: [.color, .row, .column]
      case .coverAndLoss, .connectionLoss: [.row, .column]
      case .alignmentBound, .unalignedStudents, .alignedShare, .sampleExponent, .layerLShape: [.color]
      case .observers, .layerLearning, .bestCorrelations: [.color, .row]
      case .boundaries: [.row]
      case .verdictShares: [.row, .column]
      case .accuracy: [.color, .row, .column]
      case .plot, .heatMap: []
      }
    }

    /// Whether each dot is one node, or one run, by itself, and no panel could be of a key: there, settings are not made one number.
    package var isScatter: Bool { self == .alignmentBound || self == .unalignedStudents }

    /// Why a figure of the kind cannot give a channel to a key; nil if it can.
    public func objection(to channel: Channel) -> String? {
      guard !isPlot, !channels.contains(channel) else { return nil }
      switch (self, channel) {
      case (.boundaries, .color): return "its colours are teacher nodes"
      case (.boundaries, .column), (.layerLShape, .column): return "its columns are epochs"
      case (.verdictShares, .color): return "its colours are verdicts"
      case (.layerLearning, .column), (.bestCorrelations, .column): return "its columns are hidden layers"
      case (.layerLShape, .row): return "its rows are hidden layers"
      case (.lShape, .color): return "its colours would say nothing of crosses and dots; give row or column"
      case (.recoveryRate, .color): return "its lines are told apart by epoch; give row or column"
      case (.layerSpecialization, .color): return "its colours are hidden layers"
      case (.coverAndLoss, .color): return "its colours are what is waited for"
      case (.connectionLoss, .color): return "its colours are paths"
      case (.alignedShare, .row), (.alignedShare, .column): return "its panels are input dimensions"
      case (.observers, .column): return "it has two panels side by side: observers, and what is recovered"
      case (.unalignedStudents, .row), (.unalignedStudents, .column):
        return "it has two panels side by side: strengths, and kink balances"
      default: return "it is one panel; select settings by where, or make the kind plot"
      }
    }

    /// The keys that a declaration of the kind may have beside those of all kinds.
    public var options: [String] {
      if isPlot { return Self.plotOptions.filter { self == .plot || $0 != "band" } }
      return channels.map(\.rawValue) + (hasCorrelationScale ? ["scale"] : []) + (self == .lShape ? ["height"] : [])
        + (self == .sampleExponent ? ["against"] : [])
    }

    /// Those of plots and heat maps.
    public static let plotOptions = ["y", "x", "color", "row", "column", "reduce", "layer", "band", "scale"]

    /// Whether it shows a correlation, on a linear axis or as its distance from 1 on a logarithmic one.
    public var hasCorrelationScale: Bool { self == .lShape || self == .layerLShape }
  }

  /// What can tell the values of a key apart.
  public enum Channel: String, Codable, Hashable, Sendable, CaseIterable {
    case color, row, column
  }

  /// The height of an L-shape.
  public enum Height: String, Codable, Hashable, Sendable, CaseIterable {
    /// The fan-out norm ||v_k||.
    case norm
    /// ||v_k|| ||w_k||, which does not change when a ReLU node is rescaled.
    case strength
  }

  /// File name of the figure, without ending.
  public var name: String
  public var kind: Kind
  public var caption: String
  /// Keep only settings whose keys have one of these values.
  public var selection: [String: [KeyValue]]
  /// Epochs shown, where the kind needs them; empty: the kind's usual ones, most often the last.
  public var epochs: [Int]
  /// Of the kinds that show any quantity, nil for all others.
  public var plot: PlotDeclaration?
  /// The keys of channels, by the channels' names; a channel that is not named takes the kind's usual key.
  public var channels: [String: PlotDeclaration.Axis]?
  /// Of correlations; nil: logarithmic for students that have converged.
  public var scale: PlotDeclaration.Scale?
  /// Of an L-shape; nil: the norm.
  public var height: Height?
  /// Of needed samples; nil: the input dimension.
  public var against: SampleAxis?
  public var style: StyleDeclaration?

  /// The key that a channel was given, or nothing; nil: it was not named.
  public func axis(_ channel: Channel) -> PlotDeclaration.Axis? { channels?[channel.rawValue] }

  public init(
    name: String, kind: Kind, caption: String = "", selection: [String: [KeyValue]] = [:], epochs: [Int] = [],
    plot: PlotDeclaration? = nil
  ) {
    self.name = name
    self.kind = kind
    self.caption = caption
    self.selection = selection
    self.epochs = epochs
    self.plot = plot
  }

  /// Whether a name can be that of a file.
  package static func isFileName(_ name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix(".")
      && name.unicodeScalars.allSatisfy {
        $0.isASCII && ($0.properties.isAlphabetic || "0123456789-_.".unicodeScalars.contains($0))
      }
  }
}
