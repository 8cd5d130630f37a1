import UnderstudySchema

/// A statistic of findings as numbers of a plot: of each run, where it is a mean or median over runs, and otherwise of all runs of
/// a place together.
struct PlottedStatistic {
  let statistic: FindingDeclaration.Statistic
  let plot: PlotDeclaration
  let channels: PlotChannels
  let runs: SelectedRuns
  /// As of ``PlottedMeasure``.
  let epochs: [Int]

  /// - Returns: the values, and whether there is one for each run. Where something never happens in some runs, only the median of all
  ///   of them tells.
  /// - Throws: `FigureError.notPlottable` if it has no value anywhere, with the first reason.
  func points() throws(FigureError) -> (points: [PlotPoint], areOfEachRun: Bool) {
    var areOfEachRun = statistic.row.summary != nil
    var (points, reason) = try values(ofEachRun: areOfEachRun)
    if reason != nil, statistic.row.summary == .median {
      areOfEachRun = false
      (points, reason) = try values(ofEachRun: false)
    }
    guard !points.isEmpty else {
      throw .notPlottable(figure: runs.subject, reason: reason ?? "no run has a value")
    }
    return (points, areOfEachRun)
  }

  /// The values that there are, and why a first one is missing.
  private func values(ofEachRun isOfEachRun: Bool) throws(FigureError) -> (points: [PlotPoint], reason: String?) {
    let row = statistic.row
    let readers = try row.isOfAllRuns ? runs.all() : runs.completed()
    guard !channels.showsEpochs || row.epochs != .own else {
      throw .notPlottable(figure: runs.subject, reason: "\(statistic.rawValue) looks for its epochs itself; show a key")
    }
    var (points, reason): ([PlotPoint], String?) = ([], nil)
    for group in isOfEachRun ? readers.map({ [$0] }) : groups(of: readers) {
      for layer in try layers(of: group) {
        for epoch in try epochs(of: group) {
          let group = group.filter { $0.lastEpoch >= epoch ?? 0 }
          guard !group.isEmpty else { continue }
          var declaration = FindingDeclaration(
            statement: runs.subject, statistic: statistic, epoch: epoch, layer: layer)
          if row.epochs == .own { declaration.epoch = nil }
          switch try row.value(StatisticInput(declaration: declaration, selected: runs, runs: group)) {
          case .value(let value), .estimate(let value, _):
            points.append(
              PlotPoint(run: group[0], epoch: epoch ?? group[0].lastEpoch, layer: layer, node: nil, value: value))
          case .undefined(let words): reason = reason ?? words
          }
        }
      }
    }
    return (points, reason)
  }

  /// Runs that no key of a channel tells apart.
  private func groups(of readers: [RunReader]) -> [[RunReader]] {
    var groups = Gathered<RunReader>()
    let keys = channels.all.compactMap(\.key)
    for run in readers { groups.add(run, keys.map { Double($0.index(of: run)) }) }
    return groups.sorted.map(\.values)
  }

  private func layers(of group: [RunReader]) throws(FigureError) -> [Int?] {
    guard statistic.needsLayer else { return [nil] }
    if let layer = plot.layer { return [layer] }
    guard channels.showsLayers else {
      throw .notPlottable(
        figure: runs.subject,
        reason: "\(statistic.rawValue) looks at one hidden layer; give layer: 1 for the lowest, or e.g. column: layer")
    }
    let depth = try LayerReader.of(group).map(\.depth).min() ?? 0
    return (1...max(1, depth)).map { $0 }
  }

  /// nil: those that the statistic looks at.
  private func epochs(of group: [RunReader]) throws(FigureError) -> [Int?] {
    guard epochs.isEmpty else { return epochs.map { $0 } }
    guard channels.showsEpochs, let measure = statistic.row.needs.last else { return [nil] }
    var common: Set<Int>?
    for run in group {
      let recorded = Set(try run.series(measure).map(\.epoch))
      common = common?.intersection(recorded) ?? recorded
    }
    return (common ?? []).sorted().map { $0 }
  }
}
