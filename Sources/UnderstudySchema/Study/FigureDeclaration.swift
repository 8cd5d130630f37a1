/// A figure: which kind, over which part of the grid.
public struct FigureDeclaration: Codable, Hashable, Sendable {
  /// What a figure shows.
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    /// Best rho of each student node, or 1 - rho on a logarithmic axis, against its fan-out norm, one dot a node; facets
    /// over-realization x strength decay.
    case lShape
    /// Share of seeds that recovered each teacher node, a line per epoch; facets over-realization x strength decay.
    case recoveryRate
    /// Median and quartiles over seeds of the evaluation loss, per epoch; facets strength decay.
    case evaluationLoss
    /// Boundaries of teacher (solid) and student (dashed) over two-dimensional data, at the recorded epochs.
    case boundaries
    /// The alignment that the theorem predicts against the one measured, a dot a teacher node, with the diagonal.
    case alignmentBound
    /// Strength of unaligned student nodes, and kink balance of all, against the largest gradient; a dot a run and epoch.
    case unalignedStudents
    /// Observers of a teacher node against over-realization, and the share of nodes recovered against their observers.
    case observers
    /// First epoch at which each teacher node is aligned to 0.1; facets strength decay.
    case alignmentTime
    /// Share of teacher nodes aligned to 0.1 against the number of samples, a line for each augmentation; facets input
    /// dimension.
    case alignedShare
    /// Samples needed to align 90 % of the teacher nodes against the input dimension, with fitted power laws.
    case sampleExponent
    /// Share of teacher nodes with each verdict of the audit, against the key that varies most.
    case verdictShares
    /// Loss along three paths between a student and its replica; facets over-realization.
    case connectionLoss
    /// First epoch at which all teacher nodes are recovered, beside those of small losses, against over-realization.
    case coverAndLoss
    /// Best rho of each live student node with a teacher node of its layer against its strength sqrt(E[beta_kk]), one dot a
    /// node; rows hidden layers, the lowest at the bottom, columns epochs.
    case layerLShape
    /// Mean over the teacher nodes of a hidden layer of the best rho, per epoch, a line for each layer; facets
    /// over-realization.
    case layerSpecialization
    /// First epoch at which that mean is at least 0.95, against the hidden layer, a line for each over-realization.
    case specializationTime
    /// The same mean per epoch, a panel for each layer; colours over-realization, strokes what students learn from; dotted:
    /// before training.
    case layerLearning
    /// Accuracy on labels per epoch, in the same colours and strokes, with that of the teacher and its oracle.
    case accuracy
    /// Best rho of each teacher node, a panel for each layer; places by over-realization, colours by what students learn from.
    case bestCorrelations
    /// Any measure or statistic over epochs, nodes, layers or a key, with colours and panels by others.
    case plot
    /// The same as colours of cells, over two of them.
    case heatMap

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
}
