import UnderstudySchema

/// The keys that a figure tells apart: by colours and panels, along its horizontal axis, and by strokes. They follow from the
/// declaration and the selected settings alone, so that what a figure pools is known before anything is trained.
struct ChartKeys {
  let channels: ChartChannels
  /// Along the horizontal axis; nil: no key is.
  var place: SeriesKey?
  /// nil: no key has strokes.
  var stroke: SeriesKey?
  /// Keys that are shown in another way.
  private(set) var others: Set<String> = []

  init(_ channels: ChartChannels, place: SeriesKey? = nil, stroke: SeriesKey? = nil, others: Set<String> = []) {
    (self.channels, self.place, self.stroke, self.others) = (channels, place, stroke, others)
  }

  /// The keys that are told apart.
  var paths: Set<String> { channels.paths.union(others).union([place, stroke].compactMap { $0?.path }) }
}

extension Chart {
  private static let multiple = "student.overRealization"

  /// The table of what each kind tells apart unless the declaration says otherwise.
  var keys: ChartKeys {
    switch declaration.kind {
    case .lShape:
      ChartKeys(ChartChannels(of: self, color: [], column: [Self.multiple], row: ["teacher.strengthDecay"]))
    case .recoveryRate:
      ChartKeys(ChartChannels(of: self, color: [], column: ["teacher.strengthDecay"], row: [Self.multiple]))
    case .evaluationLoss:
      ChartKeys(ChartChannels(of: self, column: ["teacher.strengthDecay", "teacher.widths"]))
    case .boundaries: boundaryKeys
    case .alignmentBound, .unalignedStudents, .layerLShape: ChartKeys(ChartChannels(of: self))
    case .observers: ChartKeys(ChartChannels(of: self, column: [], row: ["teacher.strengthDecay"]))
    case .alignmentTime: alignmentTimeKeys
    case .alignedShare, .sampleExponent: sampleKeys(against: declaration.against ?? .usual)
    case .verdictShares:
      placedKeys(mostVaried([]), closed: epochs.count > 1 && declaration.axis(.column) == nil ? [.column] : [])
    case .coverAndLoss: placedKeys(mostVaried([Self.multiple]), column: ["teacher.strengthDecay"])
    case .connectionLoss: ChartKeys(ChartChannels(of: self, color: [], column: [Self.multiple]))
    case .layerSpecialization:
      ChartKeys(ChartChannels(of: self, color: [], column: [Self.multiple], row: ["teacher.widths"]))
    case .specializationTime: ChartKeys(ChartChannels(of: self, column: ["teacher.widths"]))
    case .layerLearning, .accuracy: curveKeys
    case .bestCorrelations: nodeKeys
    // Plots have ``PlotChannels``.
    case .plot, .heatMap: ChartKeys(ChartChannels(of: self, color: [], column: []))
    }
  }

  /// The keys that the declaration gives to a channel.
  private var named: Set<String> { declaration.channelKeys }

  /// As of ``SelectedRuns``, besides the keys that have a channel.
  private func mostVaried(_ preferred: [String], except excluded: Set<String> = []) -> SeriesKey {
    let taken = named.union(excluded)
    let free = preferred.filter { !taken.contains($0) }
    let key = runs.mostVaried(free, except: taken)
    return taken.contains(key.path) ? .nothing : key
  }

  private func placedKeys(
    _ place: SeriesKey, column: [String] = [], closed: Set<FigureDeclaration.Channel> = []
  ) -> ChartKeys {
    ChartKeys(ChartChannels(of: self, color: [], column: column, fixed: [place.path], closed: closed), place: place)
  }

  /// Rows, however many there are: one has to be chosen of those that differ.
  private var boundaryKeys: ChartKeys {
    let key =
      declaration.axis(.row) == .nothing ? nil : declaration.key(of: .row) ?? mostVaried([Self.multiple]).path
    return ChartKeys(ChartChannels(of: self, color: [], column: [], row: key.map { [$0] } ?? []))
  }

  /// Colour for over-realization if nothing else needs it, else its strokes.
  private var alignmentTimeKeys: ChartKeys {
    let channels = ChartChannels(
      of: self, color: ["training.outputNoise"], column: ["teacher.strengthDecay"], fixed: [Self.multiple])
    let multiple = runs.series(Self.multiple)
    let isShown = channels.paths.contains(multiple.path)
    let isOpen = declaration.axis(.color) == nil
    if !(channels.color.isVaried || isShown || !isOpen) {
      return ChartKeys(channels.colored(by: multiple))
    }
    let hasStrokes = channels.color.path != multiple.path && !isShown && multiple.isVaried
    return ChartKeys(channels, stroke: hasStrokes ? multiple : nil)
  }

  /// Colours by default are those of findings: the augmentation, or the key that varies most beside samples and what they are held
  /// against.
  private func sampleKeys(against axis: SampleAxis) -> ChartKeys {
    let shown = axis.shownKeys(in: runs.study)
    return ChartKeys(
      ChartChannels(of: self, color: ["inputs.augmentation"], fixed: shown), others: shown)
  }

  /// Colours for over-realization, or for what else varies if it does not, and strokes for another key, first of all for what
  /// students learn from.
  private var curveKeys: ChartKeys {
    let other = mostVaried(["training.loss"], except: [Self.multiple])
    let multiple = runs.series(Self.multiple)
    let takesOther = other.isVaried && (!multiple.isVaried || named.contains(Self.multiple))
    let usual = takesOther ? other : multiple
    let isOpen = declaration.axis(.color) == nil
    let stroke: SeriesKey? =
      if isOpen {
        takesOther || !other.isVaried ? nil : other
      } else {
        [mostVaried(["training.loss"])].first(where: \.isVaried)
      }
    let channels = ChartChannels(
      of: self, color: [usual.path], column: [], fixed: stroke.map { [$0.path] } ?? [])
    return ChartKeys(channels, stroke: stroke)
  }

  /// Places by over-realization, colours by another key, first of all by what students learn from.
  private var nodeKeys: ChartKeys {
    let place = named.contains(Self.multiple) ? mostVaried([]) : runs.series(Self.multiple)
    let color = mostVaried(["training.loss"], except: [place.path])
    return ChartKeys(
      ChartChannels(of: self, color: [color.path], column: [], fixed: [place.path]), place: place)
  }
}

extension FigureDeclaration {
  /// The key that a channel was given; nil: none was.
  func key(of channel: Channel) -> String? { if case .key(let path) = axis(channel) { path } else { nil } }

  /// The keys that channels were given.
  var channelKeys: Set<String> { Set(Channel.allCases.compactMap(key)) }
}
