/// A figure: which kind, over which part of the grid.
public struct FigureDeclaration: Codable, Hashable, Sendable {
  /// What a figure shows.
  public enum Kind: String, Codable, Hashable, Sendable, CaseIterable {
    /// Best rho of each student node against its fan-out norm, one dot a node; facets over-realization x strength decay.
    case lShape
    /// Share of seeds that recovered each teacher node; facets strength decay, a line per over-realization and epoch.
    case recoveryRate
    /// Mean and standard deviation over seeds of log10 evaluation loss, per epoch; facets strength decay.
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
